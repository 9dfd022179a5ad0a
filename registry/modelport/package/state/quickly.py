"""Importing skops for known files: it need not import all of scikit-learn to learn which estimators there are.

skops trusts scikit-learn's public estimators. To know their names it imports every module of scikit-learn, which takes
as long again as what a model needs. A process that serves one package knows which estimators it will load: skops is
told these, where each is a public estimator, and no others.

It also imports subpackages for the few classes that it saves in ways of their own, or trusts besides. Those that the
estimators have not brought along are left out while it is imported: it goes without a module that is missing, as with
another release of scikit-learn, and of a class it needs but the name. And it looks for the home of each of 400 ufuncs
in every module that is there; where no file names a function it is shown none. In each way it trusts less than it
would, never more.
"""

from __future__ import annotations

import re
import sys
import zipfile
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.package.state.sklearn import REVIEWED_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["import_skops_for"]

_TREE = "schema.json"
_KIND = re.compile(rb'"__class__": ?"([A-Za-z_0-9]+)", ?"__module__": ?"([A-Za-z_0-9.]+)"')
"""How skops writes what a node is; a file with any other writing of it gets skops as it is."""
_NEVER = {"conftest", "externals", "setup", "tests"}  # parts of modules that hold no estimators of scikit-learn's own
_LEFT_OUT = {
    "sklearn.cluster": "Birch",  # which it refuses to save
    "sklearn.covariance": None,
    "sklearn.ensemble": None,
    "sklearn.tree": "",
    "sklearn.tree._tree": "Tree",  # which it looks up by name when it loads one
}
"""What skops imports whatever it is to load: the class that it asks for there, or None where it can do without."""


def import_skops_for(files: Iterable[Path]) -> bool:
    """Import skops so that it trusts the estimators in *files* alone; for a process that loads no others.

    Returns:
        Whether that was done: not where skops is there already, or a file names what is no public estimator.
    """
    files = list(files)
    if not files or "skops.io" in sys.modules:
        return False
    try:
        found = [kind for file in files for kind in _estimators(file)]
        from sklearn import utils
    except (
        ImportError,
        FormatError,
        OSError,
        ValueError,
        LookupError,
        zipfile.BadZipFile,
    ):  # what is wrong is said where the file is loaded
        return False
    if None in found:
        return False
    whole = utils.all_estimators
    utils.all_estimators = lambda: [(kind.__name__, kind) for kind in found]
    try:
        with _left_out():
            import skops.io  # noqa: F401 - it reads the list while it is imported
    except ImportError:  # it is to be imported whole, then
        for name in [one for one in sys.modules if one.partition(".")[0] == "skops"]:
            del sys.modules[name]
        return False
    finally:
        utils.all_estimators = whole
    return True


@contextmanager
def _left_out() -> Iterator[None]:
    """Keep what is not imported yet of `_LEFT_OUT` from being imported within the block, and ufuncs from being seen."""
    import numpy as np

    import_module("scipy.special")  # skops asks for them there, and they are to be made as what they are

    missing = [name for name in _LEFT_OUT if name not in sys.modules]
    for name in missing:
        sys.modules[name] = _stand_in(name, _LEFT_OUT[name])  # type: ignore[assignment] # None: it cannot be imported
    ufunc = np.ufunc
    vars(np)["ufunc"] = type("ufunc", (), {})  # a class of which nothing is one
    try:
        yield
    finally:
        vars(np)["ufunc"] = ufunc
        for name in missing:
            del sys.modules[name]


def _stand_in(module: str, kind: str | None) -> ModuleType | None:
    """Return a module with nothing but an empty class *kind*, or with nothing at all."""
    if kind is None:
        return None
    made = ModuleType(module)
    if kind:
        setattr(made, kind, type(kind, (), {"__module__": module}))
    return made


def _estimators(file: Path) -> list[Any]:
    """Return the estimators of scikit-learn that *file* names; None for functions, and for what was not reviewed.

    The file is not judged here: it is where it is loaded.
    """
    with zipfile.ZipFile(file) as archive:
        if archive.getinfo(_TREE).compress_type != zipfile.ZIP_STORED:
            raise FormatError(f"{file} is not stored as modelport stores it")
        tree = archive.read(_TREE)
    named = _KIND.findall(tree)
    if len(named) != tree.count(b'"__module__"') or b'"FunctionNode"' in tree:
        return [None]
    return [
        _public(module, name)
        for name, module in {(name.decode(), module.decode()) for name, module in named}
        if module.startswith("sklearn.") and f"{module}.{name}" not in REVIEWED_TYPES
    ]


def _public(module: str, name: object) -> Any:
    """Return the estimator called *name*, where the public module above *module* shows it, as skops asks for."""
    from sklearn.base import BaseEstimator

    parts = module.split(".")
    shown = parts[: next((n for n, part in enumerate(parts) if part.startswith("_")), len(parts))]
    if not isinstance(name, str) or name.startswith("_") or _NEVER & {*parts}:
        return None
    kind = getattr(import_module(".".join(shown)), name, None)
    is_estimator = isinstance(kind, type) and issubclass(kind, BaseEstimator) and kind is not BaseEstimator
    whole = is_estimator and not getattr(kind, "__abstractmethods__", None)
    return kind if whole and kind.__module__ == module else None
