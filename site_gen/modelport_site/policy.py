"""The content security policy of a page: files of this site only, no inline script, no inline style, nobody else.

The policy is the same on every page and names no hash: what slips into a page, from a contributor or from a theme,
cannot run. Data blocks (JSON in a script element of another type) are never run and stay.
"""

from __future__ import annotations

import re

from modelport.errors import FormatError

__all__ = ["POLICY", "SLOT", "seal"]

SLOT = "modelport-slot-policy"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; img-src 'self' data:"  # Material's style sheets draw icons with data: images
)
_INLINE = re.compile(r"<(script|style)((?:\s[^>]*)?)>(.*?)</\1>", re.DOTALL)
_DATA = re.compile(r'\stype="application/(?:ld\+)?json"')


def seal(page: str) -> str:
    """Fill the policy's slot of a page that holds nothing from contributors yet.

    Raises:
        FormatError: The page holds an inline script or style, which the policy would forbid: it would be broken.
    """
    for kind, attributes, body in _INLINE.findall(page):
        if body.strip() and not _DATA.search(attributes):
            raise FormatError(
                f"a page of the theme holds an inline {kind}, which its own policy forbids: {body.strip()[:60]}",
                hint="compare theme/partials/javascripts with those of the installed mkdocs-material",
            )
    return page.replace(SLOT, POLICY, 1)
