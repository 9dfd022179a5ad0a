"""The service's own layers: Modelport's rooms that serve, and the locked distributions that they need."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import modelport
from modelport.image.layer import Node, Tree
from modelport.package.locks import read_pins
from modelport.schema import schema_dir

if TYPE_CHECKING:
    from collections.abc import Collection

    from modelport.package.locks import Pin

__all__ = ["modelport_tree", "service_pins"]

_LEFT_OUT = frozenset({"acumos", "catalog", "cli", "client", "deploy", "image", "publish", "sdk.py", "__main__.py"})
"""What makes packages, images and catalogs: a service does none of it."""


def service_pins(pinned: Collection[str]) -> list[Pin]:
    """Return what a service needs beside a package that has pinned *pinned* itself: the package's versions win."""
    text = files("modelport.image").joinpath("service.lock").read_text("utf-8")
    return [pin for pin in read_pins(text) if pin.name not in pinned]


def modelport_tree(under: str) -> Tree:
    """Return Modelport's own files that serve, with its schemas, as a tree whose paths begin with *under*."""
    root = Path(modelport.__file__).parent
    found: Tree = {}
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and parts[0] not in _LEFT_OUT and "__pycache__" not in parts and parts[0] != "schemas":
            found[f"{under}/modelport/{'/'.join(parts)}"] = Node(path)
    for one in schema_dir().iterdir():
        if one.is_file():
            found[f"{under}/modelport/schemas/{one.name}"] = Node(one.read_bytes())
    return found
