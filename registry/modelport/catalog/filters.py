"""Filters: which rows of the index have what is asked for, and in which order they come.

A filter is a facet of the site's list by the same name. Values of one facet are alternatives; facets hold together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["FACETS", "ORDERS", "hidden", "parse_size", "select", "values_of"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?(|[kmg]i?)b?", re.IGNORECASE)
_SHOWN = "published"


def _licenses(row: Mapping[str, Any]) -> list[str]:
    named = [word for word in re.findall(r"[A-Za-z0-9.+-]+", row["license"]) if word not in {"AND", "OR", "WITH"}]
    return [row["license_class"], row["license"], *named]


FACETS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "task": lambda row: [row["task"]],
    "license": _licenses,
    "framework": lambda row: list(row["frameworks"]),
    "format": lambda row: list(row["formats"]),
    "takes": lambda row: list(row["takes"]),
    "gives": lambda row: list(row["gives"]),
    "publisher": lambda row: [row["publisher"], row["publisher_id"]],
    "tag": lambda row: list(row["tags"]),
    "lifecycle": lambda row: [row["lifecycle"]],
}
"""The facets by name, and the values that a row of the index has of each."""

ORDERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "name": lambda row: row["name"],
    "released": lambda row: row["released"] or "",
    "size": lambda row: row["size"] or 0,
}
"""The orders by name: ``released`` is newest first, the others go up."""


def select(
    rows: Iterable[dict[str, Any]],
    wanted: Mapping[str, Sequence[str]],
    *,
    max_size: int | None = None,
    order: str | None = None,
) -> list[dict[str, Any]]:
    """Return the rows that have, of each facet in *wanted*, one of its values; without *order* as they come.

    A row whose size is not known is not within any *max_size*.
    """
    folded = {facet: {value.casefold() for value in values} for facet, values in wanted.items() if values}
    found = [
        row
        for row in rows
        if all(values & {one.casefold() for one in FACETS[facet](row)} for facet, values in folded.items())
        and (max_size is None or (row["size"] is not None and row["size"] <= max_size))
    ]
    if order:
        found.sort(key=lambda row: row["name"])
        found.sort(key=ORDERS[order], reverse=order == "released")
    return found


def hidden(row: Mapping[str, Any]) -> bool:
    """Return whether a list leaves *row* out unless it is asked for: a draft, or a model that nobody should take up."""
    return bool(row["lifecycle"] != _SHOWN)


def values_of(rows: Iterable[Mapping[str, Any]], facet: str) -> list[str]:
    """Return all values that *rows* have of *facet*, sorted."""
    return sorted({value for row in rows for value in FACETS[facet](row)})


def parse_size(text: str) -> int:
    """Return how many bytes ``800``, ``20MB``, ``1.5 GB`` or ``64MiB`` are.

    Raises:
        InputError: It is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a size", hint="write a number of bytes, or for instance 20MB or 64MiB")
    return int(float(match[1]) * _UNITS[match[2].lower()])
