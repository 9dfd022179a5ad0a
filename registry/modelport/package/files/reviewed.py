"""What a data-only package may hold: the formats that have a reviewed loader, and what those loaders need.

Installing a distribution runs what it brings (``.pth`` files, for one), so a lock is part of what loading executes:
``pull`` and ``call`` trust a data-only package without asking, and therefore its lock may name these and nothing else.
They are installed as wheels, whose hashes the lock pins; nothing of theirs is built.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from modelport.package.requirements import parse_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DATA_ONLY", "foreign_files", "foreign_requirements", "is_reviewed"]

DATA_ONLY = "data-only"
"""The tier of packages whose loading executes nothing of theirs."""

_SUFFIXES = frozenset({".onnx"})
_REQUIREMENTS = frozenset(
    {
        "numpy", "onnxruntime",
        # What onnxruntime's releases since 1.20 need in turn.
        "coloredlogs", "flatbuffers", "humanfriendly", "mpmath", "packaging", "protobuf", "pyreadline3", "sympy",
    }
)  # fmt: skip


def foreign_files(paths: Iterable[str]) -> list[str]:
    """Return those of a package's files in ``state/`` that no reviewed loader reads, and all in ``code/``."""
    return [path for path in paths if path.startswith("code/") or (path.startswith("state/") and not _known(path))]


def foreign_requirements(lock: str) -> list[str]:
    """Return the distributions in a lock that no reviewed loader needs."""
    return sorted({name for name, _ in parse_lock(lock)} - _REQUIREMENTS)


def is_reviewed(lock: str) -> bool:
    """Tell whether *lock* is a reviewed loader's: not empty, and without anything foreign."""
    return bool(parse_lock(lock)) and not foreign_requirements(lock)


def _known(path: str) -> bool:
    return PurePosixPath(path).suffix in _SUFFIXES
