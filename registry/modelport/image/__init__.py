"""The microservice's image, assembled layer by layer without an engine, as jib, ko and apko do.

``build_image`` turns a package into an image index in a store: a base (`bases`), the locked wheels for each platform
(`wheels`, `cut`, `bytecode`), Modelport's rooms that serve (`own`), and the package (`layers`). The same input gives
the same digest on every machine. `sbom` lists what is inside, ``push_image`` sends it to a registry, and `base` makes a
base from Debian packages where no registry is reached.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.image.build import BuiltImage, Plan, build_image
    from modelport.image.labels import About
    from modelport.image.requirements import Runtime

__all__ = ["About", "BuiltImage", "Plan", "Runtime", "build_image"]

_HOME = {
    "About": "labels", "BuiltImage": "build", "Plan": "build", "Runtime": "requirements", "build_image": "build",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import each name on first use: a command's ``--help`` needs none of it."""
    if name in _HOME:
        return getattr(import_module(f"modelport.image.{_HOME[name]}"), name)
    raise AttributeError(f"module 'modelport.image' has no attribute {name!r}")
