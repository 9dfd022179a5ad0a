"""The members of a tar archive that strangers made, read from its headers: regular files and nothing else.

No links, devices, sparse files or compression: what cannot be read is no danger. Sources: POSIX pax interchange, and
GNU tar's forms of long names and large sizes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.verify import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Member", "read_members"]

_BLOCK = 512
_EXTRA_LIMIT = 64 * 1024
_DIGITS_LIMIT = 20
_BINARY = 0x80
_REGULAR, _FOLDER, _PAX, _GNU_NAME = {b"0", b"\0"}, b"5", b"x", b"L"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
}
_HARMLESS = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"}
_ATTRIBUTES = (b"SCHILY.xattr.", b"LIBARCHIVE.xattr.")


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive: its name, and where in the archive its bytes begin and how many they are."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class _More:
    """What an extended header says of the member that follows it."""

    path: str | None = None
    size: int | None = None


def read_members(
    archive: IO[bytes], *, max_total: int | None, max_members: int, foreign: bool = False
) -> Iterator[Member]:
    """Yield the regular files of a tar, from its headers alone.

    Args:
        archive: The tar, which can be sought in.
        max_total: The bytes that all files may have together; None where the archive's own size is limit enough.
        max_members: How many members there may be.
        foreign: Whether any tool may have made it, of files of any size: then folders are passed over, and so are
            extended attributes and a ``./`` before names.

    Raises:
        FormatError: It is broken, or holds something that is not a regular file.
    """
    end = archive.seek(0, os.SEEK_END)
    if end < _BLOCK:
        raise FormatError(f"it has {end} bytes, and no tar archive is so short")
    offset, total, count, more = 0, 0, 0, _More()
    while True:
        header = _read_at(archive, offset, _BLOCK)
        if not header.strip(b"\0"):
            break
        _check_header(header)
        kind, data = header[156:157], offset + _BLOCK
        if kind in {_PAX, _GNU_NAME}:
            size = _octal(header[124:136])
            if more != _More() or size > _EXTRA_LIMIT:
                raise FormatError(f"{more.path or _header_name(header)!r} has more extended headers than a file needs")
            extra = _read_at(archive, data, size)
            more = _pax(extra, foreign=foreign) if kind == _PAX else _More(_text(extra.rstrip(b"\0")))
            offset = data + _padded(size)
            continue
        name = more.path or _header_name(header)
        size = _number(header[124:136], foreign=foreign) if more.size is None else more.size
        offset, more = data + _padded(size), _More()
        is_folder = foreign and kind == _FOLDER
        if kind not in _REGULAR and not is_folder:
            raise FormatError(f"{name!r} is {_KINDS.get(kind, f'of an unknown kind {kind!r}')}, not a regular file")
        count, total = count + 1, total + size
        if count > max_members or (max_total is not None and total > max_total):
            bytes_too = f" or {max_total} bytes" if max_total is not None else ""
            raise FormatError(f"{name!r}: more than {max_members} members{bytes_too}")
        if offset > end:
            raise FormatError(f"it is cut off: {name!r} has {size} bytes, and {max(0, end - data)} of them are there")
        if not is_folder:
            yield Member(name.removeprefix("./") if foreign else name, data, size)
    _check_end(archive, offset, more.path)


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
    if not digits or digits.strip(b"01234567"):
        raise FormatError(f"a header holds {field!r} where a number should be")
    return int(digits, 8)


def _number(field: bytes, *, foreign: bool) -> int:
    """Return a size: octal digits, or from 8 GiB on what GNU writes, a bit and then a binary number."""
    return int.from_bytes(field[1:]) if foreign and field[0] == _BINARY else _octal(field)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _pax(extra: bytes, *, foreign: bool) -> _More:
    """Return what a pax extended header says, records of ``LENGTH KEY=VALUE`` and a line break."""
    path, size = None, None
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
        elif foreign and key == b"size" and size is None and value[:-1].isdigit() and len(value) <= _DIGITS_LIMIT:
            size = int(value)
        elif _text(key) not in _HARMLESS and not (foreign and key.startswith(_ATTRIBUTES)):
            raise FormatError(f"an extended header holds {_text(key)!r}, which a plain file does not need")
    return _More(path, size)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"{raw!r} is not UTF-8") from error
