"""What earlier uploads taught: which registries cannot take a blob in chunks, and what lies in which repository.

::

    STORE/ingest/hosts.json     {"<host>": {"whole_until": <POSIX timestamp>}}
    STORE/ingest/places.json    {"<host>": {"<digest>": ["<repository>", ...]}}, the latest last

Both only save requests and bytes: a store that cannot be written learns nothing, and a file that cannot be read has
taught nothing.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.oci.manifest import parse_json
from modelport.oci.store.files import locked, write_atomically
from modelport.oci.store.refusals import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["PLACES_SIZE", "WHOLE_AGE", "known_places", "remember_places", "remember_whole", "takes_chunks"]

WHOLE_AGE = 7 * 86400.0
"""Seconds for which a registry is believed not to take chunks: it may be replaced by a newer one."""

PLACES_SIZE = 1024 * 1024
"""The bytes from which on a blob's places are worth remembering."""

_PLACES_EACH = 3
_PLACES_LIMIT = 4096  # blobs of one registry, the latest
_FILE_LIMIT = 16 * 1024 * 1024


def takes_chunks(layout: Layout, host: str) -> bool:
    """Tell whether a registry may be asked to take a blob in chunks: nobody found lately that it cannot."""
    known = _read(layout, "hosts.json").get(host)
    until = known.get("whole_until") if isinstance(known, dict) else None
    return not (isinstance(until, int | float) and time.time() < until <= time.time() + WHOLE_AGE)


def remember_whole(layout: Layout, host: str) -> None:
    """Remember for a while that a registry takes a blob only whole.

    Raises:
        SetupError: The system refuses to write it down.
    """

    def change(known: dict[str, Any]) -> None:
        known[host] = {"whole_until": int(time.time() + WHOLE_AGE)}

    _change(layout, "hosts.json", change)


def known_places(layout: Layout, host: str, digest: Digest) -> tuple[str, ...]:
    """Return the repositories of a registry in which a blob was stored earlier, the latest first."""
    found = _blobs_of(_read(layout, "places.json"), host).get(str(digest))
    return tuple(reversed(_names(found)))


def remember_places(layout: Layout, host: str, repository: str, digests: Iterable[Digest]) -> None:
    """Remember that a repository has these blobs.

    Raises:
        SetupError: The system refuses to write it down.
    """
    there = _blobs_of(_read(layout, "places.json"), host)
    new = {str(digest) for digest in digests if repository not in _names(there.get(str(digest)))}
    if not new:
        return

    def change(known: dict[str, Any]) -> None:
        blobs = _blobs_of(known, host)
        for digest in sorted(new):
            earlier = [name for name in _names(blobs.pop(digest, None)) if name != repository]
            blobs[digest] = [*earlier, repository][-_PLACES_EACH:]
        known[host] = dict(list(blobs.items())[-_PLACES_LIMIT:])

    _change(layout, "places.json", change)


def _blobs_of(places: dict[str, Any], host: str) -> dict[str, Any]:
    found = places.get(host)
    return found if isinstance(found, dict) else {}


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _read(layout: Layout, name: str) -> dict[str, Any]:
    file = layout.path / "ingest" / name
    try:
        return parse_json(file.read_bytes(), str(file), _FILE_LIMIT)
    except (OSError, FormatError):
        return {}


def _change(layout: Layout, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    folder = layout.path / "ingest"
    if not os.access(folder if folder.is_dir() else layout.path, os.W_OK):
        return
    with writing(layout.ingest()), locked(layout.path / ".lock"):
        known = _read(layout, name)
        change(known)
        write_atomically(folder / name, json.dumps(known).encode(), scratch=folder)  # not sorted: the latest last
