"""Docstrings: what they say of parameters, fields and the result, in Google's or NumPy's sections.

A section whose every entry finds its place in the signature leaves the text, since the signature says it there;
any other stays, so that nothing is lost.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

__all__ = ["Docs", "read_docs"]

_FIELDS = {"args", "arguments", "attributes", "fields", "parameters", "params"}
_RESULT = {"returns", "return", "yields", "yield"}
_OTHER = {
    "raises", "example", "examples", "note", "notes", "see also", "references", "warning", "warnings", "todo",
    "warns", "other parameters", "methods",
}  # fmt: skip
_GOOGLE = re.compile(r"([A-Za-z][A-Za-z ]*):\s*")
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^()]*(?:\([^()]*\))?[^()]*\))?\s*:\s*(.*)", re.DOTALL)
_NUMPY_ENTRY = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\w+)*)\s*(?::.*)?")
_TYPE = re.compile(r"[A-Za-z_][\w.]*(?:\[[^\n:]*\])?:\s+")


@dataclass(frozen=True, slots=True)
class Docs:
    """What a docstring says.

    Attributes:
        text: It, without the sections that are said below.
        fields: What it says of each parameter or field.
        result: What it says of the result.
    """

    text: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    result: str = ""


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    start: int
    body: int
    end: int
    numpy: bool


def read_docs(doc: str | None, names: Container[str], *, result: bool = False) -> Docs:
    """Return what the docstring *doc* says of *names*, and of the result if it has a place (*result*)."""
    lines = inspect.cleandoc(doc or "").split("\n")
    fields: dict[str, str] = {}
    said, dropped = "", set()
    for section in _sections(lines):
        body = lines[section.body : section.end]
        if section.title in _FIELDS:
            entries = _numpy_entries(body) if section.numpy else _google_entries(body)
            fields |= {name: words for name, words in entries.items() if name in names and words}
            placed = bool(entries) and all(name in names for name in entries)
        else:
            words = _result_words(body, numpy=section.numpy) if result and section.title in _RESULT else ""
            said, placed = words or said, bool(words)
        if placed:
            dropped |= set(range(section.start, section.end))
    left = "\n".join(line for number, line in enumerate(lines) if number not in dropped)
    return Docs(re.sub(r"\n{3,}", "\n\n", left).strip() if dropped else left.strip(), fields, said)


def _sections(lines: list[str]) -> Iterator[_Section]:
    heads = [(number, head) for number in range(len(lines)) if (head := _head(lines, number))]
    for place, (start, (title, numpy)) in enumerate(heads):
        body = start + (2 if numpy else 1)
        end = heads[place + 1][0] if place + 1 < len(heads) else len(lines)
        if not numpy:  # what is not indented any more is no part of it
            end = next((n for n in range(body, end) if lines[n].strip() and not lines[n].startswith((" ", "\t"))), end)
        yield _Section(title, start, body, end, numpy)


def _head(lines: list[str], number: int) -> tuple[str, bool] | None:
    """Return the title of the section that starts on a line, and whether it is NumPy's kind."""
    line = lines[number]
    known = _FIELDS | _RESULT | _OTHER
    under = lines[number + 1].strip() if number + 1 < len(lines) else ""
    if line.strip().lower() in known and len(under) > 2 and set(under) <= {"-"}:  # noqa: PLR2004 - a line, not a dash
        return line.strip().lower(), True
    found = _GOOGLE.fullmatch(line)
    return (found[1].lower(), False) if found and found[1].lower() in known else None


def _google_entries(body: list[str]) -> dict[str, str]:
    """Return the entries; text that is none gives an entry without a name, which has no place."""
    entries: dict[str, str] = {}
    for block in _blocks(body):
        found = _GOOGLE_ENTRY.fullmatch(block)
        entries[found[1] if found else ""] = _one_line(found[2]) if found else block
    return entries


def _numpy_entries(body: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    for block in _blocks(body):
        head, _, words = block.partition("\n")
        found = _NUMPY_ENTRY.fullmatch(head.strip())
        names = re.split(r"\s*,\s*", found[1]) if found else [""]
        entries |= dict.fromkeys(names, _one_line(words))
    return entries


def _result_words(body: list[str], *, numpy: bool) -> str:
    text = inspect.cleandoc("\n".join(["", *body]))
    if numpy:
        _, _, rest = text.partition("\n")
        return _one_line(rest) if rest.startswith((" ", "\t")) else _one_line(text)
    return _one_line(_TYPE.sub("", text, count=1) if _TYPE.match(text) else text)


def _blocks(body: list[str]) -> list[str]:
    """Return the entries of a section: each begins with a line of the least indentation."""
    filled = [line for line in body if line.strip()]
    least = min((len(line) - len(line.lstrip()) for line in filled), default=0)
    blocks: list[str] = []
    for line in filled:
        if len(line) - len(line.lstrip()) == least or not blocks:
            blocks.append(line.strip())
        else:
            blocks[-1] += "\n" + line[least:]
    return blocks


def _one_line(words: str) -> str:
    return " ".join(words.split())
