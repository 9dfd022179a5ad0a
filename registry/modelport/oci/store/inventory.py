"""What lies in a layout, and what leads where: what ``gc`` and ``check`` both go by.

A document is *seen through* when all that it leads to is known: a manifest's config and layers, an index's manifests,
and the subject of either. What is listed as a manifest but is none that is known here (another media type, an older
specification's) is searched for anything that looks like a digest: what it means cannot be said, so all of that counts.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.oci.manifest import Index, parse_document
from modelport.oci.store.refusals import reading
from modelport.oci.store.version import OURS
from modelport.types import Digest

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.oci.descriptor import Descriptor

__all__ = ["Blob", "Document", "Inventory", "take_inventory"]

_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}(?![0-9a-f])|sha512:[0-9a-f]{128}(?![0-9a-f])")
_INGEST = re.compile(r"new-.*|sha(?:256|512)-[0-9a-f]+\.(?:part|json)|upload-[^.]*\.json")
_REMEMBERED = frozenset({"hosts.json", "places.json"})  # what uploads learnt, see `lessons`


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in ``blobs/``.

    Attributes:
        path: The file.
        digest: What its name promises.
        size: Its bytes.
        modified: When it got its name last, as a POSIX timestamp in nanoseconds.
    """

    path: Path
    digest: Digest
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Document:
    """What a blob leads to, if it is a manifest or an index, and what it may lead to if it is something else.

    Attributes:
        media_type: The document's; None for other content.
        lists: What it lists.
        is_index: Whether these are documents themselves.
        subject: The digest of what it is about.
        mentions: All digests in other content.
    """

    media_type: str | None = None
    lists: tuple[Descriptor, ...] = ()
    is_index: bool = False
    subject: Digest | None = None
    mentions: frozenset[Digest] = frozenset()

    @classmethod
    def of(cls, raw: bytes) -> Document:
        """Read a blob's content."""
        try:
            found = parse_document(raw)
        except FormatError:
            return cls(mentions=frozenset(Digest.parse(text.decode()) for text in _DIGEST.findall(raw)))
        return cls(
            media_type=found.media_type,
            lists=found.children,
            is_index=isinstance(found, Index),
            subject=found.subject.digest if found.subject else None,
        )


@dataclass(frozen=True, slots=True)
class Inventory:
    """All files of a layout but those that it always has.

    Attributes:
        blobs: The content.
        leftovers: What was written in ``ingest`` once, or still is, and what leases there are.
        quarantined: What ``check`` set aside.
        foreign: What means nothing here.
    """

    blobs: dict[Digest, Blob] = field(default_factory=dict)
    leftovers: list[Path] = field(default_factory=list)
    quarantined: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)


def take_inventory(store: Path) -> Inventory:
    """Look at all names in the layout, and into no file. Raise SetupError where the system refuses."""
    found = Inventory()
    with reading(store):
        for path in sorted(store.iterdir()):
            if path.name not in OURS:
                found.foreign.append(path)
        for path in _files(store / "blobs"):
            _sort_in(path, found)
        for path in _files(store / "ingest"):
            if _INGEST.fullmatch(path.name) and path.parent.name == "ingest":
                found.leftovers.append(path)
            elif path.name not in _REMEMBERED:
                found.foreign.append(path)
        for path in _files(store / "leases"):
            (found.leftovers if path.name.startswith("lease-") else found.foreign).append(path)
        found.quarantined.extend(_files(store / "quarantine"))
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _sort_in(path: Path, found: Inventory) -> None:
    """Take a file under ``blobs`` for content where its name is a digest."""
    try:
        digest = Digest.parse(f"{path.parent.name}:{path.name}")
        status = path.lstat()
    except FormatError:
        found.foreign.append(path)
        return
    except FileNotFoundError:
        return  # removed since it was listed
    if stat.S_ISREG(status.st_mode) and path.parent.parent.name == "blobs":
        found.blobs[digest] = Blob(path, digest, status.st_size, status.st_mtime_ns)
    else:
        found.foreign.append(path)
