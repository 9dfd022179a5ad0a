"""Files that appear whole or not at all: written under another name, flushed to the disk, then renamed.

And the locks, all ``flock``: the kernel lets go of them when their holder dies, however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from modelport.oci.store.refusals import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

__all__ = [
    "has_name",
    "held",
    "is_held",
    "locked",
    "new_file",
    "open_own",
    "placing",
    "publish",
    "publish_blob",
    "remove_dead",
    "remove_unheld",
    "sweeping",
    "sync_folder",
    "try_lock",
    "write_atomically",
]

_SWEEP = ".sweep"
_WAIT = 0.1  # seconds between two looks at a file that somebody else holds
# What lies in the store may have been put there by others: no symbolic link is followed, and no pipe waited for.
_SAFE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def new_file(folder: Path, *, prefix: str = "new-") -> Iterator[IO[bytes]]:
    """Open a new file of a random name in *folder*; it is removed at the end unless ``publish`` renamed it.

    While it is open it is held, so that ``gc`` tells it from what a dead process left behind.
    """
    with _open_held(folder, prefix) as file:
        try:
            yield file
        finally:
            if has_name(file, Path(file.name)):
                Path(file.name).unlink()


def publish(file: IO[bytes], target: Path, *, mode: int | None = None) -> None:
    """Give the open *file* its final name; it is then on the disk, whole, and survives a power cut.

    Its mode is *mode*, or else what this user's files have (``umask``).
    """
    _settle(file, mode)
    Path(file.name).replace(target)
    sync_folder(target.parent)


def publish_blob(file: IO[bytes], target: Path, store: Path) -> None:
    """Publish content: read-only, for it never changes, and not in the moment in which ``gc`` deletes in *store*.

    Its age counts from now on, however long its bytes have lain there.
    """
    os.utime(file.fileno())
    _settle(file, 0o444)
    with placing(store):
        Path(file.name).replace(target)
    sync_folder(target.parent)


def write_atomically(target: Path, content: bytes, *, scratch: Path) -> None:
    """Replace *target* by *content* in one step; *scratch* is a folder on the same file system."""
    with new_file(scratch) as file:
        file.write(content)
        publish(file, target, mode=0o644)


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file *path* alone, or *shared* with others who share; who cannot have it waits."""
    # Opened for reading: in a store of several users the file may be another's.
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | _SAFE, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def placing(store: Path) -> Iterator[None]:
    """Be sure that nothing is deleted meanwhile; for the moment of a rename, or ``gc`` never gets its turn."""
    with locked(store / _SWEEP, shared=True):
        yield


@contextmanager
def sweeping(store: Path) -> Iterator[None]:
    """Be sure that meanwhile no tag changes, no blob appears and nothing is leased; for a moment, too."""
    with locked(store / ".lock"), locked(store / _SWEEP):
        yield


def open_own(path: Path, *, mode: int = 0o644) -> FileIO:
    """Open a file of the store to read and write it, made where there is none.

    Raises:
        OSError: The system refuses, or a symbolic link is there: it could lead anywhere.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_CREAT | _SAFE, mode)

    try:
        file = open(path, "r+b", buffering=0, opener=opener)  # noqa: SIM115 - handed on open
    except PermissionError:
        if not _is_file(path):
            raise
        path.chmod(mode)  # it was whole and read-only, and its process died just before it got its name
        file = open(path, "r+b", buffering=0, opener=opener)  # noqa: SIM115 - handed on open
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EEXIST, "what is there is no regular file", str(path))
    return file


@contextmanager
def held(path: Path, wait: Callable[[int], object], *, mode: int = 0o644) -> Iterator[FileIO]:
    """Hold the file *path* alone, made where there is none; who cannot have it waits.

    Args:
        path: The file.
        wait: Called ten times a second while somebody else holds it, with its size in bytes; it may raise to give up.
        mode: The file's, if it is new.

    Raises:
        SetupError: The system refuses, or a symbolic link is there.
    """
    while True:
        with writing(path):
            file = open_own(path, mode=mode)
        with file:
            while not try_lock(file):
                wait(os.fstat(file.fileno()).st_size)
                time.sleep(_WAIT)
            if has_name(file, path):  # else whoever held it renamed or removed it
                yield file
                return


def is_held(file: Path) -> bool:
    """Tell whether a living process holds *file*; False when it is not there, or is no file."""
    try:
        with _look_into(file) as opened:
            return not try_lock(opened)
    except FileNotFoundError:
        return False
    except OSError:
        if _is_file(file):
            raise
        return False


def remove_unheld(file: Path) -> bool:
    """Remove *file* unless a living process holds it; tell whether it is gone.

    Whoever takes a file that is there already, to go on with it, must see after locking it that it still has its name.
    """
    if not _is_file(file):  # a symbolic link, a pipe: nobody holds such
        file.unlink(missing_ok=True)
        return True
    try:
        with _look_into(file) as opened:
            if not try_lock(opened):
                return False
            if has_name(opened, file):
                file.unlink()
    except FileNotFoundError:
        pass
    return True


def remove_dead(folder: Path, prefix: str) -> None:
    """Remove what ``new_file`` began in *folder* under *prefix* for processes that have died since."""
    name = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}")
    for file in [path for path in folder.iterdir() if name.fullmatch(path.name)]:
        remove_unheld(file)


def _open_held(folder: Path, prefix: str) -> IO[bytes]:
    while True:
        try:
            file = (folder / f"{prefix}{secrets.token_hex(4)}").open("xb+")
        except FileExistsError:
            continue
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # gc took it for a left-over between the two calls


def _look_into(file: Path) -> IO[bytes]:
    return open(file, "rb", opener=lambda name, flags: os.open(name, flags | _SAFE))


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _settle(file: IO[bytes], mode: int | None) -> None:
    file.flush()
    if mode is not None:
        os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())


def has_name(file: IO[bytes], path: Path) -> bool:
    """Tell whether *path* is still this open file's name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def try_lock(file: IO[bytes]) -> bool:
    """Tell whether the file's lock is ours now; it is given up when the file is closed or its process dies."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
