"""What a card of a list says about a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.facets import FACETS, LAST, label_of
from modelport_site.shorten import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["card_view", "in_use_and_last"]

_FIELDS = 3
_FRAMEWORK = next(facet for facet in FACETS if facet.key == "framework")


def card_view(row: Mapping[str, Any], download: int | None = None) -> dict[str, Any]:
    """Return what a card of the list says about a model, and about the *download* of its smallest variant, if given."""
    return {
        **row,
        "takes": _names(row["inputs"]),
        "gives": _names(row["outputs"]),
        "takes_kinds": ", ".join(row["takes"]),
        "gives_kinds": ", ".join(row["gives"]),
        "framework_names": [label_of(_FRAMEWORK, one) for one in row["frameworks"]],
        "human_size": human_bytes(row["size"]) if row.get("size") is not None else "",
        "human_download": human_bytes(download) if download is not None else "",
        "task_words": row["task"].replace("-", " "),
    }


def in_use_and_last(rows: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the cards of the models to choose from, and apart those of deprecated and yanked ones."""
    cards = [card_view(row) for row in rows]
    return [c for c in cards if c["lifecycle"] not in LAST], [c for c in cards if c["lifecycle"] in LAST]


def _names(fields: Sequence[str]) -> str:
    shown = ", ".join(fields[:_FIELDS])
    return f"{shown} and {len(fields) - _FIELDS} more" if len(fields) > _FIELDS else shown
