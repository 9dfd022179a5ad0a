"""Accessibility: axe finds nothing on any kind of page, and the keyboard alone reaches everything.

axe-core's rules are those of WCAG 2.0 to 2.2, levels A and AA, and its own best practices. What axe cannot see, that
everything is reached by keyboard and in the order in which it is read, is walked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import axe_playwright_python  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import expect
from tests.site.edge_samples import DEVICES, NETWORKS, edge, field
from tests.site.model_samples import child, every, evidence, rich
from tests.site.samples import catalog, index_of
from tests.site.watching import watched
from tests.support.guides import GUIDES

from modelport_site import build_site, serve_site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that look at colours: all that another scheme can break."""
SCHEMES = {"light": "default", "dark": "slate"}
RUN = """(rules) => axe.run(document, {runOnly: rules})
  .then(({violations}) => violations.flatMap(({id, nodes}) =>
    nodes.map((one) => `${id}: ${one.html.slice(0, 160)}`)))"""
PAGES = (
    "", "models/", "models/?q=iris", "models/?q=zebra", "models/?task=image-classification", "browse/",
    "browse/task/tabular-classification/", "publishers/modelport/", "data/iris/", "models/iris-forest/",
    "models/coat-parts/", "models/coat-parts/compare/", "models/leaf-census/",
    "models/bird-songs/", "models/old-iris/", "models/bad-scores/", "models/coat-edge/",
    "devices/", "devices/board-1/", "devices/phone-1/", "devices/server-1/", "networks/", "networks/campus/",
    *(f"start/{name}/" for name in GUIDES), "about/", "404.html",
)  # fmt: skip


@pytest.fixture(scope="module")
def full_url(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a site with every kind of page, and models in every state."""
    out, models = tmp_path_factory.mktemp("axe") / "out", [*catalog(), rich(), child(), every(), edge()]
    settings = {"repository": "https://github.com/example/catalog"}
    build_site(
        index_of(*models), models, out, cache=cache, evidence=evidence() | field(), settings=settings,
        devices=DEVICES, networks=NETWORKS,
    )  # fmt: skip
    with serve_site(out, 0) as served:
        yield served.url


@pytest.mark.parametrize(("width", "schemes"), [(390, ["light", "dark"]), (1440, ["dark", "light"])])
def test_axe_finds_nothing(browser: Browser, full_url: str, width: int, schemes: list[str]) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        bypass_csp=True,  # the judge itself is a script from elsewhere
    )
    page, found = context.new_page(), []
    for path in PAGES:
        recolour(page, schemes[0])
        page.goto(full_url + path, wait_until="load")
        if path.startswith("models/?"):
            page.wait_for_timeout(300)  # the list has then been filtered
        found += [f"{path}: {one}" for one in judge(page)]
        recolour(page, schemes[1])
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", SCHEMES[schemes[1]])
        found += [f"{path}, {schemes[1]}: {one}" for one in judge(page, COLOURS)]
    if width == 390:
        page.goto(full_url)
        page.locator(".mp-menu__button").click()
        found += [f"menu: {one}" for one in judge(page)]
    context.close()
    assert not found, "\n".join(found)


def recolour(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


def judge(page: Page, rules: Sequence[str] = RULES) -> list[str]:
    page.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    found: list[str] = page.evaluate(RUN, rules)
    return found


# What has the focus, and whether a reader who sees can tell: drawn, on the screen, not behind the header.
HERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const box = e.getBoundingClientRect(), header = document.querySelector(".md-header").getBoundingClientRect();
  const label = e.labels?.[0]?.getBoundingClientRect();
  const seen = [box, label].some((b) => b && b.bottom > 0 && b.top < innerHeight && b.right > 0 && b.left < innerWidth);
  const behind = !e.closest(".md-header, .md-skip") && box.height > 0 && box.bottom <= header.bottom - 1;
  const name = e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.title || "";
  return {what: `${e.localName}.${e.className}`, name: name.trim().slice(0, 60), seen: seen && !behind};
}"""


def walk(page: Page) -> list[dict[str, str | bool]]:
    """Press Tab until the end of the page; return what had the focus, in order."""
    stops: list[dict[str, str | bool]] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        stop = page.evaluate(HERE)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"Tab never leaves the page: {stops[-5:]}")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "models/",
        "models/coat-parts/",
        "models/coat-parts/compare/",
        "models/leaf-census/",
        "models/coat-edge/",
        "start/user/",
    ],
)
@pytest.mark.parametrize("width", [390, 1440])
def test_tab_walks_the_whole_page_and_is_always_seen(browser: Browser, full_url: str, width: int, path: str) -> None:
    with watched(browser, full_url, width=width) as one:
        stops = walk(one.go(path))
        names = [str(stop["name"]) for stop in stops]
        assert not [stop for stop in stops if not stop["seen"]]
        assert all(names), stops
        assert names[0] == "Skip to content"
        assert "Search models" in names
        assert any(name.startswith("Colours:") for name in names)
        assert ("Menu" in names) == (width == 390)
        assert names[-1] == "Material for MkDocs"  # the last link of the footer
        shown = "parts => parts.filter((one) => one.checkVisibility()).length"
        reachable = one.page.locator("a[href], button, summary").evaluate_all(shown)
        assert sum(str(stop["what"]).startswith(("a.", "button.", "summary.")) for stop in stops) == reachable


def test_a_model_is_found_called_and_recoloured_by_keyboard_alone(browser: Browser, full_url: str) -> None:
    with watched(browser, full_url) as one:
        page = one.go("")
        reach(page, "Search models")
        page.keyboard.type("trousers")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models/?q=trousers")
        reach(page, "Fashion classifier")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models/fashion-classifier/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # skip to content
        assert page.url.endswith("#content")
        page.locator(".tabbed-set > input:checked").focus()
        for _ in range(2):
            page.keyboard.press("ArrowRight")
        expect(page.locator(".tabbed-set > input").nth(2)).to_be_checked()
        before = page.locator("body").get_attribute("data-md-color-scheme")
        page.keyboard.press("Shift+Tab")
        page.locator(".mp-scheme").focus()
        for _ in range(2):
            page.keyboard.press("Space")
        expect(page.locator("body")).not_to_have_attribute("data-md-color-scheme", str(before))


def reach(page: Page, name: str) -> None:
    """Press Tab until the part with that name has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        stop = page.evaluate(HERE)
        if stop and str(stop["name"]).startswith(name):
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


def test_nothing_moves_for_readers_who_ask_for_rest(browser: Browser, full_url: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    for path in ("", "models/", "models/coat-parts/"):
        page.goto(full_url + path)
        assert page.evaluate(
            "[...document.querySelectorAll('*')].every((e) => { const style = getComputedStyle(e);"
            " const times = `${style.transitionDuration},${style.animationDuration}`.split(',');"
            " return times.every((time) => parseFloat(time) <= 0.01); })"
        )
    context.close()
