"""The site of the real catalog in a real browser: every page whole, quiet and linked; each model found by what it says.

Each page is opened with and without scripts, and looked at in both widths and both schemes of colours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urldefrag, urlsplit

import pytest
from playwright.sync_api import expect
from tests.site.watching import watched
from tests.support.commands import ROOT, Workplace
from tests.support.guides import GUIDES

from modelport.catalog import index_document, load_catalog
from modelport_site import serve_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from modelport.catalog import Entry

ENTRIES = load_catalog(ROOT / "catalog")
ROWS: list[dict[str, Any]] = index_document(ENTRIES)["models"]
STATES = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
BETWEEN = (320, 600, 640, 720, 768, 960, 1024)  # phones, tablets, windows at half the width
GROUNDS = {"light": re.compile(r"rgb\(2\d\d, .*"), "dark": re.compile(r"rgb\(\d{1,2}, .*")}
FACETS = {
    "task": "task", "tag": "tags", "framework": "frameworks", "format": "formats", "license": "license_class",
    "size": "size_class", "takes": "takes", "gives": "gives", "lifecycle": "lifecycle", "publisher": "publisher_id",
}  # fmt: skip
ONE = [pytest.param(row, id=row["name"]) for row in ROWS]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of the real catalog's site, as the command builds it."""
    folder = tmp_path_factory.mktemp("site")
    place = Workplace(ROOT, store=folder / "store")
    place.modelport("site", "build", "--out", folder / "out", check=True)
    with serve_site(folder / "out", port=0) as server:
        yield server.url


@dataclass
class Crawl:
    """Every page that can be reached from the home page by links: what it names, and where it leads."""

    ids: dict[str, set[str]] = field(default_factory=dict)
    links: dict[str, set[str]] = field(default_factory=dict)

    def follow(self, page: Page, site: str) -> None:
        """Open every page once and look at it in every state."""
        waiting = [site]
        while waiting:
            url = waiting.pop()
            if url in self.ids:
                continue
            page.goto(url, wait_until="load")
            self.ids[url] = set(page.eval_on_selector_all("[id]", "nodes => nodes.map((node) => node.id)"))
            links = page.eval_on_selector_all(
                "a[href], link[href], script[src], img[src]", "nodes => nodes.map((node) => node.href || node.src)"
            )
            self.links[url] = {link for link in links if link.startswith(site)}
            look(page, url)
            pages = {urldefrag(link).url for link in self.links[url] if is_page(link)}
            waiting += sorted(pages - self.ids.keys())

    def broken(self, page: Page) -> list[str]:
        """Return the links that lead nowhere: no file, or no such place on the page."""
        lost, asked = [], {}
        for url, links in self.links.items():
            for link in sorted(links):
                target, fragment = urldefrag(link)
                target = target.partition("?")[0]
                if target not in asked:
                    asked[target] = target in self.ids or page.request.get(target).ok
                if not asked[target] or (fragment and target in self.ids and fragment not in self.ids[target]):
                    lost.append(f"{url} -> {link}")
        return lost


def is_page(link: str) -> bool:
    return urlsplit(link).path.endswith("/") and not urlsplit(link).query


def look(page: Page, url: str) -> None:
    for width in BETWEEN:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{url} at {width}: it scrolls sideways, {wide}"
    for width, scheme in STATES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        where = f"{url} at {width}, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{where}: it scrolls sideways"
        # A script hears of a change a moment later.
        expect(page.locator("body"), where).to_have_css("background-color", GROUNDS[scheme])
        assert page.locator("h1:visible").count() == 1, where
        assert page.title(), where


@pytest.mark.parametrize("scripts", ["scripts", "no scripts"])
def test_every_page_is_whole_and_quiet_and_every_link_leads_somewhere(
    browser: Browser, site: str, scripts: str
) -> None:
    crawl = Crawl()
    with watched(browser, site, scripts=scripts == "scripts") as one:
        crawl.follow(one.page, site)
        assert not (lost := crawl.broken(one.page)), "\n".join(lost)
        assert one.page.goto(f"{site}nowhere/").status == 404  # type: ignore[union-attr]
        expect(one.page.locator("h1")).to_have_text("This page is not here")
        one.trouble.clear()  # the 404 itself
    reached = {url.removeprefix(site) for url in crawl.ids}
    assert {"", "models/", "browse/", "about/", *(f"start/{name}/" for name in GUIDES)} <= reached
    for row in ROWS:
        assert f"models/{row['name']}/" in reached
        assert f"publishers/{row['publisher_id']}/" in reached
        assert {f"data/{one['id']}/" for one in row["data"]} <= reached


