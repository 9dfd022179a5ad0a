"""The index of a catalog, kept: built once, and then read in milliseconds for as long as no file of an entry changes.

One file holds it all, under the settings' cache folder: a line with what it was made by and a checksum, a line with
each file's size and times and the index's rows, and the models' documents one after the other. To look whether it
still holds, each file's status is asked for, and nothing is opened. Of a changed catalog the changed entries alone are
read again. The file is nothing but a copy: one that is torn, older or somebody else's is made anew, and where none
can be written everything works without.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport import __version__
from modelport.schema import schema_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["KeptIndex", "kept_index"]

_MAKE = "modelport-kept-index/1"
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What goes wrong while a file is read that is not ours, or no longer."""

State: TypeAlias = "dict[str, list[int]]"
"""Of each file and folder of an entry, by its way from the entry: its size, and when content and name last changed."""


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """What the catalog says of its models.

    Attributes:
        rows: The rows of ``/api/v1/index.json``, sorted by name.
    """

    rows: list[dict[str, Any]]
    _documents: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """``/api/v1/index.json``."""
        return {"schema": "modelport/api-index/2", "models": self.rows}

    def model(self, name: str) -> dict[str, Any] | None:
        """Return ``/api/v1/models/<name>.json``, or None when there is no such model."""
        content = self._documents.get(name)
        return None if content is None else json.loads(content)


def kept_index(catalog: Path, cache: Path) -> KeptIndex:
    """Return the index of the catalog in the folder *catalog*, read from under *cache* or made anew and kept there.

    Raises:
        FormatError: An entry has problems.
    """
    models = os.path.abspath(catalog / "models")  # noqa: PTH100 - links stay what they are
    file = cache / "catalog" / f"{hashlib.sha256(os.fsencode(models)).hexdigest()[:32]}.index"
    maker = _maker()
    kept = _read(file, maker)
    now = _states(models, kept)
    if kept is not None and kept.states == now:
        return kept.index()
    made = _made(Path(models), now, kept)
    _write(file, maker, made)
    return made.index()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The file's content: of each entry its state, its row and its document's JSON."""

    states: dict[str, State]
    rows: dict[str, dict[str, Any]]
    documents: dict[str, bytes]

    def index(self) -> KeptIndex:
        return KeptIndex([self.rows[name] for name in sorted(self.rows)], self.documents)


def _maker() -> str:
    """Return a text that changes with whatever decides how an index looks: the version, the schemas, the code."""
    digest = hashlib.sha256(__version__.encode())
    for schema in sorted(schema_dir().iterdir()):
        digest.update(schema.read_bytes())
    for folder in (Path(__file__).parent, Path(__file__).parent / "rules"):
        for item in sorted(os.scandir(folder), key=lambda item: item.name):
            if item.name.endswith(".py"):
                status = item.stat()
                digest.update(f"{item.name} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _states(models: str, kept: _Kept | None) -> dict[str, State]:
    """Return the states of all entries."""
    found = {}
    names = [item.name for item in os.scandir(models) if item.is_dir()] if Path(models).is_dir() else []
    for name in sorted(names):
        before = kept.states.get(name) if kept else None
        folder = f"{models}/{name}"
        found[name] = before if before is not None and _is_still(folder, before) else _state(folder)
    return found


def _is_still(folder: str, before: State) -> bool:
    """Return whether nothing has changed; a folder's time tells of files that came and went."""
    stat = os.stat
    try:
        for way, known in before.items():
            status = stat(folder + way, follow_symlinks=False)
            if [status.st_size, status.st_mtime_ns, status.st_ctime_ns] != known:
                return False
    except OSError:
        return False
    return True


def _state(folder: str) -> State:
    state = {}
    for way in ("", *_ways(folder, "")):
        status = os.lstat(folder + way)
        state[way] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    return state


def _ways(folder: str, way: str) -> Iterator[str]:
    for item in sorted(os.scandir(folder + way), key=lambda item: item.name):
        yield f"{way}/{item.name}"
        if item.name == "versions" and item.is_dir(follow_symlinks=False):
            yield from _ways(folder, f"{way}/{item.name}")


def _made(models: Path, states: dict[str, State], kept: _Kept | None) -> _Kept:
    """Return the index of what is there now; unchanged entries are taken from *kept*."""
    from modelport.catalog.entry import load_entry
    from modelport.catalog.index import index_of_documents, model_document

    made = _Kept(states, {}, {})
    for name, state in states.items():
        if kept is not None and kept.states.get(name) == state:
            made.rows[name], made.documents[name] = kept.rows[name], kept.documents[name]
        else:
            document = model_document(load_entry(models / name))
            (made.rows[name],) = index_of_documents([document])["models"]
            made.documents[name] = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return made


def _read(file: Path, maker: str) -> _Kept | None:
    """Return what *file* holds, or None when there is nothing in it that holds."""
    try:
        head, _, body = file.read_bytes().partition(b"\n")
        if head.decode() != f"{_MAKE} {maker} {zlib.crc32(body)}":
            return None
        table, _, rest = body.partition(b"\n")
        found = json.loads(table)
        documents, start = {}, 0
        for name, length in found["lengths"].items():
            documents[name] = rest[start : start + length]
            start += length
        return _Kept(found["states"], found["rows"], documents)
    except _UNREADABLE:
        return None


def _write(file: Path, maker: str, made: _Kept) -> None:
    """Keep *made*: whole or not at all, and without it where nothing can be written."""
    lengths = {name: len(content) for name, content in made.documents.items()}
    table = {"states": made.states, "rows": made.rows, "lengths": lengths}
    body = b"\n".join(
        [json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode(), b"".join(made.documents.values())]
    )
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(f"{_MAKE} {maker} {zlib.crc32(body)}\n".encode() + body)
        new.replace(file)
    except OSError:
        with suppress(OSError):
            new.unlink()
