"""``index.json``: the descriptors that a layout lists, with or without a tag's name, and how they are changed.

Entries of other tools are kept as they are, with whatever fields they have.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import canonical_json, parse_json
from modelport.oci.media import INDEX, REF_NAME
from modelport.oci.store.files import locked, write_atomically
from modelport.oci.store.refusals import reading, writing
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = [
    "EMPTY",
    "INDEX_LIMIT",
    "PARTIAL",
    "Entry",
    "Root",
    "changing_entries",
    "check_tag_name",
    "each_once",
    "named",
    "parse_entry",
    "parse_roots",
    "read_entries",
    "read_roots",
    "tag_name",
    "tagged",
    "way_back",
    "write_entries",
]

EMPTY = '{"schemaVersion": 2, "manifests": []}'
"""An ``index.json`` that lists nothing."""

Entry = dict[str, Any]
"""One element of ``manifests`` in ``index.json``, as it stands there."""

_TAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,511}")
PARTIAL = "org.modelport.partial"
"""Annotation of a root of whose content some was left out on purpose: the digests of that, with spaces between them."""

INDEX_LIMIT = 64 * 1024 * 1024
"""The bytes that ``index.json`` may have."""


def read_entries(store: Path) -> list[Entry]:
    """Return what the layout lists.

    Raises:
        FormatError: ``index.json`` is missing, or is not one.
        SetupError: The system refuses to read it.
    """
    file = store / "index.json"
    with reading(file):
        try:
            raw = file.read_bytes()
        except FileNotFoundError as error:
            raise FormatError(
                f"{store} is not an OCI image layout: index.json is missing",
                hint=way_back(store),
            ) from error
    try:
        return _parse_entries(raw, str(file))
    except FormatError as error:
        raise FormatError(error.message, hint=way_back(store)) from error


def way_back(store: Path) -> str:
    """Return what to do when the list is lost: content is not, and who brings it again moves nothing."""
    return (
        f"put {store / 'index.json'} back from a copy; or write {EMPTY} into it and pull or pack again what it listed:"
        " content that is here is not moved, unless `store gc` runs before"
    )


def write_entries(store: Path, entries: list[Entry]) -> None:
    """Let the layout list *entries*, in one step; for who holds the layout's lock."""
    raw = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    (store / "ingest").mkdir(exist_ok=True)  # another tool's layout has none
    write_atomically(store / "index.json", raw, scratch=store / "ingest")


@contextmanager
def changing_entries(store: Path) -> Iterator[list[Entry]]:
    """Give the list of entries to be changed in place, while nobody else changes it; written if it was changed."""
    with writing(store), locked(store / ".lock"):
        entries = read_entries(store)
        before = list(entries)
        yield entries
        if entries != before:
            write_entries(store, entries)


def check_tag_name(name: str) -> None:
    """Raise FormatError unless *name* may be a tag's."""
    if not _TAG_NAME.fullmatch(name):
        raise FormatError(f"{name!r} cannot be a tag's name in a layout", hint="write repository:tag")


def tag_name(entry: Entry) -> str | None:
    """Return the tag whose entry it is, or None where it has none."""
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def tagged(name: str, descriptor: Descriptor) -> Entry:
    """Return the entry by which *name* stands for *descriptor*."""
    return descriptor.to_json() | {"annotations": {**descriptor.annotations, REF_NAME: name}}


@dataclass(frozen=True, slots=True)
class Root:
    """An entry, parsed.

    Attributes:
        name: The tag's, or None.
        descriptor: What it points at; the name is not among its annotations.
        absent: What was left out on purpose (``PARTIAL``): that it is missing is no damage.
    """

    name: str | None
    descriptor: Descriptor
    absent: frozenset[Digest] = frozenset()


def parse_entry(entry: Entry, where: str) -> Root:
    """Parse an entry; raise FormatError when it is no descriptor. *where* says where it stands."""
    found = Descriptor.parse(entry, where)
    absent = frozenset(Digest.parse(text) for text in found.annotations.get(PARTIAL, "").split())
    annotations = {key: value for key, value in found.annotations.items() if key != REF_NAME}
    return Root(tag_name(entry), replace(found, annotations=annotations), absent)


def read_roots(store: Path) -> list[Root]:
    """Return all that the layout lists, in its order. The errors are those of ``read_entries``."""
    return _parsed(read_entries(store), str(store / "index.json"))


def parse_roots(raw: bytes, where: str) -> list[Root]:
    """Return all that an ``index.json`` lists, in its order; raise FormatError when it is none."""
    return _parsed(_parse_entries(raw, where), where)


def named(roots: Iterable[Root]) -> dict[str, Descriptor]:
    """Return what each name stands for, sorted.

    Some tools append an entry and leave the older one of that name. The last one counts, as it does for oras and
    containerd, which set the names in the order of the list; skopeo takes the first.
    """
    tags = {root.name: root.descriptor for root in roots if root.name is not None}
    return {name: tags[name] for name in sorted(tags)}


def each_once(roots: Iterable[Root]) -> tuple[Descriptor, ...]:
    """Return what is listed, with or without a name, in its order and each digest once."""
    found: dict[Digest, Descriptor] = {}
    for root in roots:
        found.setdefault(root.descriptor.digest, root.descriptor)
    return tuple(found.values())


def _parse_entries(raw: bytes, where: str) -> list[Entry]:
    entries = parse_json(raw, where, INDEX_LIMIT).get("manifests")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FormatError(f"{where} does not list manifests")
    return entries


def _parsed(entries: list[Entry], where: str) -> list[Root]:
    return [parse_entry(entry, f"{where}: manifests[{number}]") for number, entry in enumerate(entries)]
