"""Rules across the catalog: what one entry may not be because of another."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from modelport.catalog.document import shown
from modelport.catalog.files import LIMITS, VERSION_LIMIT, read_file
from modelport.catalog.reader import read_yaml
from modelport.catalog.rules.lineage import check_links, origins
from modelport.catalog.rules.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from modelport.catalog.document import Document
    from modelport.catalog.document import Path as Place
    from modelport.catalog.problem import Problem

__all__ = ["Neighbours", "SoundEntry", "check_catalog", "look_around"]

_DIGEST = re.compile(rb"^digest:[ ]*[\"']?(sha(?:256|512):[0-9a-f]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SoundEntry:
    """The sound parts of an entry that is being checked: its folder's name, model, versions and their variants."""

    folder: str
    model: Document
    versions: dict[str, Document]
    variants: dict[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is known of the entries around those that are checked: their folders, and who has which digest."""

    folders: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def links(self, name: str) -> dict[str, Iterable[str]]:
        """Return what the entry called *name* links to, by the key that says so; it is read for this, and only then.

        What is wrong with it is told when it is checked itself.
        """
        file = self.folders[name] / "model.yaml" if name in self.folders else None
        content = read_file(file, name, limit=LIMITS["model.yaml"]) if file and file.is_file() else None
        value = read_yaml(content, name).value if isinstance(content, bytes) else None
        if not isinstance(value, dict):
            return {}
        lineage, successor = value.get("lineage"), value.get("successor")
        made_from = [one.get("model") for one in lineage if isinstance(one, dict)] if isinstance(lineage, list) else []
        return {
            "lineage": [one for one in made_from if isinstance(one, str)],
            "successor": [successor] if isinstance(successor, str) else [],
        }


def look_around(folders: Iterable[Path]) -> Neighbours:
    """Return what there is to know of entries that are not checked themselves; their files are only glanced at."""
    known: dict[str, Path] = {}
    digests: dict[str, str] = {}
    for folder in folders:
        known[folder.name] = folder
        for file in sorted(folder.glob("versions/*.yaml")):
            content = read_file(file, str(file), limit=VERSION_LIMIT)
            match = _DIGEST.search(content) if isinstance(content, bytes) else None
            if match:
                digests[match[1].decode()] = f"{folder.name} {file.stem}"
    return Neighbours(known, digests)


def check_catalog(entries: Iterable[SoundEntry], around: Neighbours) -> Iterator[Problem]:
    """Yield the problems that *entries* have with each other and with those around."""
    checked = sorted(entries, key=lambda entry: entry.folder)
    own = {entry.folder for entry in checked}
    taken = own | around.folders.keys()
    names = Names(taken)
    digests = dict(around.digests)
    for entry in checked:
        yield from _check_name(entry, names, own)
        yield from _check_digests(entry, digests)
    models = {entry.folder: entry.model for entry in checked}
    far = cache(around.links)
    yield from check_links(
        models,
        origins,
        taken,
        lambda name: far(name).get("lineage", ()),
        missing="lineage-model",
        cycle="lineage-cycle",
    )
    yield from check_links(
        models,
        _successors,
        taken,
        lambda name: far(name).get("successor", ()),
        missing="lifecycle-successor",
        cycle="lifecycle-successor",
    )


def _successors(model: Document) -> dict[str, Place]:
    successor = model.value.get("successor")
    # That a model is its own successor is told where it is checked by itself.
    return {successor: ("successor",)} if successor and successor != model.value.get("name") else {}


def _check_name(entry: SoundEntry, names: Names, own: set[str]) -> Iterator[Problem]:
    # Of two entries that are checked together the later one is told of.
    others = [o for o in names.confusable_with(entry.folder) if o not in own or o < entry.folder]
    if others:
        message = f"{shown(entry.folder)} can be taken for {' and '.join(map(shown, others))} of the catalog"
        hint = "choose a name that differs by more than a character or a separator"
        yield entry.model.problem(("name",), message, hint=hint, rule="name-confusable")


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
