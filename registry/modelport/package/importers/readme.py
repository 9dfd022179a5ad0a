"""The ``README.md`` of a Hugging Face folder: its front matter, its title and its first sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.package.importers.licenses import UNKNOWN, spdx
from modelport.package.importers.words import cell, one_line, tag, text
from modelport.schema import schema_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.package.importers.found import Problems
    from modelport.package.importers.source import Source

__all__ = ["Readme"]

_LIMIT = 1024**2
_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_PROSE = re.compile(r"[^\W\d_]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
_RELATIONS = {"quantized": "quantized", "merge": "merged"}
_TASKS = {"text2text-generation": "text-generation", "zero-shot-classification": "text-classification"}
_HUB = "https://huggingface.co/"
_MOST, _LONGEST = 16, 120
_MOST_CLAIMS, _MOST_PROSE = 50, 2000


@dataclass(frozen=True, slots=True)
class Readme:
    """What a ``README.md`` says.

    Attributes:
        said: Its front matter.
        title: Its first heading.
        summary: Its first sentences.
    """

    said: dict[str, Any]
    title: str = ""
    summary: str = ""

    @classmethod
    def read(cls, source: Source, problems: Problems) -> Readme:
        """Read ``README.md``; what is wrong with it is noted."""
        from modelport.catalog.reader import read_yaml

        if "README.md" not in source:
            return cls({})
        try:
            content = source.read("README.md", limit=_LIMIT).decode()
        except FormatError as error:
            problems.note("README.md", error.message)
            return cls({})
        except UnicodeDecodeError:
            problems.note("README.md", "is not UTF-8 text")
            return cls({})
        said: Any = {}
        if matter := _MATTER.match(content):
            document = read_yaml(matter[1].encode(), "README.md")
            problems.found += map(str, document.problems)
            said = document.value if isinstance(document.value, dict) else {}
            content = content[matter.end() :]
        return cls(said, *_beginning(content))

    def license(self) -> tuple[str, str]:
        """Return the licence as SPDX, and the words that say more of it."""
        named = [one_line(one, 100) for one in _list(self.said.get("license"))]
        if [one.lower() for one in named] == ["other"]:
            named = [one_line(self.said.get("license_name"), 100) or "other"]
        found = [spdx(one) for one in named]
        words = text("\n".join([*named, one_line(self.said.get("license_link"), 500)]), 8000)
        if not found or UNKNOWN in found:
            return UNKNOWN, words
        expression = spdx(" AND ".join(dict.fromkeys(found)))
        return expression, "" if words == expression or (len(named) == 1 and words == named[0]) else words

    def facts(self) -> dict[str, Any]:
        """Return keys of ``model.yaml``, those alone that are said."""
        tags = [tag(one) for one in _list(self.said.get("tags")) if ":" not in one_line(one, 100)]
        languages = [one for one in map(_code, _list(self.said.get("language"))) if one]
        made = {
            "summary": self.summary,
            "task": self._task(),
            "tags": list(dict.fromkeys(filter(None, tags)))[:_MOST],
            "training_data": [
                {"name": one, "source": f"{_HUB}datasets/{one}"} for one in self._repositories("datasets")
            ],
            "lineage": [
                {"relation": self._relation(), "source": f"{_HUB}{one}"} for one in self._repositories("base_model")
            ],
            "languages": list(dict.fromkeys(languages))[:32],
        }
        return {key: value for key, value in made.items() if value}

    def claims(self) -> str:
        """Return what the model's index claims, as a table for the card that says that nobody measured it here."""
        rows = list(self._rows())[:_MOST_CLAIMS]
        if not rows:
            return ""
        table = "".join(f"| {' | '.join(cell(one, 80) for one in row)} |\n" for row in rows)
        return (
            "## As published\n\nIts source claims these figures; nobody has measured them here.\n\n"
            f"| Data | Metric | Value |\n|---|---|---|\n{table}\n"
        )

    def _rows(self) -> Iterator[tuple[Any, Any, Any]]:
        for model in _mappings(self.said.get("model-index")):
            for result in _mappings(model.get("results")):
                data = next(iter(_mappings(result.get("dataset"))), {})
                for metric in _mappings(result.get("metrics")):
                    yield (
                        data.get("name") or data.get("type") or "not said",
                        metric.get("name") or metric.get("type") or "not said",
                        metric.get("value"),
                    )

    def _task(self) -> str:
        said = one_line(self.said.get("pipeline_tag"), 64)
        known = schema_document("model")["properties"]["task"]["enum"]
        said = _TASKS.get(said, said)
        return said if said in known else ""

    def _relation(self) -> str:
        return _RELATIONS.get(one_line(self.said.get("base_model_relation"), 32), "fine-tuned")

    def _repositories(self, key: str) -> list[str]:
        named = [one_line(one, 200) for one in _list(self.said.get(key))]
        return list(dict.fromkeys(one for one in named if len(one) <= _LONGEST and _REPOSITORY.fullmatch(one)))[:_MOST]


def _beginning(content: str) -> tuple[str, str]:
    """Return the first heading and the first paragraph of prose."""
    title = ""
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n")[:100_000]):
        lines = block.strip().splitlines()
        while lines and lines[0].startswith("#"):
            title = title or one_line(lines.pop(0).strip("# "), 80)
            if lines and lines[0].startswith("#"):
                lines.pop(0)
        words = one_line(re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(lines)[:_MOST_PROSE]), 240)
        if words[:1] not in {"<", "|", "!", "`", "-", "*", ">", "["} and _PROSE.search(words):
            return title, words
    return title, ""


def _code(value: object) -> str:
    said = one_line(value, 35)
    return said if _LANGUAGE.fullmatch(said) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _mappings(value: object) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]
