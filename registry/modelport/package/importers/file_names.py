"""The names of a stranger's files: those that an entry can list, and those that are refused."""

from __future__ import annotations

import re

__all__ = ["NOT_PLAIN", "is_hidden", "is_plain", "name_problem"]

NOT_PLAIN = "{!a} is not a name that a model's file has"
_NAME = re.compile(r"[A-Za-z0-9_+@~-][A-Za-z0-9_+@~. -]*(?:/[A-Za-z0-9_+@~-][A-Za-z0-9_+@~. -]*)*")
_ELSEWHERE = re.compile(r"\\|^[A-Za-z]:|(?:^|/)\.{0,2}(?:/|$)")
"""What leads elsewhere in some system's paths: a backslash, a drive, an absolute path, ``..``."""
_LONGEST = 512


def name_problem(name: str) -> str:
    """Return what is wrong with a name that may lead elsewhere, or hides a part of itself."""
    return NOT_PLAIN.format(name[:80]) if _ELSEWHERE.search(name) or not name.isprintable() else ""


def is_plain(name: str) -> bool:
    """Tell whether an entry can list a file of this name."""
    ends = any(part.endswith(" ") for part in name.split("/"))
    return len(name) <= _LONGEST and bool(_NAME.fullmatch(name)) and not ends


def is_hidden(name: str) -> bool:
    """Tell whether a file or a folder that it lies in is hidden."""
    return any(part.startswith(".") for part in name.split("/")) and not name_problem(name)
