"""A page of a real browser, with all that goes wrong on it or leaves the site."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Dialog, Page

__all__ = ["Watched", "watched"]


@dataclass
class Watched:
    """A page of a fresh context, with all that went wrong or abroad."""

    page: Page
    url: str
    trouble: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path, wait_until="load")
        return self.page


@contextmanager
def watched(
    browser: Browser, url: str, *, width: int = 1280, scheme: str = "light", scripts: bool = True
) -> Iterator[Watched]:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url.rstrip("/"))
    page = context.new_page()
    one = Watched(page, url)
    page.on("console", lambda m: one.trouble.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: one.trouble.append(f"error: {error}"))
    page.on("dialog", one.dismiss)
    # A page that is left takes its running requests with it.
    page.on("requestfailed", lambda r: None if "ABORTED" in str(r.failure) else one.trouble.append(f"failed: {r.url}"))
    context.on(
        "request", lambda r: None if r.url.startswith((url, "data:")) else one.trouble.append(f"abroad: {r.url}")
    )
    yield one
    context.close()
    assert one.trouble == [], one.trouble
