"""The files of a user's own module, which go along in ``code/``: a single file, or a package with its data."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import PackError
from modelport.package.modules import places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LARGEST", "own_files"]

log = logging.getLogger(__name__)

LARGEST = 100_000_000
"""The most bytes of a file that goes along; what is larger is a model's state, or no part of it."""

_COMPILED = re.compile(r"\.(so|pyd|dylib|dll)(\.\d+)*$")
_BYTECODE = (".pyc", ".pyo")
_SECRET = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)|(credentials|secrets)\.[a-z]+|.*\.(pem|key|p12|pfx|jks|keystore)")


def own_files(module: str) -> dict[str, Path]:
    """Return the files of the user's module *module*, a file or a whole package, by their path in ``code/``.

    Hidden files, those that look like secrets, links to folders and files of more than `LARGEST` bytes stay out of it,
    which is told as a warning.

    Raises:
        PackError: A file is compiled, or the module has no files in a folder.
    """
    top = module.partition(".")[0]
    found: dict[str, Path] = {}
    left: list[str] = []
    for place in places(top):
        if place.is_file():
            found[place.name] = place
        for file in _walk(place, left):
            found[f"{top}/{file.relative_to(place).as_posix()}"] = file
    _check(found, top)
    if left:
        log.warning("left out of the package's code: %s", ", ".join(left))
    return found


def _walk(folder: Path, left: list[str]) -> Iterator[Path]:
    """Yield the files of *folder* that go along, sorted; note in *left* what does not, and why."""
    for here, folders, files in os.walk(folder):
        inside = Path(here)
        for name in (*folders, *files):
            reason = _reason(inside / name)
            if reason:
                left.append(f"{(inside / name).relative_to(folder.parent)} ({reason})")
        folders[:] = sorted(n for n in folders if n != "__pycache__" and not _reason(inside / n))
        for name in sorted(files):
            if not name.endswith(_BYTECODE) and not _reason(inside / name):
                yield inside / name


def _reason(place: Path) -> str:
    """Return why *place* does not go along, or nothing."""
    if place.name.startswith("."):
        return "hidden"
    if place.is_dir():
        return "a link to a folder" if place.is_symlink() else ""
    if not place.is_file():
        return "no regular file"
    if _SECRET.fullmatch(place.name.lower()):
        return "its name is that of a secret"
    return f"larger than {LARGEST // 1_000_000} MB" if place.stat().st_size > LARGEST else ""


def _check(files: Mapping[str, Path], top: str) -> None:
    if not any(path.endswith((".py", ".pyi")) for path in files) and not files.keys() - {f"{top}.pyc"}:
        raise PackError(
            f"the module {top!r} has no source file in a folder", hint="put its source beside the file that is packed"
        )
    for file in files.values():
        if _COMPILED.search(file.name):
            raise PackError(
                f"the module {top!r} is compiled or holds what is ({file.name}), which other machines cannot run",
                hint="publish it as a distribution with wheels and install that, or write it in Python",
            )
