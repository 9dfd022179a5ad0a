"""How much an entry tells those who may use its model, as a score of 0 to 100, and what to add first.

A score is advice, never a condition: an entry that passes every check may be published with any score. What counts is
what users ask for before they take a model: does it do what I need, how well, where does it fail, may I use it, and
whom do I ask. Each part is worth fixed points, all parts together 100; adding what is missing never lowers a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.catalog.rules.placeholders import is_placeholder, placeholders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PARTS", "Completeness", "Missing", "completeness"]

_LIMITS, _USE, _CARD, _TAGS = 100, 60, 400, 2
_TEXT_TASKS = {
    "automatic-speech-recognition", "question-answering", "sentence-similarity", "summarization",
    "text-classification", "text-generation", "text-to-image", "text-to-speech", "token-classification", "translation",
}  # fmt: skip
_UNWRITTEN = ("summary", "title", "intended_use", "limits")


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that an entry does not have.

    Attributes:
        key: The part's name.
        points: What it is worth.
        advice: What to do, as an instruction.
    """

    key: str
    points: int
    advice: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """How complete an entry is.

    Attributes:
        score: 0 to 100.
        missing: What to add, the most valuable first.
    """

    score: int
    missing: tuple[Missing, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        missing = [{"key": one.key, "points": one.points, "advice": one.advice} for one in self.missing]
        return {"score": self.score, "missing": missing}


def completeness(model: Mapping[str, Any]) -> Completeness:
    """Return how complete the entry is whose document (``/api/v1/models/<name>.json``) *model* is."""
    version: Mapping[str, Any] = next((v for v in model["versions"] if v["version"] == model["latest"]), {})
    missing = [
        Missing(key, points, _unwritten(model) if key == "placeholders" else advice)
        for key, (points, has, advice) in PARTS.items()
        if not has(model, version)
    ]
    return Completeness(100 - sum(one.points for one in missing), tuple(missing))


def _unwritten(model: Mapping[str, Any]) -> str:
    """Return the advice that names what is still to be written, what readers see first at the front."""
    places = list(dict.fromkeys(str(path[0]) for path in placeholders(_own(model))))
    if is_placeholder(model["card"]):
        places.append("card.md")
    ordered = sorted(places, key=lambda key: _UNWRITTEN.index(key) if key in _UNWRITTEN else len(_UNWRITTEN))
    return f"write what is still TODO: {', '.join(ordered)}"


def _own(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person wrote into ``model.yaml``."""
    return {key: value for key, value in model.items() if key not in {"card", "versions", "variants"}}


def _has_placeholder(model: Mapping[str, Any]) -> bool:
    return is_placeholder(model["card"]) or any(True for _ in placeholders(_own(model)))


def _length(text: str) -> int:
    """Return how many characters *text* says something in: white space does not."""
    return len("".join(text.split()))


def _all_have(items: list[Mapping[str, Any]], key: str) -> bool:
    return bool(items) and all(key in item for item in items)


def _has_docs(version: Mapping[str, Any]) -> bool:
    signature = version.get("signature", {})
    parts = [*signature.get("methods", ()), *signature.get("messages", ())]
    return bool(parts) and all(part.get("doc") for part in parts)


def _has_interval(version: Mapping[str, Any]) -> bool:
    return any("interval" in evaluation for evaluation in version.get("evaluations", ()))


def _is_reachable(model: Mapping[str, Any]) -> bool:
    return any(person.keys() & {"github", "email"} for person in model["maintainers"])


def _has_origin(model: Mapping[str, Any]) -> bool:
    elsewhere = any("source" in origin for origin in model.get("lineage", ()))
    return bool(model["recipe"] or elsewhere or "source" in model.get("links", {}))


PARTS: dict[str, tuple[int, Callable[[Mapping[str, Any], Mapping[str, Any]], bool], str]] = {
    "placeholders": (14, lambda model, _: not _has_placeholder(model), "write what is still TODO"),
    "examples": (
        12, lambda _, version: bool(version.get("examples")),
        "give an example of each method with model.add_example(...), and submit a version",
    ),
    "evaluations": (
        10, lambda _, version: bool(version.get("evaluations")),
        "measure it on data that it was not trained on: model.add_evaluation(...), and submit a version",
    ),
    "card": (
        8, lambda model, _: _length(model["card"]) >= _CARD,
        f"say in card.md for whom it is, what goes in and comes out, and how it was made: {_CARD} letters or more",
    ),
    "limits": (
        8, lambda model, _: _length(model["limits"]) >= _LIMITS,
        f"say under 'limits' where it fails and what it is not for: {_LIMITS} letters or more",
    ),
    "intended_use": (
        6, lambda model, _: _length(model["intended_use"]) >= _USE,
        f"say under 'intended_use' what it is for, and for whom: {_USE} letters or more",
    ),
    "maintainers": (
        6, lambda model, _: _is_reachable(model),
        "give a maintainer's 'github' or 'email', so that users can ask",
    ),
    "citation": (
        5, lambda model, _: "citation" in model,
        "add 'citation': the title, authors and year of the work to cite",
    ),
    "interval": (
        4, lambda _, version: _has_interval(version),
        "give a figure its 95 % confidence interval: how sure is it?",
    ),
    "links": (
        4, lambda model, _: "links" in model,
        "add 'links': its homepage, source, documentation, paper, or where users ask",
    ),
    "training_data": (
        4, lambda model, _: bool(model["training_data"]),
        "say under 'training_data' what it was trained on",
    ),
    "data_license": (
        3, lambda model, _: _all_have(model["training_data"], "license"),
        "give the licence of each set of training data",
    ),
    "languages": (
        3, lambda model, _: model["task"] not in _TEXT_TASKS or "languages" in model,
        "say under 'languages' which languages it knows",
    ),
    "tags": (
        3, lambda model, _: len(model.get("tags", ())) >= _TAGS,
        "add 'tags': words by which people look for such a model",
    ),
    "docs": (
        3, lambda _, version: _has_docs(version),
        "give each method and each message a docstring: users read them as its manual",
    ),
    "recipe": (
        3, lambda model, _: _has_origin(model),
        "add a recipe that builds it again, or say under 'links' or 'lineage' where its source is",
    ),
    "samples": (
        2, lambda model, _: _all_have(model["training_data"], "samples"),
        "say of how many 'samples' each set of training data is",
    ),
    "resources": (
        2, lambda _, version: "resources" in version,
        "submit a version with this modelport: it measures the memory that the model takes",
    ),
}  # fmt: skip
"""Each part by its key: its points, whether an entry has it, and the advice; the most valuable first."""
