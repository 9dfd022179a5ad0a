"""The service's page in a real browser: what tests do with it and always ask of it."""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect
from tests.site.test_axe import judge
from tests.site.watching import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Locator, Page
    from tests.site.watching import Watched

__all__ = ["Method", "axe_of", "forgive_refusals", "gradient", "opened", "plain"]

NETWORK = "error: Failed to load resource: the server responded with a status of 4"


class Method:
    """One method's part of the page."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.part: Locator = page.locator(f'[data-method="{name}"]')
        self.json = self.part.locator("textarea.json")
        self.out = self.part.locator(".out")

    def example(self, number: int) -> None:
        self.part.locator(".examples button").nth(number - 1).click()

    def request(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.json.input_value())

    def rewrite(self) -> Any:  # noqa: ANN401 - JSON
        """Return the request as the form writes it, from what it shows."""
        self.part.locator("form > :nth-child(2)").dispatch_event("edited")
        return self.request()

    def send(self) -> None:
        self.part.locator(".send").click()
        expect(self.part.locator(".sending .took")).to_contain_text("answered in")

    def answer(self) -> Any:  # noqa: ANN401 - JSON
        self.send()
        return json.loads(self.out.locator("details.raw code").last.text_content() or "")

    def problem(self) -> Locator:
        """Send what the service refuses, and return what the page says of it."""
        self.part.locator(".send").click()
        found = self.out.locator(".problem")
        expect(found).to_be_visible()
        return found

    def curl(self) -> str:
        return self.part.locator(".told pre code").last.text_content() or ""


@contextmanager
def opened(browser: Browser, url: str, **more: Any) -> Iterator[Watched]:  # noqa: ANN401 - as `watched` takes it
    """Yield the page once its forms are there."""
    with watched(browser, url.rstrip("/") + "/", **more) as one:
        expect(one.go("").locator("html.ready")).to_be_attached()
        yield one


def forgive_refusals(one: Watched) -> None:
    """Forget that the browser noted that a call was refused: that was wanted."""
    one.trouble[:] = [line for line in one.trouble if not line.startswith(NETWORK)]


def axe_of(browser: Browser, url: str, width: int, scheme: str, called: Sequence[str] = ()) -> list[str]:
    """Return what axe finds after all methods, or those *called*, were; and whether the page scrolls sideways."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, bypass_csp=True, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(url)
    expect(page.locator("html.ready")).to_be_attached()
    sends = [f'[data-method="{name}"] .send' for name in called] or [".send"]
    for button in page.locator(", ".join(sends)).all():
        button.click()
    expect(page.locator(".out[aria-busy]")).to_have_count(0)
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    found = judge(page)
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    return found + ([f"{sideways} pixels wider than {width}"] if sideways > 0 else [])


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return *value* with numbers as JavaScript has them: 7.0 is 7."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def gradient(width: int, height: int) -> bytes:
    """Return a grey PNG that is black at its left and white at its right."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes(round(255 * x / (width - 1)) for x in range(width))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b"")
    )
