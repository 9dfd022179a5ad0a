"""Locks, read in one way: exact versions with hashes, and nothing else that an installer would follow.

Installing a distribution runs what it brings, so what a lock names decides what a package may do. Installers differ in
what they take for a comment, a line or a continuation. Hence this parser is the only one: it refuses every line that it
does not wholly understand, and installers get what it understood (`plain_lock`), never the text itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.package.documents import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Pin", "canonical_name", "lock_text", "parse_lock", "plain_lock", "read_lock", "read_pins"]

_MOST_BYTES, _LONGEST = 8 * 1024 * 1024, 256 * 1024
_BLANKS = " \t"
_GAP = re.compile(r"(?:[ \t]|\\\n)+")
_QUOTED = r"(?:[A-Za-z0-9 ._+*]|-(?!-))*"  # no two hyphens: an installer may look for options inside quotes, too
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[A-Za-z0-9._,-]*\])?"
    r"==(?P<version>[0-9](?:[A-Za-z0-9]|[.!+_-](?=[A-Za-z0-9]))*)"
    rf"(?: ?;(?P<marker>(?:[a-z_.()<>=!~ ]|'{_QUOTED}'|\"{_QUOTED}\")+))?"
    r"(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a lock.

    Attributes:
        name: The distribution's name in its one spelling.
        version: Its exact version.
        hashes: ``sha256:...`` of the files that may be installed, sorted.
        marker: Where it applies (PEP 508), or nothing.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""


def read_lock(file: Path) -> str:
    """Return the text of the lock *file*, with its lines' ends as they are.

    Raises:
        FormatError: It is no regular file, cannot be read as UTF-8, or has more than 8 MiB.
    """
    try:
        return read_regular(file, _MOST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"{file} cannot be read: {error}") from error


def read_pins(text: str) -> tuple[Pin, ...]:
    """Return the pins of a requirements file with hashes, in order of their names.

    Raises:
        FormatError: A line is no pin with hashes, no comment and not empty, or a version is pinned twice.
    """
    found: dict[tuple[str, str], Pin] = {}
    for number, line in _logical_lines(text.replace("\r\n", "\n")):
        pin = _pin(line, number)
        if pin and (pin.name, pin.version) in found:
            raise FormatError(f"the lock pins {pin.name}=={pin.version} twice", hint="leave one of them out")
        if pin:
            found[pin.name, pin.version] = pin
    return tuple(found[key] for key in sorted(found))


def parse_lock(text: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (canonical name, version) -> sorted hashes of a requirements file; raises as :func:`read_pins` does."""
    return {(pin.name, pin.version): pin.hashes for pin in read_pins(text)}


def plain_lock(text: str) -> str:
    """Return *text* in its plain form, for an installer; raises as :func:`read_pins` does."""
    return lock_text(read_pins(text))


def lock_text(pins: Iterable[Pin]) -> str:
    """Return the requirements file that holds *pins* and nothing else."""
    return "".join(
        f"{pin.name}=={pin.version}{f' ; {pin.marker}' if pin.marker else ''} \\\n"
        + " \\\n".join(f"    --hash={one}" for one in pin.hashes)
        + "\n"
        for pin in pins
    )


def canonical_name(name: str) -> str:
    """Return a distribution's name in its one spelling (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number of its first line and the text of each line; a backslash at the end goes on in the next."""
    number = 1
    for line in re.split(r"(?<!\\)\n", text):
        yield number, line
        number += line.count("\n") + 1


def _pin(line: str, number: int) -> Pin | None:
    """Return the pin in *line*, or None where it holds a comment at most."""
    content, _, comment = line.partition("#")
    bare = content.strip(_BLANKS)
    # Installers do not agree on these in a comment: the rest of it may be a line for one of them.
    sound = "\\" not in comment and all(c.isprintable() or c == "\t" for c in comment)
    sound &= not comment or content == "" or content[-1] in _BLANKS
    sound &= len(line) <= _LONGEST
    if sound and not bare:
        return None
    match = _LINE.fullmatch(_GAP.sub(" ", content.rstrip(_BLANKS))) if sound else None
    if match is None:
        raise FormatError(
            f"the lock's line {number} is no pin with hashes: {line.strip()[:80]!r}",
            hint="a lock holds NAME==VERSION with --hash=sha256:... and nothing else",
        )
    hashes = tuple(sorted(set(_HASH.findall(match["hashes"]))))
    return Pin(canonical_name(match["name"]), match["version"], hashes, (match["marker"] or "").strip())
