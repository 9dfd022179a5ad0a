"""Where a module comes from: the standard library, an installed distribution, Modelport, or the user's own files."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import sys
import sysconfig
from contextlib import contextmanager
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.metadata import Distribution, PackagePath

__all__ = [
    "PACKED_PREFIX",
    "Origin",
    "beside",
    "check_not_shadowed",
    "distributions",
    "installed",
    "origin",
    "places",
    "shown_kind",
]

PACKED_PREFIX = "modelport_source_"
"""Start of the module names under which `modelport.package.source` runs a user's file."""

_SITES = {"site-packages", "dist-packages"}


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
    found = places(top)
    if distributions(top) and (not found or _among_distributions(top, found)):
        return Origin.DISTRIBUTION
    return Origin.LOCAL if found else Origin.MISSING


def distributions(module: str) -> Sequence[str]:
    """Return the installed distributions that provide *module*, sorted by name.

    Many may share a top-level name (``google``): only those that have the module itself are meant then. Where several
    have the same file (``cv2`` of opencv-python and opencv-python-headless), the one whose content lies there is.
    """
    names = sorted({n for n in _providers().get(module.partition(".")[0], ()) if installed(n)})
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        if len(names) > 1 and (having := [n for n in names if _has(n, path)]):
            return [n for n in having if _is_as_installed(n, path)] or having
    return names


def installed(name: str) -> Distribution | None:
    """Return the distribution *name* if an installer put it here.

    A build leaves metadata beside the user's own sources, too (``*.egg-info``), under whatever name those give
    themselves. That makes nothing installed: another's distribution of that name may lie in the index.
    """
    from importlib.metadata import distributions

    return next(filter(_is_installed, distributions(name=name)), None)


def check_not_shadowed(module: str) -> None:
    """Refuse a module of the user's that has the name of one of Python's own, and takes its place here alone.

    Raises:
        PackError: That is so.
    """
    top = module.partition(".")[0]
    if origin(top) is Origin.STANDARD:
        roots = [Path(sysconfig.get_path(one)).resolve() for one in ("stdlib", "platstdlib")]
        for place in places(top):
            if _SITES.isdisjoint(place.parts) and not any(place.is_relative_to(root) for root in roots):
                raise PackError(f"the module {place} has the name of one of Python's own, {top!r}", hint="rename it")


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Let modules in *folder* be found while the block runs, as ``python folder/FILE.py`` does."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def shown_kind(value: object) -> str:
    """Return the class of *value* as a user knows it."""
    kind = type(value)
    known = kind.__module__ == "builtins" or origin(kind.__module__) is Origin.SCRIPT
    return kind.__qualname__.rpartition(".")[2] if known else f"{kind.__module__}.{kind.__qualname__}"


def places(top: str) -> Sequence[Path]:
    """Return where the top-level module *top* lies: its file, the folders of its package, or nowhere."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # half-made modules have no spec
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return [Path(one).resolve() for one in spec.submodule_search_locations]
    return [Path(spec.origin).resolve()] if spec.origin and spec.has_location else ()


def _among_distributions(top: str, places: Iterable[Path]) -> bool:
    """Tell whether one of *places* lies where the distributions of *top* are installed; a user's file does not."""
    found = filter(None, map(installed, distributions(top)))
    roots = [Path(str(one.locate_file(""))).resolve() for one in found]
    return any(place.is_relative_to(root) for place in places for root in roots)


def _is_installed(distribution: Distribution) -> bool:
    """Tell whether an installer put *distribution* here: it keeps a record of the files, or installs to that folder."""
    places = Path(str(distribution.locate_file(""))).parts
    return distribution.read_text("RECORD") is not None or not _SITES.isdisjoint(places)


@cache
def _has(distribution: str, path: str) -> bool:
    return any(f.as_posix().startswith((f"{path}/", f"{path}.")) for f in _files(distribution))


@cache
def _is_as_installed(distribution: str, path: str) -> bool:
    """Tell whether the module at *path* has the very content that *distribution* was installed with."""
    for file in _files(distribution):
        if file.as_posix() in {f"{path}/__init__.py", f"{path}.py"} and file.hash and file.hash.mode == "sha256":
            place = Path(str(file.locate()))
            digest = hashlib.sha256(place.read_bytes()).digest() if place.is_file() else b""
            return file.hash.value == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return False


def _files(distribution: str) -> Sequence[PackagePath]:
    found = installed(distribution)
    return (found.files if found else None) or ()


@cache
def _providers() -> Mapping[str, Sequence[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()
