"""Marking: which content is alive, because a tag, a lease or young content leads to it.

What is alive keeps alive what it lists, what it is about (its ``subject``), and its referrers. So a referrer lives
while its subject does, with all that it lists. It does not keep itself alive: a referrer that ``index.json`` lists
without a name is no root. With a tag of its own it is one, and its subject lives with it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

from modelport.oci.media import MANIFEST_LIMIT
from modelport.oci.store.inventory import Document
from modelport.oci.store.refusals import reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelport.oci.store.inventory import Blob
    from modelport.oci.store.tags import Root
    from modelport.types import Digest

__all__ = ["Marks"]


class Marks:
    """Content that is alive; it becomes only more.

    Attributes:
        alive: The digests.
        obscure: What could not be seen through, and why. While there is anything, nothing may be deleted.
    """

    def __init__(self, store: Path, blobs: Iterable[Blob]) -> None:
        self.alive: set[Digest] = set()
        self.obscure: dict[Digest, str] = {}
        self.documents: dict[Digest, Document] = {}
        self._store = store
        self._referrers: dict[Digest, set[Digest]] = defaultdict(set)
        self._seen: set[tuple[Digest, bool]] = set()
        for blob in blobs:
            if blob.size <= MANIFEST_LIMIT:  # referrers are found by reading everything that may be a manifest
                self._read(blob.digest)

    def add_root(self, root: Root) -> None:
        """Mark what an entry of ``index.json`` keeps alive."""
        digest = root.descriptor.digest
        document = self._read(digest)
        if root.name is None and document is not None and document.subject is not None:
            return  # a referrer: alive through its subject or not at all
        self._add(digest, root.absent, strict=True)

    def add(self, digests: Iterable[Digest]) -> None:
        """Mark content that somebody may be bringing just now, with what it leads to as far as that is there."""
        for digest in digests:
            self._add(digest, frozenset(), strict=False)

    def _add(self, first: Digest, absent: frozenset[Digest], *, strict: bool) -> None:
        waiting = [(first, strict)]
        while waiting:
            digest, must_see = waiting.pop()
            if (digest, must_see) in self._seen:
                continue
            document = self._read(digest)
            if document is None and must_see and digest in absent:
                continue  # not here on purpose; another tag may need it all the same
            self.alive.add(digest)
            waiting += [(referrer, False) for referrer in self._referrers[digest]]
            if document is None:  # not seen, then: it may come while this runs
                if must_see:
                    self.obscure.setdefault(digest, "it is missing")
                continue
            self._seen.add((digest, must_see))
            waiting += [(child.digest, strict and document.is_index) for child in document.lists]
            waiting += [(digest, False) for digest in document.mentions] if must_see else []
            waiting += [(document.subject, False)] if document.subject else []

    def _read(self, digest: Digest) -> Document | None:
        """Return what the blob leads to; None when it is not there, or is damaged, which is noted."""
        if digest not in self.documents:
            path = self._store / "blobs" / digest.algorithm / digest.hex
            with reading(path):
                try:
                    if path.stat().st_size > MANIFEST_LIMIT:
                        return Document()
                    raw = path.read_bytes()
                except FileNotFoundError:
                    return None
            if hashlib.new(digest.algorithm, raw).hexdigest() != digest.hex:
                self.obscure[digest] = "it is damaged"
                return None
            document = self.documents[digest] = Document.of(raw)
            if document.subject:
                self._referrers[document.subject].add(digest)
        return self.documents[digest]
