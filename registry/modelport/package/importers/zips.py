"""Zips that strangers wrote: what is wrong with one is told by its list of files, before anything in it is read."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import IO

from modelport.package.importers.file_names import name_problem

__all__ = ["MOST_FILES", "one_folder", "open_zip", "zip_problems"]

MOST_FILES = 256
"""The most files of a model, as an entry lists them."""

_MOST_UNZIPPED = 2 * 1024**3
_SWELLS, _SMALL = 200, 16 * 1024**2  # a member may be this much larger than it is stored, beyond a small size
_AT_ONCE = 1024**2


def open_zip(stream: IO[bytes]) -> zipfile.ZipFile:
    """Return the zip that *stream* is, if its list of files is not longer than any model's.

    Raises:
        BadZipFile: It is none, or its list is longer.
        NotImplementedError: It is of a newer kind.
    """
    return zipfile.ZipFile(_Bounded(stream))


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A stream of which no more is read at once than a chunk: a zip's list of files is read at once."""

    stream: IO[bytes]

    def read(self, size: int = -1, /) -> bytes:
        if size > _AT_ONCE:
            raise zipfile.BadZipFile(f"its list of files is longer than {_AT_ONCE // 1024**2} MiB")
        return self.stream.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def seekable(self) -> bool:
        return self.stream.seekable()

    def close(self) -> None:
        """Leave the stream to whoever opened it."""


def zip_problems(members: list[zipfile.ZipInfo], stored: int) -> list[str]:
    """Return what is wrong with the *members* of a zip of *stored* bytes; nothing of them was read."""
    if len(members) > MOST_FILES:
        return [f"it holds more than {MOST_FILES} files"]
    problems = [problem for info in members if (problem := _member_problem(info))]
    names = Counter(info.filename.lower() for info in members)
    problems += [f"{name!a} is there twice" for name in sorted(n for n, count in names.items() if count > 1)[:5]]
    if sum(info.file_size for info in members) > _MOST_UNZIPPED:
        problems.append(f"it unpacks to more than {_MOST_UNZIPPED // 1024**3} GiB")
    if sum(info.compress_size for info in members) > stored:
        problems.append("its members overlap")
    return problems


def _member_problem(info: zipfile.ZipInfo) -> str:
    name = ascii(info.orig_filename[:80])
    mode = info.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return f"{name} is a link or a device"
    if info.flag_bits & 1:
        return f"{name} is encrypted"
    if info.file_size > _SMALL and info.file_size > _SWELLS * max(info.compress_size, 1):
        return f"{name} swells to {info.file_size:,} bytes from {info.compress_size:,}"
    return name_problem(info.orig_filename)


def one_folder(names: list[str]) -> str:
    """Return the folder that all *names* lie in, with its ``/``, or nothing."""
    heads = {name.partition("/")[0] for name in names if "/" in name}
    return f"{heads.pop()}/" if len(heads) == 1 and all("/" in name for name in names) else ""
