"""Variants' files that were made before, kept by what they were made of: the same input is not converted twice.

One folder for each, under the settings' cache: the file, and ``made.json`` with its name, its digest and how it was
made. A folder appears whole or not at all. What failed is not kept, for a tool may be there the next time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelport
import modelport.package
from modelport.edge.interface import Made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.edge.interface import Recipe

__all__ = ["Cache", "code_of", "file_digest", "installed_versions"]

_FORMAT = 1
_DAY = 24 * 60 * 60  # seconds: no step takes longer


def file_digest(file: Path) -> str:
    """Return the sha256 of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def installed_versions(distributions: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of those *distributions* that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def code_of(module: str) -> list[Path]:
    """Return the source files that what a backend makes may depend on, in one order.

    They are those that lie beside the backend's *module*, and all that reads and converts packages' files.
    """
    spec = find_spec(module)
    beside = Path(spec.origin).parent.glob("*.py") if spec and spec.origin else ()
    return sorted({*beside, *Path(modelport.package.__file__).parent.rglob("*.py")})


class Cache:
    """The folder of what was made.

    Args:
        folder: The settings' cache.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute() / "variants"
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(".new-*"):  # by a process that was killed
            if left.stat().st_mtime < time.time() - _DAY:
                shutil.rmtree(left, ignore_errors=True)

    def key(self, module: str, recipe: Recipe, sources: tuple[Path, ...], calibration: str) -> str:
        """Return what says all that a file depends on: recipe, sources, calibration, versions of tools and of ours.

        Args:
            module: The backend's module; its code counts, too (`code_of`).
            recipe: The recipe.
            sources: The files that it is made of.
            calibration: The digest of calibration inputs, or nothing.
        """
        document = {
            "format": _FORMAT,
            "backend": [module, modelport.__version__, *map(file_digest, code_of(module))],
            "recipe": asdict(recipe),
            "sources": [file_digest(one) for one in sources],
            "calibration": calibration,
            "tools": installed_versions(recipe.tools),
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:40]

    def find(self, key: str) -> Made | None:
        """Return what was made before; None where nothing was, or where it is damaged."""
        folder = self.folder / key
        try:
            said: dict[str, Any] = json.loads((folder / "made.json").read_text("utf-8"))
            file = folder / Path(said["file"]).name
            whole = file_digest(file) == said["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Made(file, said["recipe"]) if whole else None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder to work in, which is gone at the end."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".new-") as scratch:
            yield Path(scratch)

    def keep(self, key: str, made: Made) -> Made:
        """Move the file of *made* into the cache; somebody else's that came first stays, for it is the same."""
        name = made.file.name
        said = {"file": name, "sha256": file_digest(made.file), "recipe": dict(made.recipe)}
        with self.scratch() as scratch:
            whole = scratch / "whole"
            whole.mkdir()
            made.file.replace(whole / name)
            (whole / "made.json").write_text(json.dumps(said, indent=1), "utf-8")
            target = self.folder / key
            if target.exists() and self.find(key) is None:
                target.replace(scratch / "damaged")
            try:
                whole.rename(target)
            except OSError:
                if self.find(key) is None:
                    raise
        return Made(self.folder / key / name, made.recipe)
