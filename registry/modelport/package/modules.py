"""Where a module comes from: the standard library, an installed distribution, Modelport, or the user's own files."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["PACKED_PREFIX", "Origin", "distributions", "local_files", "origin", "shown_kind"]

PACKED_PREFIX = "modelport_source_"
"""Start of the module names under which `modelport.package.source` runs a user's file."""


class Origin(Enum):
    """Who provides a module."""

    STANDARD = "standard library"
    DISTRIBUTION = "installed distribution"
    MODELPORT = "modelport"
    SCRIPT = "the file that is packed"
    LOCAL = "the user's own module"
    MISSING = "nobody"


def origin(module: str) -> Origin:
    """Return who provides *module* (a dotted name)."""
    top = module.partition(".")[0]
    if top == "__main__" or top.startswith(PACKED_PREFIX):
        return Origin.SCRIPT
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return Origin.STANDARD
    if top == "modelport":
        return Origin.MODELPORT
    places = _places(top)
    if distributions(top) and (not places or _among_distributions(top, places)):
        return Origin.DISTRIBUTION
    return Origin.LOCAL if places else Origin.MISSING


def distributions(module: str) -> Sequence[str]:
    """Return the installed distributions that provide *module*, sorted by name.

    Many may share a top-level name (``google``): only those that have the module itself are meant then.
    """
    names = sorted(set(_providers().get(module.partition(".")[0], ())))
    parts = module.split(".")
    for end in range(len(parts), 1, -1):
        if len(names) > 1 and (having := [n for n in names if _has(n, "/".join(parts[:end]))]):
            return having
    return names


def local_files(module: str) -> dict[str, Path]:
    """Return the files of the user's module *module*, a file or a whole package, by their path in ``code/``."""
    top = module.partition(".")[0]
    found: dict[str, Path] = {}
    for place in _places(top):
        if place.is_file():
            found[place.name] = place
        for one in sorted(place.rglob("*")):
            inner = one.relative_to(place)
            if one.is_file() and not any(p.startswith(".") or p == "__pycache__" for p in inner.parts):
                found[f"{top}/{inner.as_posix()}"] = one
    return found


def shown_kind(value: object) -> str:
    """Return the class of *value* as a user knows it."""
    kind = type(value)
    known = kind.__module__ == "builtins" or origin(kind.__module__) is Origin.SCRIPT
    return kind.__qualname__.rpartition(".")[2] if known else f"{kind.__module__}.{kind.__qualname__}"


def _places(top: str) -> Sequence[Path]:
    """Return where the module *top* lies: its file, or the folders of its package."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # half-made modules have no spec
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return [Path(one).resolve() for one in spec.submodule_search_locations]
    return [Path(spec.origin).resolve()] if spec.origin else ()


def _among_distributions(top: str, places: Iterable[Path]) -> bool:
    """Tell whether one of *places* lies where the distributions of *top* are installed; a user's file does not."""
    roots = [Path(str(importlib.metadata.distribution(n).locate_file(""))).resolve() for n in distributions(top)]
    return any(place.is_relative_to(root) for place in places for root in roots)


@cache
def _has(distribution: str, path: str) -> bool:
    files = importlib.metadata.files(distribution) or ()
    return any(f.as_posix().startswith((f"{path}/", f"{path}.")) for f in files)


@cache
def _providers() -> Mapping[str, Sequence[str]]:
    return importlib.metadata.packages_distributions()
