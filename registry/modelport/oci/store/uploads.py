"""Uploads under way, kept so that any later process goes on from there.

::

    STORE/ingest/upload-<hex>.json    one blob on its way to one repository: where the registry wants the rest (its
                                      "location"), and how many bytes it has acknowledged

A record belongs to whoever holds its lock (``flock``), which the kernel frees when a process dies. A location may
carry the registry's own token in its query, so nobody else may read a record; credentials are never in it. A record
saves work and nothing else: one that is missing, old or torn is done without, the registry is asked before it is
believed, and the registry's digest check decides.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import IO, TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.manifest import canonical_json, parse_json
from modelport.oci.store.files import held, remove_unheld
from modelport.oci.store.refusals import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.store.layout import Layout

__all__ = ["RECORD_AGE", "Record", "Session", "open_record", "remove_stale_records"]

RECORD_AGE = 7 * 86400.0
"""Seconds after which a record is of no use: registries forget uploads by then (docker-registry: after a week)."""

_RECORD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Session:
    """An upload as the registry knows it.

    Attributes:
        location: Where the rest goes; the registry gives a new place with each answer.
        acknowledged: How many bytes it has.
        least: The least bytes of a chunk but the last, as the registry asked for (``OCI-Chunk-Min-Length``).
    """

    location: str
    acknowledged: int
    least: int = 0

    def advanced(self, location: str, acknowledged: int) -> Session:
        """Return what it is after the registry's next answer."""
        return replace(self, location=location, acknowledged=acknowledged)


class Record:
    """What is kept of one upload, in the hands of this thread alone; made by ``open_record``.

    Attributes:
        session: The upload under way; None when there is none.
    """

    def __init__(self, file: IO[bytes] | None, path: Path, key: dict[str, object]) -> None:
        self.session: Session | None = None
        self._file = file
        self._path = path
        self._key = key
        self._length = 0
        if file:
            self._take_over(file)

    def note(self, session: Session) -> None:
        """Write down how far the upload has come; raise SetupError when the system refuses to."""
        self.session = session
        if self._file:
            raw = canonical_json({**self._key, **asdict(session)}).ljust(self._length)
            self._length = len(raw)
            with writing(self._path):
                # One call, and blanks over what was longer: a process that is killed leaves the old or the new.
                os.pwrite(self._file.fileno(), raw, 0)

    def forget(self) -> None:
        """Forget the upload: it is finished, or the registry knows it no more."""
        self.session, self._length = None, 0
        if self._file:
            with writing(self._path):
                self._file.truncate(0)

    def let_go(self) -> None:
        """Write nothing down from now on."""
        self._file = None

    def _take_over(self, file: IO[bytes]) -> None:
        with writing(self._path):
            raw = file.read(_RECORD_LIMIT)
        self._length = len(raw)
        with suppress(FormatError, KeyError):  # torn by a power cut: the upload starts anew
            known = parse_json(raw, str(self._path), _RECORD_LIMIT)
            location, acknowledged, least = known.pop("location"), known.pop("acknowledged"), known.pop("least")
            counts = all(isinstance(number, int) and number >= 0 for number in (acknowledged, least))
            if known == self._key and isinstance(location, str) and counts:
                self.session = Session(location, acknowledged, least)


@contextmanager
def open_record(
    layout: Layout, host: str, repository: str, descriptor: Descriptor, wait: Callable[[], object]
) -> Iterator[Record]:
    """Give the record of one upload, empty or left by an earlier process, to this thread alone; others wait.

    Its file is removed at the end when there is no session in it. Whoever may only read the store gets a record that
    is kept nowhere.

    Args:
        layout: Where the content comes from.
        host: The registry it goes to.
        repository: The repository there.
        descriptor: What it is.
        wait: Called ten times a second while somebody else holds the record; it may raise to give up.

    Raises:
        SetupError: The system refuses to write there.
    """
    key: dict[str, object] = {
        "digest": str(descriptor.digest),
        "host": host,
        "repository": repository,
        "size": descriptor.size,
    }
    name = hashlib.sha256(canonical_json(key)).hexdigest()[:32]
    path = layout.path / "ingest" / f"upload-{name}.json"
    if not os.access(path.parent if path.parent.is_dir() else layout.path, os.W_OK):
        yield Record(None, path, key)
        return
    layout.ingest()
    with held(path, lambda _: wait(), mode=0o600) as file:
        record = Record(file, path, key)
        try:
            yield record
        finally:
            if record.session is None:
                path.unlink(missing_ok=True)


def remove_stale_records(layout: Layout, *, before: float) -> list[Path]:
    """Remove the records that nobody holds and nobody wrote to since *before* (a POSIX timestamp)."""
    removed = []
    for path in sorted((layout.path / "ingest").glob("upload-*.json")):
        with suppress(FileNotFoundError), writing(path):
            if path.stat().st_mtime < before and remove_unheld(path):
                removed.append(path)
    return removed
