"""The guides of the site, as they lie in its sources."""

from __future__ import annotations

from tests.support.commands import ROOT

__all__ = ["GUIDES", "PAGES"]

PAGES = ROOT / "site_gen/modelport_site/pages"
GUIDES = sorted(page.stem for page in PAGES.glob("start/*.md"))
"""What the page ``start/NAME/`` of each is called."""
