"""The index of a catalog, kept: built once, and then read in milliseconds for as long as no file of an entry changes.

One file holds it all, under the settings' cache folder: a line with what it was made by and a checksum, a line with
each file's size and times and the index's rows, and the models' documents one after the other, with one of all
devices and networks among them. To look whether it
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
    from collections.abc import Iterable, Iterator

__all__ = ["KeptIndex", "kept_index"]

_MAKE = "modelport-kept-index/1"
_LONGEST_HEAD = 256
_PROFILES = "/profiles"
"""As what the devices and networks are kept, all in one document: no model has a name like this."""
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
    _models: str
    _kept: _Kept

    @property
    def devices(self) -> dict[str, dict[str, Any]]:
        """The documents of ``catalog/devices/``, without ``schema``, by name."""
        return self._profiles["devices"]

    @property
    def networks(self) -> dict[str, dict[str, Any]]:
        """The documents of ``catalog/networks/``, without ``schema``, by name."""
        return self._profiles["networks"]

    @property
    def broken_profiles(self) -> dict[str, list[str]]:
        """What is wrong with the files of devices and networks that are left out, by their way from the catalog."""
        return self._profiles["broken"]

    @property
    def _profiles(self) -> dict[str, dict[str, Any]]:
        content = self._kept.content(_PROFILES)
        found: dict[str, dict[str, Any]]
        found = _profiles(self._models) if content is None else json.loads(content)
        return found

    @property
    def document(self) -> dict[str, Any]:
        """``/api/v1/index.json``."""
        return {"schema": "modelport/api-index/2", "models": self.rows}

    def model(self, name: str) -> dict[str, Any] | None:
        """Return ``/api/v1/models/<name>.json``, or None when there is no such model."""
        if name not in self._kept.rows:
            return None
        content = self._kept.content(name)
        return _document(self._models, name) if content is None else json.loads(content)


def kept_index(catalog: Path, cache: Path) -> KeptIndex:
    """Return the index of the catalog in the folder *catalog*, read from under *cache* or made anew and kept there.

    Raises:
        FormatError: An entry has problems. A profile that has some is left out.
    """
    models = os.path.abspath(catalog / "models")  # noqa: PTH100 - links stay what they are
    file = cache / "catalog" / f"{hashlib.sha256(os.fsencode(models)).hexdigest()[:32]}.index"
    maker = _maker()
    kept = _read(file, maker)
    now = _states(models, kept)
    if kept is None or kept.states != now:
        kept = _made(models, now, kept)
        _write(file, maker, kept)
    return KeptIndex([kept.rows[name] for name in sorted(kept.rows)], models, kept)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Of each entry its state and its row, and its document's JSON: at hand, or its place in the file."""

    states: dict[str, State]
    rows: dict[str, dict[str, Any]]
    file: Path | None = None
    places: dict[str, list[int]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

    def content(self, name: str) -> bytes | None:
        """Return a document's JSON; None when the file is not the same any more."""
        if name in self.contents:
            return self.contents[name]
        try:
            start, length, checksum = self.places[name]
            with Path(self.file or "").open("rb") as stream:
                stream.seek(start)
                content = stream.read(length)
        except _UNREADABLE:
            return None
        return content if zlib.crc32(content) == checksum else None


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
    """Return the states of all entries, and of the profiles."""
    before = kept.states.get(_PROFILES) if kept else None
    catalog = str(Path(models).parent)
    found = {_PROFILES: before if before and _is_still(catalog, before) else _profiles_state(catalog)}
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
    return _state_of(folder, ("", *_ways(folder, "")))


def _profiles_state(catalog: str) -> State:
    """Return the state of the profiles' folders; the catalog's own time tells of one that came."""
    if not Path(catalog).is_dir():
        return {}
    folders = [f"/{name}" for name in ("devices", "networks") if Path(catalog, name).is_dir()]
    return _state_of(catalog, ("", *folders, *(way for folder in folders for way in _ways(catalog, folder))))


def _state_of(folder: str, ways: Iterable[str]) -> State:
    state = {}
    for way in ways:
        status = os.lstat(folder + way)
        state[way] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    return state


def _ways(folder: str, way: str) -> Iterator[str]:
    for item in sorted(os.scandir(folder + way), key=lambda item: item.name):
        yield f"{way}/{item.name}"
        if item.name in {"versions", "variants"} and item.is_dir(follow_symlinks=False):
            yield from _ways(folder, f"{way}/{item.name}")


def _made(models: str, states: dict[str, State], kept: _Kept | None) -> _Kept:
    """Return the index of what is there now; unchanged entries are taken from *kept*."""
    from modelport.catalog.index import index_of_documents

    made = _Kept(states, {})
    for name, state in states.items():
        content = kept.content(name) if kept is not None and kept.states.get(name) == state else None
        if name == _PROFILES:
            made.contents[name] = _json(_profiles(models)) if content is None else content
        elif kept is not None and content is not None:
            made.rows[name], made.contents[name] = kept.rows[name], content
        else:
            document = _document(models, name)
            (made.rows[name],) = index_of_documents([document])["models"]
            made.contents[name] = _json(document)
    return made


def _document(models: str, name: str) -> dict[str, Any]:
    from modelport.catalog.entry import load_entry
    from modelport.catalog.index import model_document

    return model_document(load_entry(Path(models, name)))


def _profiles(models: str) -> dict[str, Any]:
    from modelport.catalog.profiles import read_profiles

    found = read_profiles(Path(models).parent)
    return {"devices": found.sound.devices, "networks": found.sound.networks, "broken": found.broken}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _read(file: Path, maker: str) -> _Kept | None:
    """Return what *file* holds, or None when there is nothing in it that holds."""
    try:
        with file.open("rb") as stream:
            head, table = stream.readline(_LONGEST_HEAD), stream.readline()
        if head.decode() != f"{_MAKE} {maker} {zlib.crc32(table)}\n":
            return None
        found, places, start = json.loads(table), {}, len(head) + len(table)
        for name, (length, checksum) in found["documents"].items():
            places[name] = [start, length, checksum]
            start += length
        return _Kept(found["states"], found["rows"], file, places)
    except _UNREADABLE:
        return None


def _write(file: Path, maker: str, made: _Kept) -> None:
    """Keep *made*: whole or not at all, and without it where nothing can be written."""
    documents = {name: [len(content), zlib.crc32(content)] for name, content in made.contents.items()}
    table = _json({"states": made.states, "rows": made.rows, "documents": documents}) + b"\n"
    head = f"{_MAKE} {maker} {zlib.crc32(table)}\n".encode()
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(b"".join([head, table, *made.contents.values()]))
        new.replace(file)
    except OSError:
        with suppress(OSError):
            new.unlink()
