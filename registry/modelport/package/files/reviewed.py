"""What a data-only package may hold: the formats that have a reviewed loader, and what those loaders need.

Installing a distribution runs what it brings (``.pth`` files, for one), so a lock is part of what loading executes:
``pull`` and ``call`` trust a data-only package without asking, and therefore its lock may name these and nothing else,
in no release older than the one that was looked at: an older one may have faults that were mended since. They are
installed as wheels, whose hashes the lock pins; nothing of theirs is built.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from modelport.package.locks import read_pins

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DATA_ONLY", "foreign_files", "foreign_requirements", "is_reviewed"]

DATA_ONLY = "data-only"
"""The tier of packages whose loading executes nothing of theirs."""

_SUFFIXES = frozenset({".onnx"})
_OLDEST = {
    "onnxruntime": (1, 31, 1),  # it reads the file: older ones follow paths out of the model's folder
    "flatbuffers": (25, 12, 19),
    "numpy": (2, 4, 6),
    "packaging": (26, 3),
    "protobuf": (7, 36, 2),
}
"""What ONNX Runtime needs in turn, too: the oldest release of each that was reviewed."""
_RELEASE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")


def foreign_files(paths: Iterable[str]) -> list[str]:
    """Return those of a package's files in ``state/`` that no reviewed loader reads, and all in ``code/``."""
    return [path for path in paths if path.startswith("code/") or (path.startswith("state/") and not _known(path))]


def foreign_requirements(lock: str) -> list[str]:
    """Return what a lock pins and no reviewed loader needs: other distributions, and releases older than the reviewed.

    Raises:
        FormatError: It is no lock.
    """
    return [
        f"{pin.name} {pin.version} (reviewed from {'.'.join(map(str, _OLDEST[pin.name]))} on)"
        if pin.name in _OLDEST
        else pin.name
        for pin in read_pins(lock)
        if not _is_reviewed(pin.name, pin.version)
    ]


def is_reviewed(lock: str) -> bool:
    """Tell whether *lock* is a reviewed loader's: not empty, and without anything foreign; raises as above."""
    return bool(read_pins(lock)) and not foreign_requirements(lock)


def _is_reviewed(name: str, version: str) -> bool:
    # Plain releases alone: what comes before or beside one was not looked at.
    if name not in _OLDEST or not _RELEASE.fullmatch(version):
        return False
    return tuple(map(int, version.split("."))) >= _OLDEST[name]


def _known(path: str) -> bool:
    return PurePosixPath(path).suffix in _SUFFIXES
