"""Files that look like secrets, by their names and by what stands in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["holds_key", "named_secret"]

_MODULE = re.compile(r"(credentials|secrets)\.pyi?")
_DATA = re.compile(
    r"""id_(rsa|dsa|ecdsa|ed25519)([-_.].*)?
    | .*\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx|tfstate|tfvars)(\..*)?
    | (.*[-_.])?(credential|secret|passwd|htpasswd)s?([-_.].*)?
    | (.*[-_.])?service[-_.]?account([-_.]?keys?)?([-_.].*)?
    | (.*[-_.])?(api|access|auth|bearer|refresh|private|ssh)[-_.]?(token|key)s?([-_.].*)?
    | (token|passwords?|kubeconfig|netrc|pgpass)(\.(txt|json|ya?ml|ini|cfg|conf))?""",
    re.VERBOSE,
)
# As it stands in a file of its own, or in a text of JSON; a program that merely looks for one has no line after it.
_KEY = re.compile(rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY( BLOCK)?-----(\s|\\n|\\r)+[A-Za-z0-9+/]")


def named_secret(name: str) -> bool:
    """Tell whether a file of this name is likely to be a secret; modules of Python are so only by their whole name."""
    lower = name.lower()
    return bool((_MODULE if lower.endswith((".py", ".pyi")) else _DATA).fullmatch(lower))


def holds_key(file: Path) -> bool:
    """Tell whether a private key stands in *file*."""
    return bool(_KEY.search(file.read_bytes()))
