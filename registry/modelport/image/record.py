"""Installed files, compared with what their wheels' own lists say of them (``RECORD``, *Recording installed projects*).

An installer checks a wheel's hash when it fetches it, not again when it links files from its cache. Those links are
hard: whoever wrote to an installed file once, anywhere, changed the cache, and every layer made from it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_records"]

_OWN = re.compile(r"\.lock|(?:.*/)?__pycache__/.*|[^/]+\.dist-info/(?:RECORD(?:\.\w+)?|INSTALLER|REQUESTED|\w+\.json)")
"""What installers write themselves; nothing of it gets into a layer."""

_NAMED = ("sha256", "sha384", "sha512")


def check_records(folder: Path) -> None:
    """Compare all that is installed in *folder* with the distributions' own lists.

    Raises:
        IntegrityError: A file is not as its list has it, or is in none.
    """
    listed = _listed(folder)
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if not file.is_file() or _OWN.fullmatch(path):
            continue
        if path not in listed:
            raise IntegrityError(
                f"{path} was installed, and no wheel lists it", hint="empty the cache of uv: uv cache clean"
            )
        # Two distributions may bring one path; the one that is installed last is there.
        if not any(_has(file, said) for said in listed[path].values()):
            name = next(iter(listed[path]))
            raise IntegrityError(
                f"{path} is not as the wheel of {name} has it: uv's cache was changed", hint=f"uv cache clean {name}"
            )


def _listed(folder: Path) -> dict[str, dict[str, str]]:
    """Return what is said of each path: ``ALGORITHM=HASH`` by the distribution that says it."""
    found: dict[str, dict[str, str]] = {}
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        name = record.parent.name.partition("-")[0]
        with record.open(encoding="utf-8", newline="") as stream:
            for path, said, *_ in (row for row in csv.reader(stream) if len(row) > 1):
                found.setdefault(path, {})[name] = said
    return found


def _has(file: Path, said: str) -> bool:
    algorithm, _, expected = said.partition("=")
    if algorithm not in _NAMED:
        return False
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, algorithm).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == expected
