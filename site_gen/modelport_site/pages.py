"""The home page and the list; a model's page is made by :mod:`modelport_site.model_page`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.facets import LAST, tabulate
from modelport_site.frame import root_of
from modelport_site.linked_lists import list_data
from modelport_site.listing import card_view
from modelport_site.templating import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport_site.facets import FacetValue
    from modelport_site.frame import Frame
    from modelport_site.settings import SiteSettings

__all__ = ["fill_home", "render_list"]

_ON_HOME = 3
_TASKS_ON_HOME = 6
_OPEN, _IN_PANEL = 6, 40
"""How many values of a facet the panel shows at once, and how many it holds; ``browse/`` has them all."""
_MODULE = '<script type="module" src="{}assets/modelport/list/main.js"></script>'


def render_list(
    frame: Frame,
    rows: Sequence[Mapping[str, Any]],
    downloads: Mapping[str, int],
    table: Mapping[str, Sequence[FacetValue]],
    settings: SiteSettings,
) -> dict[str, bytes]:
    """Return the page that lists every model, with the *downloads* of their smallest variants.

    It is complete without scripts.
    """
    place = "models/"
    root = root_of(place)
    groups = [
        (values[0].facet, values[:_OPEN], values[_OPEN:_IN_PANEL], len(values)) for values in table.values() if values
    ]
    content = ENVIRONMENT.get_template("list.html").render(
        cards=[card_view(row, downloads.get(row["name"])) for row in rows],
        has_variants=bool(downloads),
        groups=groups,
        facet_keys=" ".join(table),
        in_panel=_IN_PANEL,
        root=root,
    )
    page = frame.fill(
        title="Models",
        description=f"All {len(rows)} models of this catalog, by task, input, output, framework, size and licence",
        content=content,
        place=place,
        head=list_data(place, "Models", (), rows, settings) + _MODULE.format(root),
    )
    return {f"{place}index.html": page.encode()}


def fill_home(page: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the home page with its search field, its tasks and its newest models filled in."""
    usable = [row for row in rows if row["latest"] and row["lifecycle"] not in LAST]
    newest = sorted(usable, key=lambda row: str(row["released"]), reverse=True) or rows
    tasks = tabulate(usable or rows)["task"]
    parts = {
        "search": ENVIRONMENT.get_template("search.html").render(root=""),
        "tasks": ENVIRONMENT.get_template("home_tasks.html").render(
            tasks=tasks[:_TASKS_ON_HOME], more=len(tasks) > _TASKS_ON_HOME, root=""
        ),
        "models": ENVIRONMENT.get_template("home_models.html").render(
            cards=[card_view(row) for row in newest[:_ON_HOME]], count=len(rows), root=""
        ),
    }
    for slot, html in parts.items():
        page = page.replace(f"<p>modelport-slot-{slot}</p>", html)
    return page
