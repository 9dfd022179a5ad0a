"""Files that appear whole or not at all: written under another name, flushed to the disk, then renamed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["locked", "new_file", "publish", "sync_folder", "write_atomically"]


@contextmanager
def new_file(folder: Path) -> Iterator[IO[bytes]]:
    """Open a new file of a random name in *folder*; it is removed at the end unless ``publish`` renamed it."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="new-", delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def publish(file: IO[bytes], target: Path) -> None:
    """Give the open *file* its final name; it is then on the disk, whole, and survives a power cut."""
    file.flush()
    os.fchmod(file.fileno(), 0o644)
    os.fsync(file.fileno())
    Path(file.name).replace(target)
    sync_folder(target.parent)


def write_atomically(target: Path, content: bytes, *, scratch: Path) -> None:
    """Replace *target* by *content* in one step; *scratch* is a folder on the same file system."""
    with new_file(scratch) as file:
        file.write(content)
        publish(file, target)


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file *path* alone; other processes and threads wait. The kernel frees it when a holder dies."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
