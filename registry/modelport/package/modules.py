"""Where a module comes from: the standard library, an installed distribution, Modelport, or the user's own files."""

from __future__ import annotations

import importlib.metadata
import sys
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Origin", "distributions", "local_files", "origin"]

PACKED_PREFIX = "modelport_source_"
"""Start of the module names under which `modelport.package.source` runs a user's file."""


class Origin(Enum):
    """Who provides a module."""

    STANDARD = "standard library"
    DISTRIBUTION = "installed distribution"
    MODELPORT = "modelport"
    SCRIPT = "the file that is packed"
    LOCAL = "the user's own module"


def origin(module: str) -> Origin:
    """Return who provides *module* (a dotted name)."""
    top = module.partition(".")[0]
    if top == "__main__" or top.startswith(PACKED_PREFIX):
        return Origin.SCRIPT
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return Origin.STANDARD
    if top == "modelport":
        return Origin.MODELPORT
    return Origin.DISTRIBUTION if distributions(top) else Origin.LOCAL


def distributions(top: str) -> Sequence[str]:
    """Return the installed distributions that provide the top-level module *top*, sorted by name."""
    return sorted(set(_providers().get(top, ())))


def local_files(module: str) -> dict[str, Path]:
    """Return the source files of the user's module *module*, a file or a whole package, by their path in ``code/``."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None)
    if not file:
        return {}
    path = Path(file)
    if path.name != "__init__.py":
        return {path.name: path}
    return {
        str(Path(top) / one.relative_to(path.parent)): one
        for one in sorted(path.parent.rglob("*"))
        if one.is_file() and "__pycache__" not in one.parts
    }


@cache
def _providers() -> Mapping[str, Sequence[str]]:
    return importlib.metadata.packages_distributions()
