"""What axe, the accessibility judge, says of the pages that list models, in each of their states."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run(document, { runOnly: tags });
  return violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)}`));
}"""
STATES = (
    "",
    "models/",
    "models/?q=weather&task=tabular-regression&takes=table&sort=newest",
    "models/?q=leaf&task=translation",  # nothing fits: advice
    "browse/",
    "browse/task/image-classification/",
    "browse/lifecycle/yanked/",
    "publishers/nordlicht-labs/",
    "data/mnist/",
    "data/newstest2019/",
)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")])
def test_axe_finds_nothing(browser: Browser, thirty_url: str, width: int, scheme: str) -> None:
    scripts = (width, scheme) != (1440, "light")
    # axe is put into the page past its policy. Without the page's own scripts (which are files) it runs all the same.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True
    )
    if not scripts:
        context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = context.new_page()
    for path in STATES:
        page.goto(f"{thirty_url}{path}")
        if scripts and path.startswith("models/"):
            expect(page.locator("[data-mp-finder]")).to_have_attribute("data-asked", path.removeprefix("models/"))
        if path == "models/" and width == 390:
            page.locator(".mp-facets > summary").click()
        page.evaluate(AXE)
        assert page.evaluate(RUN) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
