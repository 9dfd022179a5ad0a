"""Safe unpacking: a small, strict reader of tar archives that strangers made.

It knows regular files and nothing else: no links, folders, devices, sparse files or compression. All headers are read
and judged before the first file is written, and files are created anew, through folder handles that follow no links.
The standard library's extraction is not used: its filters have been bypassed by links more than once (CVE-2025-4517).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.members import read_members
from modelport.oci.names import check_names
from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.oci.members import Member

__all__ = ["unpack_tar"]

_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}


def unpack_tar(source: Path, destination: Path, *, max_total: int, max_members: int) -> tuple[str, ...]:
    """Unpack the tar file *source* into the folder *destination* and return the members' names.

    Files get mode 0644, less the process's umask; nothing that exists is overwritten.

    Args:
        source: The tar, uncompressed.
        destination: The folder, made when absent.
        max_total: The bytes that all members may have together.
        max_members: How many members there may be.

    Raises:
        FormatError: The archive is broken, or holds something that is not a plain file with a safe name; nothing was
            written, unless a file of that name existed already.
    """
    with source.open("rb") as archive:
        try:
            members = tuple(read_members(archive, max_total=max_total, max_members=max_members))
            check_names(member.name for member in members)
        except FormatError as error:
            raise FormatError(f"{source}: {error.message}", hint=error.hint) from error
        destination.mkdir(parents=True, exist_ok=True)
        root = os.open(destination, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for member in members:
                _write(archive, member, root)
        finally:
            os.close(root)
    return tuple(member.name for member in members)


def _write(archive: IO[bytes], member: Member, root: int) -> None:
    *folders, name = member.name.split("/")
    folder = os.dup(root)
    try:
        for part in folders:
            folder = _enter(folder, part)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:  # noqa: PTH123 - a handle, not a path
            archive.seek(member.offset)
            missing = member.size
            while missing:
                chunk = archive.read(min(CHUNK, missing))
                if not chunk:
                    raise FormatError(f"{member.name!r} is cut off")
                file.write(chunk)
                missing -= len(chunk)
    except OSError as error:
        if error.errno not in _IN_THE_WAY:
            raise
        raise FormatError(f"{member.name!r} is in the way of something that exists: {error.strerror}") from error
    finally:
        os.close(folder)


def _enter(folder: int, part: str) -> int:
    """Return a handle on *part* in *folder*, made when absent, and close that on *folder*."""
    with suppress(FileExistsError):  # opening it tells whether it is a folder
        os.mkdir(part, 0o755, dir_fd=folder)
    inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    os.close(folder)
    return inner
