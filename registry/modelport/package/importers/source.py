"""The files of a stranger's model, a folder or a zip, read as if they were hostile.

Nothing is written, nothing is followed: links, devices, names that lead elsewhere, members that are there twice, and
zips that swell are refused before a byte of them is used. Large files are only counted and hashed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Self

from modelport.errors import FormatError, NotFoundError
from modelport.package.importers.file_names import NOT_PLAIN, is_hidden, is_plain, name_problem
from modelport.package.importers.zips import MOST_FILES, one_folder, open_zip, zip_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Source", "record_of"]

log = logging.getLogger(__name__)
_DEEPEST, _SHOWN = 8, 5
_MOST_BYTES = 64 * 1024**3
_CHUNK = 1024 * 1024


class Source:
    """The files of a folder, or of a zip, by their paths in it; hidden ones are left out.

    Args:
        path: The folder or the zip.

    Attributes:
        left_out: The files whose names an entry cannot list, ``plot (1).png``, sorted; they count as missing.

    Raises:
        NotFoundError: There is no such folder or file.
        FormatError: It is neither, or holds what no model's files hold; all problems are in the message.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._files: dict[str, int] = {}
        self._members: dict[str, str] = {}
        self._stream: IO[bytes] | None = None
        self.left_out: list[str] = []
        if path.is_dir():
            self._files = _look_through(path)
        elif path.is_file():
            self._open_zip()
        else:
            raise NotFoundError(f"{path} is not there", hint="give a folder or a zip file")
        self.left_out = sorted(name for name in self._files if not is_plain(name))
        self._files = {name: size for name, size in self._files.items() if is_plain(name)}
        if self.left_out:
            shown = ", ".join(name[:80] for name in self.left_out[:_SHOWN])
            more = f" and {len(self.left_out) - _SHOWN} more" if len(self.left_out) > _SHOWN else ""
            log.warning("left out, since an entry cannot list such names: %s%s", shown, more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __contains__(self, name: object) -> bool:
        return name in self._files

    @property
    def names(self) -> list[str]:
        """The files' paths, sorted."""
        return sorted(self._files)

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the bytes of a file, which may have *limit* of them.

        Raises:
            FormatError: It is not there, is larger, or is damaged.
        """
        if name not in self._files:
            raise FormatError(f"{name} is missing in {self.path}")
        if self._files[name] > limit:
            raise FormatError(f"{name} has {self._files[name]:,} bytes; at most {limit:,} are read")
        content = b"".join(self._chunks(name))
        if len(content) > limit:
            raise FormatError(f"{name} has more than {limit:,} bytes")
        return content

    def file(self, name: str) -> Path:
        """Return where a folder's file lies.

        Raises:
            FormatError: It is not there, or the source is a zip.
        """
        if self._zip:
            raise FormatError(f"{self.path} is a zip", hint="unpack it first, and give the folder")
        if name not in self._files:
            raise FormatError(f"{name} is missing in {self.path}")
        return self.path / name

    def size(self, name: str) -> int:
        """Return how many bytes a file has that is among the names."""
        return self._files[name]

    def records(self, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return path, size and digest of each file, sorted by path; of those *names* alone when they are given."""
        return [_record(name, self._chunks(name)) for name in (self.names if names is None else sorted(names))]

    def _chunks(self, name: str) -> Iterator[bytes]:
        with self.reading(name), self.open(name) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    @contextmanager
    def reading(self, name: str) -> Iterator[None]:
        """Raise FormatError where the block finds a file damaged."""
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise FormatError(f"{name} in {self.path} is damaged: {error}") from error

    def open(self, name: str) -> IO[bytes]:
        """Open a file that is among the names; what is damaged in a zip is seen when it is read."""
        if self._zip:
            return self._zip.open(self._members[name])
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.fdopen(os.open(self.path / name, flags), "rb")

    def _open_zip(self) -> None:
        try:
            self._stream = self.path.open("rb")
            self._zip = open_zip(self._stream)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            self._close()
            raise FormatError(f"{self.path} is neither a folder nor a zip: {error}") from error
        members = [info for info in self._zip.infolist() if not info.is_dir() and not is_hidden(info.orig_filename)]
        if problems := zip_problems(members, self.path.stat().st_size):
            self._close()
            raise FormatError(f"{self.path} cannot be imported:\n       " + "\n       ".join(problems[:20]))
        folder = one_folder([info.filename for info in members])
        self._members = {info.filename.removeprefix(folder): info.filename for info in members}
        self._files = {info.filename.removeprefix(folder): info.file_size for info in members}

    def _close(self) -> None:
        for one in (self._zip, self._stream):
            if one:
                one.close()


def record_of(file: Path, name: str) -> dict[str, Any]:
    """Return path, size and digest of one file, which a list calls *name*."""
    with file.open("rb") as stream:
        record = _record(name, iter(lambda: stream.read(_CHUNK), b""))
    if not is_plain(name):
        raise FormatError(NOT_PLAIN.format(name[:80]), hint="give the file a plain name")
    return record


def _record(name: str, chunks: Iterable[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return {"path": name, "size": size, "digest": f"sha256:{digest.hexdigest()}"}


def _look_through(folder: Path) -> dict[str, int]:
    """Return the regular files of *folder* with their sizes."""
    files: dict[str, int] = {}
    problems: list[str] = []
    waiting = [(folder, "", 0)]
    while waiting:
        place, prefix, depth = waiting.pop()
        with os.scandir(place) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                name, status = f"{prefix}{item.name}", item.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and depth < _DEEPEST:
                    waiting.append((place / item.name, f"{name}/", depth + 1))
                elif problem := _file_problem(name, status.st_mode):
                    problems.append(problem)
                else:
                    files[name] = status.st_size
                if len(files) + len(problems) > MOST_FILES:
                    raise FormatError(
                        f"{folder} holds more than {MOST_FILES} files",
                        hint="give the folder of one model, without its history",
                    )
    if sum(files.values()) > _MOST_BYTES:
        problems.append(f"it holds more than {_MOST_BYTES // 1024**3} GiB")
    if problems:
        raise FormatError(f"{folder} cannot be imported:\n       " + "\n       ".join(sorted(problems)))
    return files


def _file_problem(name: str, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return f"{name!a} is a link: copy the folder with what its links lead to (cp -rL)"
    if stat.S_ISDIR(mode):
        return f"{name!a} lies more than {_DEEPEST} levels deep"
    if not stat.S_ISREG(mode):
        return f"{name!a} is not a file"
    return name_problem(name)
