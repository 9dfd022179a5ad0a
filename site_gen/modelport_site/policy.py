"""The content security policy of a page: scripts of this site only, and nothing from anywhere else.

Material has three small inline scripts. Each is allowed by its hash (CSP Level 3, section 2.3.1), taken from the frame
*before* any content of the catalog is filled in: a script that slipped into the content stays forbidden.
"""

from __future__ import annotations

import base64
import hashlib
import re

__all__ = ["SLOT", "seal"]

SLOT = "modelport-slot-policy"
_INLINE = re.compile(r"<(script|style)((?:\s[^>]*)?)>(.*?)</\1>", re.DOTALL)


def seal(page: str) -> str:
    """Fill the policy's slot of a page that holds nothing from contributors yet."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, attributes, body in _INLINE.findall(page):
        # A data block (type="application/json") is never run, and a script with src has no body.
        if body and "type=" not in attributes and (found := _hash(body)) not in hashes[kind]:
            hashes[kind].append(found)
    directives = (
        "default-src 'none'",
        " ".join(["script-src 'self'", *hashes["script"]]),
        " ".join(["style-src 'self'", *hashes["style"]]),
        "img-src 'self' data:",  # Material's style sheets draw icons with data: images
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
    )
    return page.replace(SLOT, "; ".join(directives), 1)


def _hash(body: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'"
