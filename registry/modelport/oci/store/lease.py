"""Leases: what somebody is bringing into the store or reading out of it, so that ``gc`` spares it meanwhile.

A lease is a file ``STORE/leases/lease-<random>`` that says when it began and lists digests, one a line. It is held by
``flock`` as long as its process lives. The kernel lets go of the lock when the process dies, however it dies, so a
lease that nobody holds is a dead one: ``gc`` removes it and heeds it no more. It needs no flushing to the disk: a power
cut ends its holder, too.

It protects all content that got its name since it began, whoever brought it. Content that was there before is protected
by its digest, with all that it lists. A digest is written down in a moment in which nothing is deleted
(``files.placing``), and ``gc`` reads the leases again in the moment in which it deletes. So either ``gc`` sees the
digest, or it deleted before, and whoever holds the lease finds the content missing. For this to hold, protect first and
look afterwards::

    with layout.lease() as lease:
        lease.protect(blob.digest)
        if not layout.has(blob):
            layout.put_blob(...)
        ...
        layout.tag(name, manifest)

Whoever puts all anew, as ``put_blob`` does, need protect nothing.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from modelport.oci.store.files import is_held, new_file, placing
from modelport.oci.store.refusals import reading, writing
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LEASES", "Lease", "Leased", "leased", "open_lease"]

LEASES = "leases"
"""The folder of leases in a layout."""

_SINCE = "since "
_JUST_NOW = 60 * 10**9


class Lease:
    """Digests that ``gc`` spares, and all that they list, while the lease is held; safe for many threads."""

    def __init__(self, store: Path, file: IO[bytes] | None) -> None:
        self._store = store
        self._file = file
        self._written: set[Digest] = set()
        self._writing = threading.Lock()

    def protect(self, *digests: Digest) -> None:
        """Let ``gc`` spare the content with these *digests* from now on, whether it is there yet or not.

        Raises:
            SetupError: The system refuses to write it down.
        """
        if self._file is None:
            return
        with self._writing, writing(self._store):
            new = sorted(set(digests) - self._written)
            if new:
                with placing(self._store):
                    self._file.write("".join(f"{digest}\n" for digest in new).encode())
                    self._file.flush()
                self._written.update(new)


@contextmanager
def open_lease(store: Path) -> Iterator[Lease]:
    """Hold a new lease on the layout in *store*, which is there.

    Whoever may only read the store holds a lease that protects nothing. At worst its owner's ``gc`` makes that reading
    fail; it cannot make it wrong.
    """
    folder = store / LEASES
    if not os.access(folder if folder.is_dir() else store, os.W_OK):
        yield Lease(store, None)
        return
    held = new_file(folder, prefix="lease-")
    with writing(folder):
        folder.mkdir(exist_ok=True)
        file = held.__enter__()
        # By the clock of the file system, which may lag behind the system's.
        file.write(f"{_SINCE}{os.fstat(file.fileno()).st_mtime_ns}\n".encode())
        file.flush()
    try:
        yield Lease(store, file)
    finally:
        with writing(folder):  # only this: what fails inside is not the lease's failure
            held.__exit__(None, None, None)


@dataclass(slots=True)
class Leased:
    """What living leases protect.

    Attributes:
        since: Content that got its name then or later, as a POSIX timestamp in nanoseconds; None without any lease.
        digests: Content, whether it is there or not.
    """

    since: int | None = None
    digests: set[Digest] = field(default_factory=set)


def leased(store: Path) -> Leased:
    """Return what all living leases protect. Call it in ``files.sweeping``, or some is missed."""
    folder, found = store / LEASES, Leased()
    with reading(folder):
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not is_held(file):
                continue
            lines = file.read_text("ascii").splitlines()
            # One that has not said yet when it began has begun just now.
            since = int(lines.pop(0).removeprefix(_SINCE)) if lines else time.time_ns() - _JUST_NOW
            found.since = since if found.since is None else min(found.since, since)
            found.digests.update(map(Digest.parse, lines))
    return found
