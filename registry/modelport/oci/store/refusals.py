"""What the system refuses the store, in words: the file, the reason and the way out instead of an ``OSError``."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelport.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["reading", "writing", "writing_file"]

_RIGHT = "get the right to do that, or name another store with MODELPORT_STORE"
_SPACE = "free some space, or name a store on another disk with MODELPORT_STORE"
_SHAPE = "move away what is there"
_HINTS = {
    errno.EACCES: _RIGHT,
    errno.EPERM: _RIGHT,
    errno.EROFS: _RIGHT,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
    errno.EISDIR: _SHAPE,
    errno.ENOTDIR: _SHAPE,
    errno.EEXIST: _SHAPE,
    errno.ELOOP: _SHAPE,
    errno.ENOENT: "check the path",
}
_ELSEWHERE = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "get the right to do that, or give another path"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space, or give a path on another disk"),
}
_OTHER = "check the disk, or name another store with MODELPORT_STORE"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise SetupError for what the system refuses while *path* is read."""
    try:
        yield
    except OSError as error:
        raise _refusal(f"{path} cannot be read", error) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise SetupError for what the system refuses while something is written in *path*."""
    try:
        yield
    except OSError as error:
        raise _refusal(f"{path} cannot be written", error) from error


@contextmanager
def writing_file(path: Path) -> Iterator[None]:
    """Raise SetupError for what the system refuses while *path*, which a user asked for, is written.

    It appears whole in the end, so nobody knows the name that the system speaks of; and another store is no way out.
    """
    try:
        yield
    except OSError as error:
        hint = _ELSEWHERE.get(error.errno or 0) or _HINTS.get(error.errno or 0, "check the disk, or give another path")
        why = error.strerror or type(error).__name__
        raise SetupError(f"{path} cannot be written: {why}", hint=hint) from error


def _refusal(message: str, error: OSError) -> SetupError:
    is_link = error.errno == errno.ELOOP
    why = "a symbolic link is there, and none is followed" if is_link else error.strerror or type(error).__name__
    # Of a rename, the name that was to be is what somebody knows; the other is one of ours.
    file = error.filename2 or error.filename
    where = f" ({file})" if file and str(file) not in message else ""
    return SetupError(f"{message}: {why}{where}", hint=_HINTS.get(error.errno or 0, _OTHER))
