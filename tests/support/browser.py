"""A real browser: Debian's Chromium, driven by Playwright, with a fresh profile and no traffic of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

__all__ = ["browser"]

_CHROMIUM = "/usr/bin/chromium"
_QUIET = (
    "--no-sandbox",  # tests may run as root, where Chromium's own sandbox cannot
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for the whole run; ask it for a new context in each test."""
    if shutil.which(_CHROMIUM) is None:
        pytest.fail(f"{_CHROMIUM} is not installed: `make test` installs it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_QUIET))
        yield chromium
        chromium.close()
