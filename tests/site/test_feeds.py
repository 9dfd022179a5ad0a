"""Feeds, held against RFC 4287 and JSON Feed 1.1; and the files by which machines find their way."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.site.samples import catalog, index_of, iris, model

from modelport_site import build_site
from modelport_site.discovery import discovery_files, last_changes
from modelport_site.feeds import catalog_feed, feed_files, model_feed
from modelport_site.settings import SiteSettings

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://m.example/catalog/"
HERE, NOWHERE = SiteSettings(url=URL), SiteSettings()
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ONCE = {"id", "title", "updated", "published", "subtitle", "content", "summary", "rights", "generator", "icon", "logo"}


def parse(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314 - our own file


def check_atom(content: bytes) -> ET.Element:
    """Hold a feed against RFC 4287, sections 4.1.1 and 4.1.2: what must be there, and what must be there once."""
    feed = parse(content)
    assert feed.tag == f"{ATOM}feed"
    for one in (feed, *feed.findall(f"{ATOM}entry")):
        names = [child.tag.removeprefix(ATOM) for child in one]
        assert {"id", "title", "updated"} <= set(names)
        assert all(names.count(name) <= 1 for name in ONCE)
        assert INSTANT.fullmatch(one.findtext(f"{ATOM}updated") or "")
        assert re.fullmatch(r"(urn:uuid:[0-9a-f-]{36}|https?://\S+)", one.findtext(f"{ATOM}id") or "")
        alternates = [link for link in one.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        assert len({(link.get("type"), link.get("hreflang")) for link in alternates}) == len(alternates) == 1
        assert all(link.get("href") for link in one.findall(f"{ATOM}link"))
        assert all(child.get("term") for child in one.findall(f"{ATOM}category"))
    authors = feed.findall(f"{ATOM}author")  # with one here, an entry needs none
    assert authors
    assert all(author.findtext(f"{ATOM}name") for author in feed.iter(f"{ATOM}author"))
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    dates = [entry.findtext(f"{ATOM}updated") or "" for entry in feed.findall(f"{ATOM}entry")]
    assert dates == sorted(dates, reverse=True)
    return feed


def check_json_feed(content: bytes) -> dict[str, Any]:
    """Hold a feed against JSON Feed 1.1: required keys, their types, whole addresses."""
    feed: dict[str, Any] = json.loads(content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["title"], str)
    for key in {"home_page_url", "feed_url", "icon"} & feed.keys():
        assert urlsplit(feed[key]).scheme == "https"
    for item in feed["items"]:
        assert UUID(item["id"].removeprefix("urn:uuid:")).version == 5
        assert item["content_text"]
        assert INSTANT.fullmatch(item["date_published"])
        assert all(author["name"] for author in item["authors"])
        assert all(key.startswith("_") or key in {
            "id", "url", "title", "content_text", "date_published", "authors", "tags"
        } for key in item)  # fmt: skip
    return feed


@pytest.mark.parametrize("settings", [HERE, NOWHERE], ids=["with an address", "without"])
def test_feeds_are_what_the_standards_say_and_what_the_catalog_says(settings: SiteSettings) -> None:
    models = catalog()
    for one in (catalog_feed(models, settings), *(model_feed(m, settings) for m in models)):
        files = feed_files(one, settings)
        atom = check_atom(files[f"{one.place}feed.xml"])
        feed = check_json_feed(files[f"{one.place}feed.json"])
        told = [(item["_modelport"]["name"], item["_modelport"]["version"]) for item in feed["items"]]
        about = [m for m in models if one.place in {"", f"models/{m['name']}/"}]
        assert sorted(told) == sorted((m["name"], v["version"]) for m in about for v in m["versions"])
        entries = atom.findall(f"{ATOM}entry")
        assert [entry.findtext(f"{ATOM}id") for entry in entries] == [item["id"] for item in feed["items"]]
        for entry, (name, _) in zip(entries, told, strict=True):
            link = entry.find(f"{ATOM}link")
            assert link is not None
            # A relative reference is resolved against the feed's own address (RFC 4287, section 2; RFC 3986, 5.1).
            assert urljoin(f"{URL}{one.place}feed.xml", link.get("href") or "") == f"{URL}models/{name}/"


def test_an_item_keeps_its_id_wherever_the_site_is_and_has_another_for_other_bytes() -> None:
    def ids(settings: SiteSettings, **change: str) -> set[str]:
        one = iris()
        one["versions"][0] |= change
        return {
            item["id"] for item in json.loads(feed_files(catalog_feed([one], settings), settings)["feed.json"])["items"]
        }

    assert ids(HERE) == ids(NOWHERE)
    changed = ids(HERE, digest=f"sha256:{'0' * 64}")
    assert len(changed & ids(HERE)) == 1


def test_a_feed_without_versions_is_a_feed() -> None:
    files = feed_files(catalog_feed([], NOWHERE), NOWHERE)
    assert check_atom(files["feed.xml"]).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert check_json_feed(files["feed.json"])["items"] == []


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT, TEXT)
def test_whatever_is_written_a_feed_can_be_read(title: str, summary: str, change: str) -> None:
    one = iris() | {"title": title, "summary": summary}
    one["versions"][0]["changes"] = [{"kind": "added", "text": change}]
    files = feed_files(model_feed(one, NOWHERE), NOWHERE)
    entry = check_atom(files["models/iris-forest/feed.xml"]).find(f"{ATOM}entry")
    assert entry is not None
    legal = re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", f"{summary}\n\nadded: {change}")
    assert (entry.findtext(f"{ATOM}content") or "").startswith(legal)
    assert check_json_feed(files["models/iris-forest/feed.json"])["items"][0]["title"] == f"{title} 1.1.0"


def test_a_yanked_version_says_so() -> None:
    one = iris() | {"yanked": [{"version": "1.0.0", "reason": "Wrong labels."}]}
    titles = [
        item["title"]
        for item in check_json_feed(feed_files(model_feed(one, HERE), HERE)["models/iris-forest/feed.json"])["items"]
    ]
    assert titles == ["Iris forest 1.1.0", "Iris forest 1.0.0 (yanked)"]


def test_a_site_with_an_address_has_a_sitemap_of_all_its_pages(cache: Path, tmp_path: Path) -> None:
    models, out = catalog(), tmp_path / "out"
    build_site(index_of(*models), models, out, cache=cache, settings={"url": URL})
    root = parse((out / "sitemap.xml").read_bytes())
    rows = {url.findtext(f"{SITEMAP}loc"): url.findtext(f"{SITEMAP}lastmod") for url in root}
    pages = {page.parent.relative_to(out).as_posix() for page in out.rglob("index.html")}
    assert set(rows) == {URL if page == "." else f"{URL}{page}/" for page in pages}
    assert rows[f"{URL}models/iris-forest/"] == "2026-11-21"
    assert rows[f"{URL}models/bird-songs/"] is None
    assert f"Sitemap: {URL}sitemap.xml" in (out / "robots.txt").read_text()
    for page in out.rglob("index.html"):
        head, place = page.read_text("utf-8").partition("<body")[0], page.parent.relative_to(out).as_posix()
        address = URL if place == "." else f"{URL}{place}/"
        assert f'<link rel="canonical" href="{address}">' in head
        assert f'<meta property="og:url" content="{address}">' in head
        image = re.search(r'<meta property="og:image" content="([^"]*)">', head)
        assert image
        assert (out / image[1].removeprefix(URL)).read_bytes().startswith(b"\x89PNG")
    search = parse((out / "opensearch.xml").read_bytes())
    template = next(one for one in search.iter() if one.get("type") == "text/html").get("template")
    assert template == f"{URL}models/?q={{searchTerms}}"


def test_a_site_without_an_address_has_nothing_that_needs_one(site: Path) -> None:
    assert not (site / "sitemap.xml").exists()
    assert not (site / "opensearch.xml").exists()
    assert (site / "robots.txt").read_text() == "User-agent: *\nAllow: /\n"
    head = (site / "models/iris-forest/index.html").read_text("utf-8").partition("<body")[0]
    assert "og:image" not in head
    assert "og:url" not in head
    assert "canonical" not in head
    for name, wanted in (
        ("og:title", "Iris forest"),
        ("og:description", iris()["summary"]),
        ("og:site_name", "Modelport"),
    ):
        assert f'<meta property="{name}" content="{wanted}">' in head


def test_every_page_names_feeds_that_are_there(site: Path) -> None:
    for page in site.rglob("*.html"):
        found = re.findall(
            r'<link rel="alternate" type="application/(?:feed\+json|atom\+xml)"[^>]* href="([^"]*)"',
            page.read_text("utf-8"),
        )
        assert len(found) in {2, 4}, page
        for link in found:
            assert (site / link[1:] if link.startswith("/") else page.parent / link).is_file()


def test_many_pages_make_several_sitemaps() -> None:
    files = discovery_files([f"p{number:06}/" for number in range(50_001)], {}, [], HERE)
    parts = [one.text for one in parse(files["sitemap.xml"]).iter(f"{SITEMAP}loc")]
    assert parts == [f"{URL}sitemap-1.xml", f"{URL}sitemap-2.xml"]
    assert sum(files[str(part).removeprefix(URL)].count(b"<url>") for part in parts) == 50_001


def test_a_map_for_language_models_holds_no_markup_of_contributors() -> None:
    rows = index_of(model("one", title="[x](javascript:alert(1)) <b>", summary="# Not a heading `x`"))["models"]
    text = discovery_files([], last_changes([]), rows, NOWHERE)["llms.txt"].decode()
    assert r"- [\[x\](javascript:alert(1)) \<b\>](api/v1/models/one.json): \# Not a heading \`x\`" in text
    assert text.startswith("# Modelport\n\n> ")
