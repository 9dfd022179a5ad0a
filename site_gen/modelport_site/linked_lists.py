"""What pages that list things say to machines: schema.org JSON-LD of a list, and of the way to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport_site.documents import to_json
from modelport_site.frame import root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport_site.settings import SiteSettings

__all__ = ["Crumb", "list_data"]

Crumb = tuple[str, str]
"""A step on the way to a page: its name and its folder below the site's root."""


def list_data(
    place: str,
    name: str,
    crumbs: Sequence[Crumb],
    rows: Iterable[Mapping[str, Any]],
    settings: SiteSettings,
    *,
    about: Mapping[str, Any] | None = None,
) -> str:
    """Return a BreadcrumbList and an ItemList of models as a JSON-LD element; *about* is a third thing to describe."""
    root = settings.url or root_of(place)
    way = [*crumbs, (name, place)]
    graph: list[dict[str, Any]] = [
        {
            "@type": "BreadcrumbList",
            "itemListElement": [
                {"@type": "ListItem", "position": number, "name": text, "item": f"{root}{folder}"}
                for number, (text, folder) in enumerate(way, 1)
            ],
        },
        {
            "@type": "ItemList",
            "name": name,
            "itemListElement": [
                {"@type": "ListItem", "position": number, "name": row["title"], "url": f"{root}models/{row['name']}/"}
                for number, row in enumerate(rows, 1)
            ],
        },
        *([dict(about)] if about else []),
    ]
    # In a script element "</" would end it, and "<!--" would change how it is read.
    text = to_json({"@context": "https://schema.org", "@graph": graph}).decode().strip().replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>'
