"""The bytes of blobs: read in pieces, hashed while they are written, cloned where the file system can."""

from __future__ import annotations

import errno
import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modelport.oci.store.refusals import reading
from modelport.oci.verify import CHUNK
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["clone", "exhaust", "file_chunks", "link", "new_target", "pieces", "write_hashing"]

_FICLONE = 0x40049409  # linux/fs.h: let a file share the extents of another, copied when either is written to
_CANNOT = {
    errno.EOPNOTSUPP,  # not on this file system
    errno.ENOTTY,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EXDEV,  # not across file systems
    errno.EPERM,  # not another user's file
    errno.EACCES,
    errno.EMLINK,
}


def pieces(source: bytes | Path | Iterable[bytes]) -> Iterable[bytes]:
    """Return the content of *source* in pieces."""
    if isinstance(source, bytes):
        return (source,)
    return file_chunks(source) if isinstance(source, Path) else source


def file_chunks(file: Path) -> Iterator[bytes]:
    """Yield a file's content; raise SetupError where it cannot be read."""
    with reading(file), file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk


def write_hashing(write: Callable[[bytes], object], chunks: Iterable[bytes], algorithm: str) -> tuple[Digest, int]:
    """Hand all *chunks* to *write*; return their digest and their number of bytes."""
    hasher, size = hashlib.new(algorithm), 0
    for chunk in chunks:
        hasher.update(chunk)
        write(chunk)
        size += len(chunk)
    return Digest(algorithm, hasher.hexdigest()), size


def clone(source: Path, file: IO[bytes]) -> bool:
    """Let the open, empty *file* share the bytes of *source* (a reflink); tell whether the file system can.

    The two are independent: what is written to one later is not seen in the other. Raise SetupError where *source*
    cannot be read.
    """
    if not source.is_file():
        return False  # a pipe, which can be opened only once, or something whose reading says what is wrong
    with reading(source), source.open("rb") as opened:
        try:
            fcntl.ioctl(file, _FICLONE, opened.fileno())
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            return False
    return True


def exhaust(chunks: Iterable[bytes]) -> None:
    """Let all *chunks* go by: who gives them out verifies them."""
    for _ in chunks:
        pass


@contextmanager
def new_target(target: Path) -> Iterator[IO[bytes]]:
    """Open the new file *target*, which is removed where something goes wrong."""
    with target.open("xb") as file:
        try:
            yield file
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def link(blob: Path, target: Path) -> bool:
    """Make *target* another name of the file *blob*; tell whether the file system can and the system allows it."""
    try:
        target.hardlink_to(blob)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        return False
    return True
