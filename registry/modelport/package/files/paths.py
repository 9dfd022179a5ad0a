"""Where a model's file lies: outside, read with a limit; in a package, under ``state/`` and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

from modelport.errors import FormatError, PackError

__all__ = ["MOST_BYTES", "read_file", "read_license", "state_file", "state_path"]

MOST_BYTES = 2**31 - 1
"""The most bytes of a model's file: the limit of protobuf and of flatbuffers."""


def read_file(file: Path) -> bytes:
    """Return the bytes of a file that a person named; PackError where it cannot be read or has more than 2 GiB."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise PackError(f"{file} cannot be read: {error.strerror}", hint="give a file that is there") from error
    if len(content) > MOST_BYTES:
        raise PackError(f"{file} has more than 2 GiB, which no model file has that is whole in itself")
    return content


def state_path(file: Path, suffix: str) -> str:
    """Return the path in a package for a model's file that is called like *file*."""
    return f"state/{re.sub(r'[^A-Za-z0-9_.-]', '_', file.stem).lstrip('.-')[:100] or 'model'}{suffix}"


def read_license(folder: Path) -> bytes:
    """Return the licence that goes along with the package in *folder*, or nothing."""
    file = folder / "LICENSE"
    return file.read_bytes() if file.is_file() and not file.is_symlink() else b""


def state_file(folder: Path, path: str) -> Path:
    """Return the file that *path* is of the package in *folder*; FormatError where it is none, or more than 2 GiB."""
    file = folder / "state" / Path(path).name
    if path != f"state/{file.name}" or not file.is_file() or file.is_symlink():
        raise FormatError(f"{path} is not a file of the package")
    if file.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path} has more than 2 GiB, which no model file has that is whole in itself")
    return file
