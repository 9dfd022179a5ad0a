"""The search index: the catalog as columns, small enough to be fetched whole and to be read by one short script.

A row is a model, in the catalog's order. What few models tell apart (facets, data sets, licences) is a table of values
and a column of their numbers; the script in ``assets/list/`` counts and filters with those numbers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.facets import FACETS, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["search_index"]

_SINGLE = {"task", "size", "license", "publisher", "lifecycle"}
"""Facets of which a model has at most one value: their columns hold plain numbers, -1 for none."""


def search_index(rows: Sequence[Mapping[str, Any]], downloads: Mapping[str, int]) -> dict[str, Any]:
    """Return ``/api/v1/search.json`` (``modelport/site-search/2``).

    Args:
        rows: The models' rows of the index.
        downloads: The bytes of the smallest variant of those models that have variants.
    """
    return {
        "schema": "modelport/site-search/2",
        "name": [row["name"] for row in rows],
        "title": [row["title"] for row in rows],
        "summary": [row["summary"] for row in rows],
        "fields": [" ".join(dict.fromkeys([*row["inputs"], *row["outputs"]])) for row in rows],
        "size": [row["size"] for row in rows],
        "download": [downloads.get(row["name"]) for row in rows],
        "released": [row["released"] for row in rows],
        "facets": {
            facet.key: _column([values_of(facet, row) for row in rows], single=facet.key in _SINGLE) for facet in FACETS
        },
        "words": {
            "data": _column([[(one["id"], one["name"]) for one in row["data"]] for row in rows]),
            "license": _column([[(row["license"], row["license"])] for row in rows], single=True),
            "language": _column([[(one, one) for one in row["languages"]] for row in rows]),
        },
    }


def _column(cells: Iterable[Sequence[tuple[str, str]]], *, single: bool = False) -> dict[str, Any]:
    numbers: dict[str, int] = {}
    labels: list[str] = []
    column: list[Any] = []
    for cell in cells:
        for value, label in cell:
            if value not in numbers:
                numbers[value] = len(labels)
                labels.append(label)
        held = sorted({numbers[value] for value, _ in cell})
        column.append((held[0] if held else -1) if single else held)
    return {"ids": list(numbers), "labels": labels, "rows": column}