def said_by(row: dict[str, Any]) -> set[str]:
    """Return the words by which somebody may look for a model."""
    words = set(re.findall(r"[a-z]{5,}", row["summary"].lower()))
    return words | {row["name"], *row["tags"], *row["inputs"], *row["outputs"]}


def found(page: Page) -> list[str]:
    cards = page.locator("[data-mp-results] > li:visible")
    return [str(card.get_attribute("data-name")) for card in cards.all()]


@pytest.mark.parametrize("row", ONE)
def test_a_model_is_found_by_each_word_tag_and_input(browser: Browser, site: str, row: dict[str, Any]) -> None:
    with watched(browser, site) as one:
        page = one.go("models/?q=submarine")
        expect(page.locator("[data-mp-none]")).to_be_visible()
        for word in sorted(said_by(row)):
            page.locator(".mp-search--big [data-mp-search]").fill(word)
            card = page.locator(f"[data-mp-results] > li[data-name='{row['name']}']")
            expect(card, f"{word} does not find {row['name']}").to_be_visible()
        page.locator(".mp-search--big [data-mp-search]").fill("submarine")
        expect(page.locator("[data-mp-none]")).to_be_visible()
        # A link that somebody sends leads to the same list.
        page = one.go(f"models/?q={quote_plus(row['title'])}")
        expect(page.locator("[data-mp-count]")).to_contain_text(row["title"])
        assert found(page)[0] == row["name"]


@pytest.mark.parametrize("row", ONE)
@pytest.mark.parametrize("scripts", ["scripts", "no scripts"])
def test_a_model_is_found_by_each_value_of_each_facet(
    browser: Browser, site: str, row: dict[str, Any], scripts: str
) -> None:
    with watched(browser, site, scripts=scripts == "scripts") as one:
        for facet, key in FACETS.items():
            for value in row[key] if isinstance(row[key], list) else [row[key]] * (row[key] is not None):
                if scripts == "scripts":
                    page = one.go(f"models/?{facet}={value}")
                    expect(page.locator("[data-mp-chosen]")).to_be_visible()
                    wanted = {other["name"] for other in ROWS if value in as_list(other[key])}
                    expect(page.locator("[data-mp-results] > li:visible")).to_have_count(len(wanted))
                    assert set(found(page)) == wanted
                else:
                    page = one.go(f"publishers/{value}/" if facet == "publisher" else f"browse/{facet}/{value}/")
                    expect(page.locator(f"li[data-name='{row['name']}']"), f"{facet} {value}").to_be_visible()


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: str(e.name))
@pytest.mark.parametrize("scripts", ["scripts", "no scripts"])
def test_the_page_says_what_a_user_needs(browser: Browser, site: str, entry: Entry, scripts: str) -> None:
    latest = entry.versions[0]
    with watched(browser, site, width=1440, scripts=scripts == "scripts") as one:
        text = one.go(f"models/{entry.name}/").locator("body").inner_text()
    for wanted in (
        entry.model["title"], entry.model["summary"], str(latest.version), str(latest.digest),
        entry.model["license"]["weights"], entry.model["limits"][:40], f"modelport pull {entry.name}",
        f"modelport call {entry.name}", f"modelport serve {entry.name}",
    ):  # fmt: skip
        assert " ".join(str(wanted).split()) in " ".join(text.split())


def test_the_json_api_is_what_the_catalog_says(site: str, browser: Browser) -> None:
    with watched(browser, site) as one:
        index = one.page.request.get(f"{site}api/v1/index.json").json()
        assert index["models"] == ROWS
        for row in ROWS:
            document = one.page.request.get(f"{site}api/v1/models/{row['name']}.json").json()
            assert document["versions"][0]["digest"] == row["digest"]
