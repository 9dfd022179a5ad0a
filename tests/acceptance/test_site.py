"""The site of the real catalog in a real browser: every page, no error, no other origin; search finds each model."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

import pytest
from tests.support.commands import ROOT, Workplace

from modelport.catalog import load_catalog
from modelport_site import serve_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from modelport.catalog import Entry

ENTRIES = load_catalog(ROOT / "catalog")
WIDTHS = (390, 1440)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of the real catalog's site."""
    folder = tmp_path_factory.mktemp("site")
    place = Workplace(ROOT, store=folder / "store")
    place.modelport("site", "build", "--out", folder / "out", check=True)
    with serve_site(folder / "out", port=0) as server:
        yield server.url.rstrip("/")


@contextmanager
def watched_page(browser: Browser, site: str, width: int) -> Iterator[Page]:
    """Give a page whose every complaint and every request to another origin fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(site) else complaints.append(request.url))
    page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    yield page
    context.close()
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_opens_without_a_complaint(browser: Browser, site: str, width: int) -> None:
    waiting, seen = [f"{site}/"], set()
    with watched_page(browser, site, width) as page:
        while waiting:
            url = waiting.pop()
            if url in seen:
                continue
            seen.add(url)
            page.goto(url, wait_until="load")
            assert page.title(), url
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{url} scrolls sideways"
            links = page.eval_on_selector_all("a[href]", "nodes => nodes.map(node => node.href)")
            inside = {urldefrag(urljoin(url, link)).url for link in links if link.startswith(site)}
            waiting += [link for link in inside - seen if not re.search(r"\.(json|proto|png)$|\?", link)]
    assert {f"{site}/models/{entry.name}/" for entry in ENTRIES} <= seen


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: str(e.name))
def test_search_finds_each_model_by_each_word_of_its_summary(browser: Browser, site: str, entry: Entry) -> None:
    words = {word.lower() for word in re.findall(r"[A-Za-z]{5,}", str(entry.model["summary"]))}
    assert words
    with watched_page(browser, site, 1440) as page:
        for word in sorted(words):
            page.goto(f"{site}/models/?q={word}", wait_until="networkidle")
            found = page.locator(f"a[href*='{entry.name}']:visible")
            assert found.count(), f"{word} does not find {entry.name}"
        page.goto(f"{site}/models/?q=submarine", wait_until="networkidle")
        assert not page.locator(f"a[href*='{entry.name}']:visible").count()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: str(e.name))
def test_the_page_says_what_a_user_needs(browser: Browser, site: str, entry: Entry) -> None:
    latest = entry.versions[0]
    with watched_page(browser, site, 1440) as page:
        page.goto(f"{site}/models/{entry.name}/")
        text = page.locator("body").inner_text()
    for wanted in (
        entry.model["title"], entry.model["summary"], str(latest.version), str(latest.digest),
        entry.model["license"]["weights"], entry.model["limits"][:40], f"modelport pull {entry.name}",
        f"modelport call {entry.name}", f"modelport serve {entry.name}",
    ):  # fmt: skip
        assert " ".join(str(wanted).split()) in " ".join(text.split())


def test_the_json_api_is_what_the_catalog_says(site: str, browser: Browser) -> None:
    with watched_page(browser, site, 1440) as page:
        index = page.request.get(f"{site}/api/v1/index.json").json()
        assert [m["name"] for m in index["models"]] == [str(e.name) for e in ENTRIES]
        for model in index["models"]:
            document = page.request.get(f"{site}/api/v1/models/{model['name']}.json").json()
            assert document["versions"][0]["digest"] == model["digest"]
