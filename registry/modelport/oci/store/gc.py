"""Garbage collection: what no tag leads to any more is deleted, and what dead processes left behind.

Why nothing is lost that somebody needs, however writers and ``gc`` take turns:

- Blobs are read and hashed without any lock. Before each batch is deleted, ``gc`` takes the store alone for a moment
  (``files.sweeping``), reads ``index.json`` and the leases *again*, and marks what they lead to in addition. In that
  moment no tag changes, no blob gets its name and no lease grows.
- ``put_blob`` always gives the content a new file, and the file's age is looked at again in the moment of deletion. A
  lease protects all that got its name since it began. Without one the grace age does that.
- What was there before and shall not be put again, a writer protects by its digest, under its lease, before looking for
  it. Either ``gc`` sees the digest, or it deleted before the writer looked, who then brings the content. The lease ends
  after the tag is written; whoever reads the leases before that sees the lease, whoever reads them later sees the tag,
  for both are read in one moment.
- Deleting goes from the top: an index before its manifests, a manifest before its layers, a subject before its
  referrers. ``tag`` makes sure, in its own locked moment, that the manifest is there. If it is, all that it lists is
  still there, too, and is alive from then on. A crash in the middle leaves content that nobody lists, never the
  contrary.
- What cannot be seen through, because a manifest that something lists is missing or any possible manifest is damaged,
  could lead anywhere: then nothing is deleted at all, and ``check`` comes first.

Files that mean nothing here are left, and named.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError
from modelport.oci.store.files import is_held, remove_unheld, sweeping, sync_folder
from modelport.oci.store.inventory import take_inventory
from modelport.oci.store.lease import LEASES, leased
from modelport.oci.store.marks import Marks
from modelport.oci.store.refusals import reading, writing
from modelport.oci.store.tags import parse_entry, read_entries, write_entries
from modelport.oci.store.version import is_layout

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.oci.store.inventory import Blob, Inventory
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["GRACE", "RESUMABLE", "Garbage", "collect_garbage"]

GRACE = 3600.0
"""Seconds for which content is spared that no tag leads to: somebody may be about to."""

RESUMABLE = 7 * 86400.0
"""Seconds for which an interrupted transfer is kept to be gone on with: registries, too, forget theirs after a week."""

_BATCH = 256  # blobs deleted in one moment in which others wait


@dataclass(slots=True)
class Garbage:
    """What was deleted, or would be.

    Attributes:
        blobs: Content that nothing leads to, with its size in bytes.
        leftovers: What dead processes left, with its size in bytes.
        referrers: Referrers taken out of ``index.json``, for what they were about is gone.
        foreign: Files that mean nothing here, and were left.
        kept: How many blobs stay.
        bytes: The bytes of blobs and left-overs.
    """

    blobs: dict[Path, int] = field(default_factory=dict)
    leftovers: dict[Path, int] = field(default_factory=dict)
    referrers: list[Digest] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    kept: int = 0

    @property
    def bytes(self) -> int:
        """The bytes that became free."""
        return sum(self.blobs.values()) + sum(self.leftovers.values())


def collect_garbage(layout: Layout, *, grace: float | None = None, dry_run: bool = False) -> Garbage:
    """Delete what nothing leads to, and what dead processes left behind; safe beside any other use of the layout.

    Args:
        layout: The store.
        grace: Spare what is younger, in seconds. Without it an hour (``GRACE``), and a week for transfers that can be
            gone on with (``RESUMABLE``).
        dry_run: Delete nothing, and tell what would be.

    Raises:
        IntegrityError: Something cannot be seen through; nothing was deleted.
        FormatError: The layout is of a version that is not known, or its ``index.json`` is damaged.
        SetupError: The system refuses.
    """
    if not is_layout(layout.path):
        return Garbage()
    inventory = take_inventory(layout.path)
    collection = _Collection(layout.path, inventory, GRACE if grace is None else grace, dry_run=dry_run)
    collection.sweep_blobs()
    collection.sweep_leftovers(RESUMABLE if grace is None else grace)
    return collection.garbage


class _Collection:
    """One run."""

    def __init__(self, store: Path, inventory: Inventory, grace: float, *, dry_run: bool) -> None:
        self.garbage = Garbage(foreign=inventory.foreign)
        self._store = store
        self._inventory = inventory
        self._grace = grace
        self._dry_run = dry_run
        self._marks = Marks(store, inventory.blobs.values())
        self._marks.add(blob.digest for blob in inventory.blobs.values() if self._is_young(blob.modified))
        self._index_seen: tuple[int, ...] = ()
        self._leased_since: int | None = None

    def sweep_blobs(self) -> None:
        """Delete what is not alive, batch by batch."""
        with writing(self._store), sweeping(self._store):
            self._mark()
            self._drop_entries()
        doomed = self._in_order([b for b in self._inventory.blobs.values() if b.digest not in self._marks.alive])
        for start in range(0, len(doomed), _BATCH):
            batch = doomed[start : start + _BATCH]
            with writing(self._store):
                with sweeping(self._store):
                    self._mark()
                    for blob in batch:
                        self._delete(blob)
                for folder in {blob.path.parent for blob in batch}:
                    sync_folder(folder)
        self.garbage.kept = len(self._inventory.blobs) - len(self.garbage.blobs)

    def sweep_leftovers(self, resumable: float) -> None:
        """Delete what dead processes left in ``ingest``, and their leases."""
        for path in sorted(self._inventory.leftovers, key=lambda path: path.suffix != ".part"):
            is_lease = path.parent.name == LEASES
            grace = 0.0 if is_lease else self._grace if path.name.startswith("new-") else resumable
            with writing(path):
                try:
                    status = path.lstat()
                except FileNotFoundError:
                    continue  # finished, or removed with its part
                if not is_lease and self._is_young(status.st_mtime_ns, grace):
                    continue
                part = path.with_suffix(".part")
                if path.suffix == ".json" and part.exists() and part not in self.garbage.leftovers:
                    continue  # what is known of a part stays as long as the part does
                if not is_held(path) if self._dry_run else remove_unheld(path):
                    self.garbage.leftovers[path] = status.st_size

    def _mark(self) -> None:
        """Mark what became alive since the last look. Nobody may change anything meanwhile."""
        index = self._store / "index.json"
        with reading(index):
            status = index.stat()
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen != self._index_seen:
            for number, entry in enumerate(read_entries(self._store)):
                self._marks.add_root(parse_entry(entry, f"{index}: manifests[{number}]"))
            self._index_seen = seen
        living = leased(self._store)
        self._marks.add(living.digests)
        self._leased_since = living.since
        if self._marks.obscure:
            listed = "; ".join(f"{digest}: {why}" for digest, why in sorted(self._marks.obscure.items())[:10])
            raise IntegrityError(
                f"{self._store}: nothing more is deleted, for what these manifests need cannot be known: {listed}",
                hint="run `modelport store check --repair`, and collect again",
            )

    def _drop_entries(self) -> None:
        """Take referrers out of ``index.json`` whose subject is gone: an entry must lead somewhere."""
        entries = read_entries(self._store)
        roots = [parse_entry(entry, "index.json") for entry in entries]
        kept = [e for e, root in zip(entries, roots, strict=True) if root.descriptor.digest in self._marks.alive]
        if len(kept) < len(entries):
            dead = {root.descriptor.digest for root in roots} - self._marks.alive
            self.garbage.referrers = sorted(dead)
            if not self._dry_run:
                write_entries(self._store, kept)

    def _in_order(self, doomed: list[Blob]) -> list[Blob]:
        """Put what lists before what is listed, and subjects before their referrers."""
        by_digest = {blob.digest: blob for blob in doomed}
        graph: TopologicalSorter[Digest] = TopologicalSorter(dict.fromkeys(by_digest, ()))
        for digest in by_digest:
            document = self._marks.documents.get(digest)
            for child in document.lists if document else ():
                graph.add(child.digest, digest)
            if document and document.subject:
                graph.add(digest, document.subject)
        return [by_digest[digest] for digest in graph.static_order() if digest in by_digest]

    def _delete(self, blob: Blob) -> None:
        if blob.digest in self._marks.alive:
            return
        try:
            status = blob.path.lstat()
        except FileNotFoundError:
            return  # another collection was quicker
        if self._is_young(status.st_mtime_ns) or self._is_leased(status.st_mtime_ns):
            self._marks.add([blob.digest])  # put again since the inventory: it keeps what it lists
            return
        if not self._dry_run:
            blob.path.unlink()
        self.garbage.blobs[blob.path] = status.st_size

    def _is_young(self, modified: int, grace: float | None = None) -> bool:
        return time.time_ns() - modified < (self._grace if grace is None else grace) * 10**9

    def _is_leased(self, modified: int) -> bool:
        return self._leased_since is not None and modified >= self._leased_since
