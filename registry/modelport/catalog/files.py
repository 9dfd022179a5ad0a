"""Files of an entry, opened as if they were hostile: no links, no devices, never more bytes than a limit."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from modelport.catalog.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LIMITS", "VERSION_LIMIT", "read_file", "size_text"]

KIB = 1024
VERSION_LIMIT = 1024 * KIB
"""A version's file holds a signature and examples: 1 MiB."""

LIMITS = {"model.yaml": 64 * KIB, "card.md": 64 * KIB, "recipe.py": 256 * KIB, "recipe.lock": 1024 * KIB}
"""How many bytes each file of an entry may have."""


def read_file(path: Path, shown: str, *, limit: int) -> bytes | Problem:
    """Return the bytes of a regular file of at most *limit* bytes, or the problem with it.

    Raises:
        OSError: The file cannot be read for a reason that is not its content's: rights, a failing disk.
    """
    problem = _look(path, shown, limit)
    if problem:
        return problem
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
        return stream.read(limit)


def size_text(size: int) -> str:
    """Return a size in the unit that makes it short."""
    return f"{size / KIB:.0f} KiB" if size < KIB * KIB else f"{size / KIB / KIB:.0f} MiB"


def _look(path: Path, shown: str, limit: int) -> Problem | None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return Problem(
            file=shown, rule="file-symlink", message="is a symbolic link", hint="put the file itself in its place"
        )
    if not stat.S_ISREG(status.st_mode):
        return Problem(file=shown, rule="file-unexpected", message="is not a file", hint="remove it")
    if status.st_size > limit:
        message = f"has {status.st_size:,} bytes; at most {size_text(limit)} are allowed"
        return Problem(file=shown, rule="file-size", message=message)
    return None
