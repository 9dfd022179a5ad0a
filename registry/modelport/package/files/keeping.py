"""An estimator as the ``.skops`` file that a package keeps, and a file of anybody's in the same form.

What only training needed is left out: how many processes, which cache, where a random generator stood. A file of
anybody's is brought to this form before skops sees it: it is packed, may unpack to anything, and is written otherwise
each time.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError, PackError
from modelport.package.files.paths import MOST_BYTES
from modelport.package.files.skops import attributes, value
from modelport.package.state.nodes import files_of, nodes
from modelport.package.state.sklearn import SklearnBackend
from modelport.package.state.zips import copy_zip, write_zip

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["keep_estimator", "keep_file"]

_TREE = "schema.json"
_SMALL, _RATIO = 16 * 1024**2, 50
"""How many bytes any file may unpack to, and how many more for each of its own: trained numbers hardly shrink."""
_NOTHING = {
    "__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "null", "is_json": True,
    "__id__": 0,
}  # fmt: skip
"""Nothing, as skops writes it."""


def keep_estimator(estimator: Any) -> tuple[bytes, set[str]]:
    """Return an estimator as a file, and the modules it asks for; raise PackError where it cannot be kept as data."""
    backend = SklearnBackend()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.skops"
        modules = {*backend.imports, *backend.save(estimator, file, settle=_settle)}
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        tree = _united(json.loads(members.pop(_TREE)))
        kept = {name: members[name] for name in files_of(tree)}
        write_zip(file, {**kept, _TREE: _text(tree)})
        return file.read_bytes(), modules


def keep_file(file: Path, kept: Path) -> None:
    """Write the ``.skops`` file *file* of anybody's as *kept*, piece by piece.

    Raises:
        FormatError: It says two things, or holds what nothing in it refers to.
        PackError: It unpacks to far more than it has.
    """
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if len(set(names)) != len(names) or _TREE not in names:
            raise FormatError(f"{file} holds a member twice, or no {_TREE}")
        _check_size(archive, file, {_TREE})
        try:
            tree = json.loads(archive.read(_TREE))
            used = files_of(tree)
            if unknown := used.symmetric_difference(names) - {_TREE}:
                raise FormatError(f"{file} holds {min(unknown)!r}, to which nothing in it refers, or misses it")
            _check_size(archive, file, used)
            _settle(tree)
            tree = _united(tree)
            copy_zip(archive, kept, files_of(tree), {_TREE: _text(tree)})
        except (RecursionError, ValueError, TypeError) as error:
            raise FormatError(f"{file} is not a .skops file: {error}") from error


def _check_size(archive: zipfile.ZipFile, file: Path, names: AbstractSet[str]) -> None:
    size, packed = sum(archive.getinfo(name).file_size for name in names), file.stat().st_size
    if size > min(MOST_BYTES, _SMALL + _RATIO * packed):
        raise PackError(f"{file} has {packed} bytes and unpacks to {size}", hint="write it anew with skops.io.dump")


def _text(tree: Any) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()


def _united(tree: Any) -> Any:
    """Return the tree with each part that is met again as it was first."""
    count = sum(1 for _ in nodes(tree))
    _unite([tree], {})
    # A part that claims to be one that holds it, or that holds itself twice over, would be written out without end.
    if sum(1 for _ in islice(nodes(tree), count + 1)) > count:
        raise FormatError("it holds two parts that claim to be one")
    return tree


def _unite(node: Any, seen: dict[int, Any]) -> None:
    """Write each part that is met again as it was first: skops writes it anew, and reads the first alone."""
    for key, one in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if not isinstance(one, dict | list):
            continue
        number = one.get("__id__") if isinstance(one, dict) else None
        if isinstance(number, int) and number in seen:
            node[key] = seen[number]
            continue
        if isinstance(number, int):
            seen[number] = one
        _unite(one, seen)


def _settle(tree: Any) -> None:
    """Forget the processes, the cache and the random generators that training had: answers do not depend on them.

    A generator that answers draw from would stand where the caller before left it, and believes what a file says of it.
    """
    for node in nodes(tree):
        for key, one in node.items():
            if isinstance(one, dict) and one.get("__loader__") == "RandomStateNode":
                node[key] = dict(_NOTHING)
        held = attributes(node) if node.get("__loader__") == "ObjectNode" else {}
        for key in {"memory", "n_jobs"} & held.keys():
            if value(held[key]) is not None and held[key].get("__loader__") == "JsonNode":
                held[key] = dict(_NOTHING)
