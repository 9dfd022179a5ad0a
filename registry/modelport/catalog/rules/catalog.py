"""Rules across the catalog: what one entry may not be because of another."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.catalog.document import shown
from modelport.catalog.files import VERSION_LIMIT, read_file
from modelport.catalog.rules.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["Neighbours", "SoundEntry", "check_catalog", "look_around"]

_DIGEST = re.compile(rb"^digest:[ ]*[\"']?(sha(?:256|512):[0-9a-f]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SoundEntry:
    """The sound parts of an entry that is being checked: its folder's name, model and versions."""

    folder: str
    model: Document
    versions: dict[str, Document]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is known of the entries around those that are checked: their names, and who has which digest."""

    names: frozenset[str] = frozenset()
    digests: dict[str, str] = field(default_factory=dict)


def look_around(folders: Iterable[Path]) -> Neighbours:
    """Return what there is to know of entries that are not checked themselves; their files are only glanced at."""
    names: set[str] = set()
    digests: dict[str, str] = {}
    for folder in folders:
        names.add(folder.name)
        for file in sorted(folder.glob("versions/*.yaml")):
            content = read_file(file, str(file), limit=VERSION_LIMIT)
            match = _DIGEST.search(content) if isinstance(content, bytes) else None
            if match:
                digests[match[1].decode()] = f"{folder.name} {file.stem}"
    return Neighbours(frozenset(names), digests)


def check_catalog(entries: Iterable[SoundEntry], around: Neighbours) -> Iterator[Problem]:
    """Yield the problems that *entries* have with each other and with those around."""
    checked = sorted(entries, key=lambda entry: entry.folder)
    own = {entry.folder for entry in checked}
    taken = own | around.names
    names = Names(taken)
    digests = dict(around.digests)
    for entry in checked:
        yield from _check_name(entry, names, own)
        yield from _check_successor(entry, taken)
        yield from _check_digests(entry, digests)


def _check_name(entry: SoundEntry, names: Names, own: set[str]) -> Iterator[Problem]:
    # Of two entries that are checked together the later one is told of.
    others = [o for o in names.confusable_with(entry.folder) if o not in own or o < entry.folder]
    if others:
        message = f"{shown(entry.folder)} can be taken for {' and '.join(map(shown, others))} of the catalog"
        hint = "choose a name that differs by more than a character or a separator"
        yield entry.model.problem(("name",), message, hint=hint, rule="name-confusable")


def _check_successor(entry: SoundEntry, taken: set[str]) -> Iterator[Problem]:
    successor = entry.model.value.get("successor")
    if successor and successor not in taken:
        message = f"{shown(successor)} is not in the catalog"
        yield entry.model.problem(("successor",), message, hint=_near(successor, taken), rule="lifecycle-successor")


def _near(name: str, taken: set[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, sorted(taken), n=1)
    return f"did you mean '{near[0]}'?" if near else "name a model of this catalog, or leave the key out"


def _check_digests(entry: SoundEntry, digests: dict[str, str]) -> Iterator[Problem]:
    """Yield a problem for each digest that has an owner; note the others in *digests*."""
    for stem, document in entry.versions.items():
        digest = document.value.get("digest")
        if digest in digests:
            message = f"is the digest of {digests[digest]}, too"
            hint = "another version is another package: pack and push it, and take its digest"
            yield document.problem(("digest",), message, hint=hint, rule="version-digest")
        elif digest:
            digests[digest] = f"{entry.folder} {stem}"
