"""One build: prose and frame, the pages of each model, the list, the API, the search index."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from modelport_site.discovery import discovery_files, last_changes
from modelport_site.documents import CatalogDocuments, to_json
from modelport_site.feeds import catalog_feed, feed_files, feed_key, model_feed
from modelport_site.fingerprint import digest_of, toolchain
from modelport_site.frame import HEAD_SLOT, Frame
from modelport_site.linked_data import home_data
from modelport_site.lists import put_lists
from modelport_site.model_page import model_inputs, render_model
from modelport_site.output import OutputFolder
from modelport_site.pages import fill_home
from modelport_site.policy import seal
from modelport_site.profile_pages import put_profiles
from modelport_site.prose import FRAME_PAGE, REPLACED_PAGES, build_prose
from modelport_site.settings import SiteSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["SiteReport", "build_site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """What a build did."""

    folder: Path
    models: int
    written: int
    """Files that are new or whose bytes changed."""
    unchanged: int
    removed: int

    def __str__(self) -> str:
        return (
            f"{self.folder}: {self.models} models; {self.written} files written, {self.unchanged} unchanged,"
            f" {self.removed} removed"
        )


def build_site(
    index: Mapping[str, Any],
    models: Iterable[Mapping[str, Any]],
    out: Path,
    *,
    cache: Path,
    settings: Mapping[str, Any] | None = None,
    sources: Mapping[str, str] | None = None,
    evidence: Mapping[str, Mapping[str, Any]] | None = None,
    devices: Mapping[str, Mapping[str, Any]] | None = None,
    networks: Mapping[str, Mapping[str, Any]] | None = None,
) -> SiteReport:
    """Build the site of a catalog in the folder *out*, writing only what changed since the last build there.

    The same documents, settings and tools give the same bytes, wherever and whenever they are built.

    Args:
        index: ``/api/v1/index.json``.
        models: ``/api/v1/models/<name>.json`` of every model that the index lists.
        out: A folder that is new, empty, or from an earlier build.
        cache: A folder that may be deleted at any time; the built prose is kept there.
        settings: The ``[site]`` table of ``modelport.toml``.
        sources: The text of each model's ``model.yaml`` by the model's name, served as it is.
        evidence: What was measured after the release: a ``modelport/evidence/1`` document by the model's name.
        devices: The profiles of devices, without ``schema``, by name.
        networks: The profiles of networks in the same way.

    Raises:
        InputError: *out* holds something else, two models need the same file, or a setting is unknown.
        FormatError: A document or a card cannot be shown, or mkdocs refuses the prose.
        SetupError: A tool is missing.
    """
    catalog = CatalogDocuments.parse(index, models, devices, networks)
    chosen = SiteSettings.parse(settings or {})
    site = OutputFolder.open(out)
    prose = build_prose(chosen, cache)
    base = digest_of(toolchain(), prose.name)
    _put_prose(site, base, prose, catalog, chosen)
    frame = Frame.cut((prose / FRAME_PAGE).read_text("utf-8"))
    for page in model_inputs(catalog, chosen, sources or {}, evidence or {}):
        site.put(f"model {page.name}", digest_of(base, page.key()), partial(render_model, frame, page))
    put_lists(site, base, frame, catalog, chosen)
    put_profiles(site, base, frame, catalog, chosen)
    _put_feeds(site, base, catalog, chosen)
    _put_discovery(site, base, catalog, chosen)
    site.close()
    return SiteReport(
        folder=out,
        models=len(catalog.models),
        written=site.written,
        unchanged=site.unchanged,
        removed=site.removed,
    )


def _put_prose(site: OutputFolder, base: str, prose: Path, catalog: CatalogDocuments, settings: SiteSettings) -> None:
    rows = list(catalog.rows.values())

    def render() -> dict[str, bytes]:
        files = {}
        for file in sorted(f for f in prose.rglob("*") if f.is_file()):
            path, content = file.relative_to(prose).as_posix(), file.read_bytes()
            if path.endswith(".html"):
                page = seal(content.decode())
                if path == "index.html":
                    page = fill_home(page, rows).replace(HEAD_SLOT, home_data(rows, settings))
                content = page.encode()
            files[path] = content
        return {path: content for path, content in files.items() if path not in REPLACED_PAGES}

    site.put("prose", digest_of(base, to_json(rows)), render)


def _put_feeds(site: OutputFolder, base: str, catalog: CatalogDocuments, settings: SiteSettings) -> None:
    feeds = [catalog_feed(catalog.models, settings), *(model_feed(model, settings) for model in catalog.models)]
    for feed in feeds:
        site.put(f"feed {feed.place}", digest_of(base, feed_key(feed, settings)), partial(feed_files, feed, settings))


def _put_discovery(site: OutputFolder, base: str, catalog: CatalogDocuments, settings: SiteSettings) -> None:
    ends = "index.html"
    places = sorted(path.removesuffix(ends) for path in site.owners if f"/{path}".endswith(f"/{ends}"))
    changed, rows = last_changes(catalog.models), list(catalog.rows.values())
    key = digest_of(base, settings.url or "", to_json([places, changed, rows]))
    site.put("discovery", key, partial(discovery_files, places, changed, rows, settings))
