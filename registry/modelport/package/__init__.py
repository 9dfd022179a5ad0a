"""Packages: a model as a folder that stands alone, and back.

``pack`` follows a model's functions to all they need (`capture`), keeps trained objects as data (`state`), finds and
locks the requirements (`requirements`), and tries the result in a clean environment (`environment`, `verify`).
``Package.read`` looks at a package without running it; ``load_package`` runs it. `modelpack` turns the folder into an
OCI artifact and back, `recipe` builds an entry's package from its reviewed source, and `importers` reads
models of other tools.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.package.folder import Package, is_package
    from modelport.package.load import LoadedPackage, load_package
    from modelport.package.packing import pack
    from modelport.package.source import model_from_file, model_from_recipe

__all__ = ["LoadedPackage", "Package", "is_package", "load_package", "model_from_file", "model_from_recipe", "pack"]

_HOME = {
    "LoadedPackage": "load", "Package": "folder", "is_package": "folder", "load_package": "load",
    "model_from_file": "source", "model_from_recipe": "source", "pack": "packing",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import each name on first use: the clean environment has no more than loading needs."""
    if name in _HOME:
        return getattr(import_module(f"modelport.package.{_HOME[name]}"), name)
    raise AttributeError(f"module 'modelport.package' has no attribute {name!r}")
