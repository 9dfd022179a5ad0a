"""The home page and the list, from documents; a model's page is made by :mod:`modelport_site.model_page`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.listing import card_view
from modelport_site.templating import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport_site.frame import Frame

__all__ = ["fill_home", "render_list"]


def render_list(frame: Frame, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the page that lists every model; it is complete without scripts."""
    content = ENVIRONMENT.get_template("list.html").render(
        cards=[card_view(row) for row in rows], tags=_common_tags(rows), root="../"
    )
    return frame.fill(
        title="Models", description="All models of this catalog", content=content, place="models/"
    ).encode()


def fill_home(page: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the home page with its search field and its first models filled in."""
    search = ENVIRONMENT.get_template("search.html").render(root="")
    cards = ENVIRONMENT.get_template("home_models.html").render(
        cards=[card_view(row) for row in rows[:_ON_HOME]], count=len(rows), root=""
    )
    return page.replace("<p>modelport-slot-search</p>", search).replace("<p>modelport-slot-models</p>", cards)


_ON_HOME = 12
_TAGS_SHOWN = 12


def _common_tags(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    counts: dict[str, int] = {}
    for row in rows:
        for tag in row["tags"]:
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(sorted(counts), key=lambda tag: -counts[tag])[:_TAGS_SHOWN]
