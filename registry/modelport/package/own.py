"""The files of a user's own module, which go along in ``code/``: a single file, or a package with its data.

All sources of a package go along. So does its data; but in a folder that is no regular package, and may hold anything,
only what lies beside a module that is imported.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from modelport.errors import PackError
from modelport.package.confidential import holds_key, named_secret
from modelport.package.modules import places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

__all__ = ["LARGEST", "MOST", "own_data", "own_sources"]

log = logging.getLogger(__name__)

LARGEST = 100_000_000
"""The most bytes of a file that goes along; what is larger is a model's state, or no part of it."""

MOST = 250_000_000
"""The most bytes of all the data of one package of the user's."""

_COMPILED = re.compile(r"\.(so|pyd|dylib|dll)(\.\d+)*$")
_BYTECODE = (".pyc", ".pyo")
_SOURCE = (".py", ".pyi")


def own_sources(module: str) -> dict[str, Path]:
    """Return the Python sources of the user's module *module*, a file or a whole package, by their path in ``code/``.

    A folder may have none: Python takes any for a package.

    Raises:
        PackError: The module is compiled, or lies in no folder.
    """
    top = module.partition(".")[0]
    found: dict[str, Path] = {}
    for place in places(top):
        if place.is_file():
            found[place.name] = place
        found |= {path: file for path, file in _walk(place, top, []) if path.endswith(_SOURCE)}
    _check_compiled(found, top)
    if found.keys() == {f"{top}.pyc"} or not any(place.exists() for place in places(top)):
        raise PackError(
            f"the module {top!r} has no source file in a folder", hint="put its source beside the file that is packed"
        )
    return found


def own_data(top: str, imported: Collection[str]) -> dict[str, Path]:
    """Return the data of the user's package *top* by its path in ``code/``.

    Hidden files, those that look like secrets, links to folders or to what lies elsewhere, and files of more than
    `LARGEST` bytes stay out of it, as they do of the sources, which is told as a warning.

    Args:
        top: The package's name.
        imported: The paths in ``code/`` of the modules that are imported.

    Raises:
        PackError: A file is compiled, or all of them are more than `MOST` bytes.
    """
    found: dict[str, Path] = {}
    left: list[str] = []
    for place in places(top):
        inside = _walk(place, top, left)
        found |= {p: f for p, f in inside if not p.endswith(_SOURCE) and _belongs(p, place.parent, imported)}
    _check_compiled(found, top)
    _check_size(found, top)
    keys = [path for path, file in found.items() if holds_key(file)]
    left += [f"{path} (it holds a private key)" for path in keys]
    if left:
        log.warning("left out of the package's code: %s", ", ".join(left))
    return {path: file for path, file in found.items() if path not in keys}


def _belongs(path: str, root: Path, imported: Collection[str]) -> bool:
    """Tell whether the data at *path* goes along: a regular package around it is imported, or a module beside it."""
    place = PurePosixPath(path)
    for folder in list(place.parents)[-2::-1]:
        if (root / folder / "__init__.py").is_file():
            return any(one.startswith(f"{folder}/") for one in imported)
    return any(PurePosixPath(one).parent == place.parent for one in imported)


def _walk(package: Path, top: str, left: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files of the package *top* that go along, by path; note in *left* what does not, and why."""
    for here, folders, files in os.walk(package):
        inside = package / here
        paths = {name: f"{top}/{(inside / name).relative_to(package).as_posix()}" for name in (*folders, *files)}
        reasons = {name: _reason(inside / name, package) for name in paths}
        left += [f"{paths[name]} ({reason})" for name, reason in reasons.items() if reason]
        folders[:] = sorted(n for n in folders if n != "__pycache__" and not reasons[n])
        yield from ((paths[n], inside / n) for n in sorted(files) if not n.endswith(_BYTECODE) and not reasons[n])


def _reason(place: Path, root: Path) -> str:
    """Return why *place* does not go along, or nothing."""
    if place.name.startswith("."):
        return "hidden"
    if place.is_dir():
        return "a link to a folder" if place.is_symlink() else ""
    if not place.is_file():
        return "no regular file"
    if reason := _meant(place.resolve(), root):
        return f"a link to what {reason}"
    if named_secret(place.name) or named_secret(place.resolve().name):
        return "its name is that of a secret"
    return f"larger than {LARGEST // 1_000_000} MB" if place.stat().st_size > LARGEST else ""


def _meant(place: Path, root: Path) -> str:
    """Return why the file that a name in the folder *root* stands for, *place*, does not go along."""
    if not place.is_relative_to(root):
        return "lies elsewhere"
    return "is hidden" if any(part.startswith(".") for part in place.relative_to(root).parts) else ""


def _check_compiled(files: Mapping[str, Path], top: str) -> None:
    for file in files.values():
        if _COMPILED.search(file.name):
            raise PackError(
                f"the module {top!r} is compiled or holds what is ({file.name}), which other machines cannot run",
                hint="publish it as a distribution with wheels and install that, or write it in Python",
            )


def _check_size(files: Mapping[str, Path], top: str) -> None:
    sizes = {path: file.stat().st_size for path, file in files.items()}
    if sum(sizes.values()) > MOST:
        largest = sorted(sizes, key=lambda path: (-sizes[path], path))[:3]
        raise PackError(
            f"the data in the user's own package {top!r} is more than {MOST // 1_000_000} MB; most of it:"
            f" {', '.join(largest)}",
            hint="move what the model does not need out of the package's folder",
        )
