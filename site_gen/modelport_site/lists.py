"""Everything that lists models: the list and its index, landing pages, publishers, data sets.

Each page is a group of its own whose key holds what the page shows and nothing else: a changed card changes the pages
that it stands on.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from modelport_site.data_sets import data_sets, render_data_set
from modelport_site.documents import to_json
from modelport_site.facets import tabulate
from modelport_site.fingerprint import digest_of
from modelport_site.landing import render_browse, render_landing
from modelport_site.pages import render_list
from modelport_site.search_index import search_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport_site.documents import CatalogDocuments
    from modelport_site.frame import Frame
    from modelport_site.output import OutputFolder
    from modelport_site.settings import SiteSettings

__all__ = ["put_lists"]


def put_lists(site: OutputFolder, base: str, frame: Frame, catalog: CatalogDocuments, settings: SiteSettings) -> None:
    """Bring everything that lists models up to date."""
    rows = catalog.rows
    ordered, index = list(rows.values()), to_json(catalog.index)
    table, sets = tabulate(ordered), data_sets(catalog)
    base = digest_of(base, settings.url or "")
    site.put("api index", digest_of(base, index), lambda: {"api/v1/index.json": index})
    downloads = catalog.downloads
    key = digest_of(base, index, to_json(downloads))
    site.put("search", key, lambda: {"api/v1/search.json": to_json(search_index(ordered, downloads))})
    site.put("list", key, partial(render_list, frame, ordered, downloads, table, settings))
    counts = [(one.place, one.label, one.count) for one in chain(*table.values())]
    counts += [(one.place, one.label, one.count) for one in sets]
    site.put("browse", digest_of(base, to_json(counts)), partial(render_browse, frame, table, sets, settings))
    keys, urls = {name: to_json(row) for name, row in rows.items()}, _publisher_urls(catalog)
    for value in chain(*table.values()):
        url = urls.get(value.id) if value.facet.key == "publisher" else None
        key = digest_of(base, value.label, url or "", *(keys[row["name"]] for row in value.rows))
        site.put(f"{value.facet.key} {value.id}", key, partial(render_landing, frame, value, url, settings))
    for data in sets:
        site.put(f"data {data.id}", digest_of(base, data.key()), partial(render_data_set, frame, data, settings))


def _publisher_urls(catalog: CatalogDocuments) -> dict[str, str]:
    """Return each publisher's own address, as the first of its models says it."""
    urls: dict[str, str] = {}
    rows: Mapping[str, Mapping[str, Any]] = catalog.rows
    for model in catalog.models:
        if url := model["publisher"].get("url"):
            urls.setdefault(rows[model["name"]]["publisher_id"], url)
    return urls
