"""The list of models and the search index: small, made of metadata only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.shorten import human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport_site.documents import CatalogDocuments

__all__ = ["card_view", "search_index"]

_FIELDS = 4


def search_index(catalog: CatalogDocuments) -> dict[str, Any]:
    """Return what the search reads: for each model its words, the weightier first.

    ``assets/site.js`` ranks a hit by where it was: name, title, tags (with task and frameworks), summary, the rest.
    """
    return {
        "schema": "modelport/site-search/1",
        "models": [
            {
                "name": row["name"],
                "title": row["title"],
                "tags": " ".join([*row["tags"], row["task"], *row["frameworks"]]),
                "summary": row["summary"],
                "rest": " ".join([*row["inputs"], *row["outputs"], row["publisher"], row["license"], row["lifecycle"]]),
            }
            for row in catalog.rows.values()
        ],
    }


def card_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a card of the list says about a model."""
    return {
        **row,
        "takes": _names(row["inputs"]),
        "gives": _names(row["outputs"]),
        "human_size": human_bytes(row["size"]) if row.get("size") is not None else "",
        "task_words": row["task"].replace("-", " "),
    }


def _names(fields: Sequence[str]) -> str:
    shown = ", ".join(fields[:_FIELDS])
    return f"{shown} and {len(fields) - _FIELDS} more" if len(fields) > _FIELDS else shown
