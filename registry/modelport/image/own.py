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

__all__ = ["is_served", "modelport_tree", "service_pins"]

_LEFT_OUT = frozenset({"acumos", "catalog", "cli", "client", "deploy", "image", "publish", "sdk.py", "__main__.py"})
"""What makes packages, images and catalogs: a service does none of it."""


def service_pins(pinned: Collection[str]) -> list[Pin]:
    """Return what a service needs beside a package that has pinned *pinned* itself: the package's versions win."""
    text = files("modelport.image").joinpath("service.lock").read_text("utf-8")
    return [pin for pin in read_pins(text) if pin.name not in pinned]


def modelport_tree(under: str) -> Tree:
    """Return Modelport's own files that serve, with its schemas, as a tree whose paths begin with *under*."""
    root = Path(modelport.__file__).parent
    paths = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    own = {path: Node(file) for path, file in paths.items() if is_served(path)}
    schemas = {f"schemas/{one.name}": Node(one) for one in sorted(schema_dir().glob("[!.]*.schema.json"))}
    return {f"{under}/modelport/{path}": node for path, node in (own | schemas).items()}


def is_served(path: str) -> bool:
    """Tell whether *path*, from Modelport's folder on, is a file of the rooms that serve, and not what lies about."""
    parts = path.split("/")
    if parts[0] in _LEFT_OUT or any(part.startswith(".") or part == "__pycache__" for part in parts):
        return False
    return path == "py.typed" or path.endswith(".py") or path.startswith("serve/assets/")
