"""Safe unpacking: a small, strict reader of tar archives that strangers made.

It knows regular files and nothing else: no links, folders, devices, sparse files or compression. All headers are read
and judged before the first file is written, and files are created anew, through folder handles that follow no links.
The standard library's extraction is not used: its filters have been bypassed by links more than once (CVE-2025-4517).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.names import check_names
from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["unpack_tar"]

_BLOCK = 512
_EXTRA_LIMIT = 64 * 1024
_REGULAR, _PAX, _GNU_NAME = {b"0", b"\0"}, b"x", b"L"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}
_HARMLESS = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"}


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    offset: int
    size: int


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
            members = tuple(_members(archive, max_total, max_members))
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


def _members(archive: IO[bytes], max_total: int, max_members: int) -> Iterator[_Member]:
    end = archive.seek(0, os.SEEK_END)
    offset, total, count, long_name = 0, 0, 0, None
    while True:
        header = _read_at(archive, offset, _BLOCK)
        if not header.strip(b"\0"):
            break
        _check_header(header)
        size, kind, data = _octal(header[124:136]), header[156:157], offset + _BLOCK
        offset = data + -(-size // _BLOCK) * _BLOCK
        name = long_name or _header_name(header)
        if kind in {_PAX, _GNU_NAME}:
            if long_name or size > _EXTRA_LIMIT:
                raise FormatError(f"{name!r} has more extended headers than a file needs")
            extra = _read_at(archive, data, size)
            long_name = _pax_path(extra) if kind == _PAX else _text(extra.rstrip(b"\0"))
            continue
        if kind not in _REGULAR:
            raise FormatError(f"{name!r} is {_KINDS.get(kind, f'of an unknown kind {kind!r}')}, not a regular file")
        count, total, long_name = count + 1, total + size, None
        if count > max_members or total > max_total:
            raise FormatError(f"{name!r}: more than {max_members} members or {max_total} bytes")
        if offset > end:
            raise FormatError(f"{name!r} is cut off")
        yield _Member(name, data, size)
    _check_end(archive, offset, long_name)


def _check_end(archive: IO[bytes], offset: int, long_name: str | None) -> None:
    archive.seek(offset)
    while rest := archive.read(CHUNK):
        if rest.strip(b"\0"):
            raise FormatError("there is something behind the end of the archive")
    if long_name:
        raise FormatError(f"{long_name!r} is named, but not there")


def _read_at(archive: IO[bytes], offset: int, size: int) -> bytes:
    archive.seek(offset)
    found = archive.read(size)
    if len(found) != size:
        raise FormatError("the archive is cut off")
    return found


def _check_header(header: bytes) -> None:
    if header[257:263] not in {b"ustar\0", b"ustar "}:
        raise FormatError("this is not a tar archive (ustar, pax or GNU), or it is compressed")
    if sum(header[:148]) + 8 * ord(" ") + sum(header[156:]) != _octal(header[148:156]):
        raise FormatError("a header's checksum is wrong")


def _header_name(header: bytes) -> str:
    name = _text(header[:100].partition(b"\0")[0])
    is_ustar = header[257:263] == b"ustar\0"  # GNU's older form keeps other things where the prefix is
    prefix = _text(header[345:500].partition(b"\0")[0]) if is_ustar else ""
    return f"{prefix}/{name}" if prefix else name


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits.isdigit() or set(digits) & set(b"89"):
        raise FormatError(f"a header holds {field!r} where a number should be")
    return int(digits, 8)


def _pax_path(extra: bytes) -> str | None:
    """Return the path of a pax extended header: records of ``LENGTH KEY=VALUE`` and a line break."""
    path = None
    while extra:
        length, _, _ = extra.partition(b" ")
        if not length.isdigit() or len(length) > len(str(_EXTRA_LIMIT)):
            raise FormatError("an extended header is broken")
        record, extra = extra[: int(length)], extra[int(length) :]
        key, equals, value = record[len(length) + 1 :].partition(b"=")
        if len(record) != int(length) or not equals or not value.endswith(b"\n"):
            raise FormatError("an extended header is broken")
        if key == b"path" and path is None:
            path = _text(value[:-1])
        elif _text(key) not in _HARMLESS:
            raise FormatError(f"an extended header holds {_text(key)!r}, which a plain file does not need")
    return path


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"{raw!r} is not UTF-8") from error


def _write(archive: IO[bytes], member: _Member, root: int) -> None:
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
