"""The base's lock: the Debian packages of every architecture, by path in the archive and sha256.

One line for each: ``ARCHITECTURE SUITE PATH sha256:HEX``. It names no host: any mirror of Debian's archive will do, and
the hash tells whether it sent the right bytes. ``refresh_lock`` asks apt, which checks Debian's signatures, for the
newest packages of the suite.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LockedDeb", "lock_text", "parse_lock"]

_LINE = re.compile(r"(amd64|arm64) ([a-z0-9-]+) (pool/[A-Za-z0-9./+~_-]+\.deb) (sha256:[0-9a-f]{64})")
_HEAD = """\
# The Debian packages of the base image: architecture, suite, path in the archive, sha256.
# Written by `make base-lock`, which asks apt for the newest ones.
"""


@dataclass(frozen=True, slots=True, order=True)
class LockedDeb:
    """One package of the lock."""

    architecture: str
    suite: str
    path: str
    digest: Digest

    @property
    def file(self) -> str:
        """The file's name."""
        return posixpath.basename(self.path)


def parse_lock(text: str, where: str = "the base's lock") -> tuple[LockedDeb, ...]:
    """Return what a lock names; raise FormatError for a line that is none."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or ".." in match[3]:
            raise FormatError(
                f"{where}, line {number}: {line[:80]!r} is not ARCHITECTURE SUITE PATH sha256:HEX",
                hint="`make base-lock` writes it anew",
            )
        found.append(LockedDeb(match[1], match[2], match[3], Digest.parse(match[4])))
    return tuple(found)


def lock_text(debs: Iterable[LockedDeb]) -> str:
    """Return the lock that names *debs*; ``parse_lock`` reverses it."""
    return _HEAD + "".join(f"{one.architecture} {one.suite} {one.path} {one.digest}\n" for one in sorted(debs))
