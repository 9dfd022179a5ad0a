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

from modelport.errors import FormatError
from modelport.package.files.skops import foreign_parts, read_tree
from modelport.package.locks import read_pins

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["foreign_files", "foreign_requirements", "is_reviewed"]

_NUMPY: dict[str, tuple[int, ...]] = {"numpy": (2, 4, 6)}
_NEEDS: dict[str, dict[str, tuple[int, ...]]] = {
    ".onnx": _NUMPY | {
        "onnxruntime": (1, 31, 1),  # it reads the file: older ones follow paths out of the model's folder
        "flatbuffers": (25, 12, 19),
        "packaging": (26, 3),
        "protobuf": (7, 36, 2),
    },
    ".skops": _NUMPY | {
        "scikit-learn": (1, 9, 1),
        "skops": (0, 16, 0),  # it reads the file: older ones call what a file names
        "cloudpickle": (3, 1, 2),
        "joblib": (1, 6, 0),
        "narwhals": (2, 28, 0),
        "packaging": (26, 3),
        "pandas": (3, 1, 1),
        "prettytable": (3, 18, 0),
        "python-dateutil": (4, 0, 0),
        "scipy": (1, 17, 1),
        "six": (1, 17, 0),
        "threadpoolctl": (3, 8, 0),
        "tzdata": (2026, 6),
        "wcwidth": (0, 9, 4),
    },
    ".tflite": _NUMPY | {
        "ai-edge-litert": (2, 3, 0),  # it reads the file
        "backports-strenum": (1, 3, 1),
        "flatbuffers": (25, 12, 19),
        "ml-dtypes": (0, 6, 0),
        "protobuf": (7, 36, 2),
        "tqdm": (4, 70, 1),
        "typing-extensions": (4, 16, 0),
    },
}  # fmt: skip
"""What the loader of each kind of file needs in turn, too: the oldest release of each that was reviewed."""
_RELEASE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")


def foreign_files(folder: Path, paths: Iterable[str]) -> list[str]:
    """Return a package's files in ``state/`` that are more than data to a reviewed loader, and all in ``code/``.

    Args:
        folder: The package's folder.
        paths: The paths of its files.
    """
    found = []
    for path in paths:
        if path.startswith("code/"):
            found.append(path)
        elif path.startswith("state/"):
            found += [path] if _kind(path) not in _NEEDS else _foreign_inside(folder, path)
    return found


def foreign_requirements(lock: str, paths: Iterable[str] | None = None) -> list[str]:
    """Return what a lock pins and no reviewed loader needs: other distributions, and releases older than the reviewed.

    Args:
        lock: The lock's text.
        paths: The package's files, whose loaders count; those of all kinds of files, when left out.

    Raises:
        FormatError: It is no lock.
    """
    kinds = _NEEDS.keys() if paths is None else {_kind(path) for path in paths if path.startswith("state/")}
    oldest = {name: release for kind in kinds for name, release in _NEEDS.get(kind, {}).items()}
    return [
        f"{pin.name} {pin.version} (reviewed from {'.'.join(map(str, oldest[pin.name]))} on)"
        if pin.name in oldest
        else pin.name
        for pin in read_pins(lock)
        if not _is_reviewed(pin.version, oldest.get(pin.name))
    ]


def is_reviewed(lock: str, paths: Iterable[str] | None = None) -> bool:
    """Tell whether *lock* is a reviewed loader's: not empty, and without anything foreign; raises as above."""
    return bool(read_pins(lock)) and not foreign_requirements(lock, paths)


def _is_reviewed(version: str, oldest: tuple[int, ...] | None) -> bool:
    # Plain releases alone: what comes before or beside one was not looked at.
    return bool(oldest and _RELEASE.fullmatch(version) and tuple(map(int, version.split("."))) >= oldest)


def _foreign_inside(folder: Path, path: str) -> list[str]:
    """Return what of a file of a known kind is more than data; its numbers are looked at when it is loaded."""
    if _kind(path) != ".skops":
        return []
    try:
        return [f"{path}: {one}" for one in foreign_parts(read_tree(folder / path))]
    except FormatError as error:
        return [f"{path}: {error.message}"]


def _kind(path: str) -> str:
    return PurePosixPath(path).suffix
