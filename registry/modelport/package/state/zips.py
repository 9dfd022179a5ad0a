"""Zip files whose bytes depend on their content alone, and strict reading of them.

Readers disagree about a zip that says two things: twice the same name, a header that differs from the central
directory, something before or behind. Such a file is refused.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from typing import TYPE_CHECKING

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["check_zip", "copy_zip", "write_zip"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can tell
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*")
_HEADER, _EXTRA_LIMIT = 30, 64
_DIRECTORY_ENTRY, _END_RECORDS = 46, 22 + 20 + 56  # the end record, and those of large files


def write_zip(file: Path, members: Mapping[str, bytes]) -> None:
    """Write *members* in order of their names, stored, with one constant time and mode."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(_info(name), members[name])


def copy_zip(source: zipfile.ZipFile, file: Path, names: Iterable[str], members: Mapping[str, bytes]) -> None:
    """Write the members *names* of *source*, and *members*, as `write_zip` does; no member is held in memory whole."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(names):
            info = _info(name)
            info.file_size = source.getinfo(name).file_size
            with source.open(name) as taken, archive.open(info, "w") as given:
                shutil.copyfileobj(taken, given)
        for name in sorted(members):
            archive.writestr(_info(name), members[name])


def check_zip(file: Path) -> set[str]:
    """Return the names of the members of *file*, which :func:`write_zip` or its like wrote.

    Raises:
        FormatError: It is no zip, or says anything that `write_zip` does not.
    """
    try:
        with zipfile.ZipFile(file) as archive, file.open("rb") as stream:
            members = archive.infolist()
            end = 0
            for info in members:
                stream.seek(end)
                header = stream.read(_HEADER)
                extra = int.from_bytes(header[28:30], "little")
                named = stream.read(int.from_bytes(header[26:28], "little"))
                plain = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
                if info.header_offset != end or not plain or info.flag_bits or extra > _EXTRA_LIMIT or info.comment:
                    raise FormatError(f"{file}: {info.filename!r} is not stored as modelport stores it")
                if named != info.orig_filename.encode() or not _NAME.fullmatch(info.filename):
                    raise FormatError(f"{file}: {info.filename!r} is not a name that a member may have")
                end += _HEADER + len(named) + extra + info.file_size
            _check_end(file, members, end + sum(_DIRECTORY_ENTRY + len(i.filename) + len(i.extra) for i in members))
            if archive.testzip() is not None:
                raise FormatError(f"{file} is damaged")
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise FormatError(f"{file} is not a zip: {error}") from error
    return {info.filename for info in members}


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr = 0o644 << 16
    info.create_system = 3  # Unix, wherever it runs
    return info


def _check_end(file: Path, members: list[zipfile.ZipInfo], end: int) -> None:
    names = [info.filename for info in members]
    if len(set(names)) != len(names):
        raise FormatError(f"{file} holds a member twice")
    large = any(i.file_size > zipfile.ZIP64_LIMIT for i in members)
    rest = file.stat().st_size - end
    if not 0 <= rest <= (_END_RECORDS if large else 22):
        raise FormatError(f"{file} holds something beside its members")
