"""What a page says of other models: the successor, what this one was made from, what of it, what is like it.

Found in one pass over the catalog and its inverted lists, so that the work grows with the number of models, not with
its square; and each page depends on a few others only, so that a changed entry changes few pages.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Around", "Neighbour", "look_around"]

_WEIGHTS = {"data": 4, "tag": 3, "task": 2, "takes": 1, "gives": 1}
"""How much it says that two models have one such thing in common."""
_NEAR = 12
"""How many models before and after it in the alphabet a model looks at in each list: lists of thousands stay cheap."""
_ENOUGH = 3
"""Related are models that share more than what any two tables or images have in common."""
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another model of the catalog, and how it is related: a word of lineage, or the words that both have."""

    name: str
    title: str
    summary: str
    relation: str


@dataclass(frozen=True, slots=True)
class Around:
    """The other models that a page names; what is not in the catalog is not here.

    Attributes:
        successor: The model to use instead.
        parents: Models that this one was made from.
        children: Models that were made from this one.
        related: Models like this one, the likest first.
    """

    successor: str | None
    parents: tuple[Neighbour, ...]
    children: tuple[Neighbour, ...]
    related: tuple[Neighbour, ...]


def look_around(models: Iterable[Mapping[str, Any]], rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Around]:
    """Return what is around each model, by its name; *rows* are the index's rows of all models."""
    listed = tuple(models)
    children: dict[str, list[Neighbour]] = defaultdict(list)
    for model in listed:
        for one in model.get("lineage", ()):
            if one.get("model") in rows:
                children[one["model"]].append(_neighbour(rows[model["name"]], one["relation"]))
    lists = _lists(rows)
    return {
        model["name"]: Around(
            model["successor"] if model.get("successor") in rows else None,
            tuple(
                _neighbour(rows[one["model"]], one["relation"])
                for one in model.get("lineage", ())
                if one.get("model") in rows
            ),
            tuple(children[model["name"]]),
            _related(rows[model["name"]], rows, lists),
        )
        for model in listed
    }


def _neighbour(row: Mapping[str, Any], relation: str) -> Neighbour:
    return Neighbour(row["name"], row["title"], row["summary"], relation)


def _features(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, id and words of what a model may have in common with others."""
    yield from (("data", one["id"], one["name"]) for one in row.get("data", ()))
    yield from (("tag", tag, tag) for tag in row["tags"])
    if row["task"] != "other":
        yield "task", row["task"], row["task"].replace("-", " ")
    yield from (("takes", kind, f"takes {kind}") for kind in row.get("takes", ()))
    yield from (("gives", kind, f"gives {kind}") for kind in row.get("gives", ()))


def _lists(rows: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Return the usable models that have each feature, by name."""
    lists: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(rows):
        if rows[name]["latest"] and rows[name]["lifecycle"] == "published":
            for kind, key, _ in _features(rows[name]):
                lists[kind, key].append(name)
    return lists


def _related(
    row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], lists: Mapping[tuple[str, str], list[str]]
) -> tuple[Neighbour, ...]:
    scores: dict[str, int] = defaultdict(int)
    shared: dict[str, list[str]] = defaultdict(list)
    for kind, key, words in _features(row):
        names = lists.get((kind, key), [])
        place = bisect_left(names, row["name"])
        for name in names[max(0, place - _NEAR) : place + _NEAR + 1]:
            if name != row["name"]:
                scores[name] += _WEIGHTS[kind]
                shared[name].append(words)
    best = sorted((name for name in scores if scores[name] >= _ENOUGH), key=lambda name: (-scores[name], name))
    return tuple(_neighbour(rows[name], ", ".join(dict.fromkeys(shared[name]))) for name in best[:_SHOWN])
