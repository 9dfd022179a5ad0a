"""Pages that need no script: all values of all facets, one page for each value, one for each publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.frame import root_of
from modelport_site.linked_lists import Crumb, list_data
from modelport_site.listing import in_use_and_last
from modelport_site.templating import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport_site.data_sets import DataSet
    from modelport_site.facets import FacetValue
    from modelport_site.frame import Frame
    from modelport_site.settings import SiteSettings

__all__ = ["BROWSE", "render_browse", "render_landing"]

BROWSE: tuple[Crumb, ...] = (("Models", "models/"), ("Browse", "browse/"))
_NAMED = 4
_KINDS = {"choice": "choices", "image": "images", "number": "numbers", "table": "tables", "tensor": "tensors"}
_TITLES = {
    "tag": "Models tagged {}",
    "framework": "Models made with {}",
    "format": "Models in {} files",
    "publisher": "Models by {}",
    "variant": "Models with the edge variant {}",
}
_MEANINGS = {
    "permissive": "Use, change and sell them; keep the notices.",
    "weak-copyleft": "Use and sell them; changes to the licensed parts stay under the same licence.",
    "copyleft": "Use and sell them; what is made from them stays under the same licence.",
    "restricted": "Some use is forbidden, or the terms are on no list: read the licence before you use one.",
    "published": "Looked after and ready to use.",
    "draft": "Still being written: try them, do not rely on them.",
    "deprecated": "They still work, but something better is there; each page names it.",
    "yanked": "Do not use these; each page says why.",
}


def render_browse(
    frame: Frame,
    table: Mapping[str, Sequence[FacetValue]],
    data: Sequence[DataSet],
    settings: SiteSettings,
) -> dict[str, bytes]:
    """Return the page of all values of all facets, and of all data sets."""
    place, title = "browse/", "Browse the models"
    groups = [(values[0].facet, values) for values in table.values() if values]
    content = ENVIRONMENT.get_template("browse.html").render(groups=groups, data=data, root=root_of(place))
    page = frame.fill(
        title=title,
        description="All models by task, input, output, framework, format, size, licence, publisher, tag and data set",
        content=content,
        place=place,
        head=list_data(place, "Browse", BROWSE[:1], (), settings),
    )
    return {f"{place}index.html": page.encode()}


def render_landing(frame: Frame, value: FacetValue, url: str | None, settings: SiteSettings) -> dict[str, bytes]:
    """Return the page of one value; *url* is a publisher's own address."""
    title = title_of(value)
    cards, last = in_use_and_last(value.rows)
    content = ENVIRONMENT.get_template("landing.html").render(
        title=title,
        value=value,
        facet=value.facet,
        meaning=_MEANINGS.get(value.id, "") if value.facet.key in {"license", "lifecycle"} else "",
        url=url,
        cards=cards,
        last=last,
        root=root_of(value.place),
    )
    page = frame.fill(
        title=title,
        description=_description(title, value.rows),
        content=content,
        place=value.place,
        head=list_data(value.place, title, BROWSE, value.rows, settings),
    )
    return {f"{value.place}index.html": page.encode()}


def title_of(value: FacetValue) -> str:
    """Return the title of a value's page."""
    words = value.id.replace("-", " ")
    match value.facet.key:
        case "task":
            return "Models for other tasks" if value.id == "other" else f"Models for {words}"
        case "takes" | "gives" as verb:
            return f"Models that {verb[:-1]} {_KINDS.get(value.id, value.id)}"
        case "license":
            return f"Models under a {words} licence"
        case "size":
            lower = value.label[0].lower() + value.label[1:]
            return f"Models {lower if value.id.startswith(('under', 'over')) else f'of {lower}'}"
        case "lifecycle":
            return f"{value.label} models"
        case key:
            return _TITLES[key].format(value.label)


def _description(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(row["title"] for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"{title}: {names}{more}"
