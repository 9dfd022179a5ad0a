"""``If-Match`` (RFC 9110, section 13.1.1): a caller may say which signature a call was made for.

A signature's entity tag is its protobuf package, which is made of its digest. A client that was made for another one
would at best be told that its arguments do not fit, and at worst be answered something that it takes for another.
"""

from __future__ import annotations

import re

from modelport.serve.problem import ProblemError

__all__ = ["check_signature"]

_TAG = re.compile(r'(?:W/)?"[^"]*"')


def check_signature(said: str, package: str) -> None:
    """Raise ProblemError unless *said*, an If-Match, names the signature whose protobuf package is *package*."""
    tags = _TAG.findall(said)
    if said.strip() != "*" and f'"{package}"' not in tags:
        detail = f"the signature is {package}, and the call was made for {(', '.join(tags) or repr(said))[:200]}"
        raise ProblemError("signature-changed", detail, headers={"ETag": f'"{package}"'})
