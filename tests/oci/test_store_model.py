"""The store against a model of it in a few dicts: whatever is done to both, they agree."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from tests.support.counts import THOROUGH
from tests.support.damage import flip_bit

from modelport.errors import IntegrityError, NotFoundError
from modelport.oci import Descriptor, Layout, build_index, build_manifest
from modelport.oci.manifest import parse_document
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage
from modelport.types import Digest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from modelport.oci.store.lease import Lease

NAMES = st.sampled_from(["a:1", "a:2", "b:latest", "registry.example:5000/c:1"])
CONTENT = st.binary(max_size=8)


class Store(RuleBasedStateMachine):
    """What was put and not collected is there; what has a name is what the name was given to."""

    roots = Bundle("roots")
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        # In memory, where there is such a folder: a disk's flushing would take most of the time.
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))  # noqa: S108
        self.layout = Layout(self.folder / "store")
        self.there: dict[Digest, bytes] = {}
        self.tags: dict[str, Descriptor] = {}
        self.kept: set[Digest] = set()
        self.needs: dict[Digest, list[Digest]] = {}
        self.subjects: dict[Digest, Digest] = {}
        self.leased: dict[Lease, set[Digest]] = {}
        self.contexts: dict[Lease, AbstractContextManager[Lease]] = {}

    def teardown(self) -> None:
        for lease in list(self.contexts):
            self.end(lease)
        shutil.rmtree(self.folder)

    def put(self, raw: bytes) -> Descriptor:
        self.there[Digest.of(raw)] = raw
        return self.layout.put_blob(raw)

    def put_document(self, raw: bytes) -> Descriptor:
        found = self.layout.put_manifest(raw)
        document = parse_document(raw)
        self.there[found.digest] = raw
        self.needs[found.digest] = [child.digest for child in document.children]
        if document.subject:
            self.subjects[found.digest] = document.subject.digest
        return found

    @initialize(target=roots, content=CONTENT)
    def first(self, content: bytes) -> Descriptor:
        return self.put_document(build_manifest(self.put(b"{}"), [self.put(content)]))

    @rule(target=roots, contents=st.lists(CONTENT, max_size=3))
    def put_manifest(self, contents: list[bytes]) -> Descriptor:
        layers = [self.put(content) for content in contents]
        return self.put_document(build_manifest(self.put(b"{}"), layers))

    @rule(target=roots, children=st.lists(roots, min_size=1, max_size=3))
    def put_index(self, children: list[Descriptor]) -> Descriptor:
        assume(all(child.digest in self.there for child in children))
        return self.put_document(build_index(children))

    @rule(target=roots, subject=roots, content=CONTENT)
    def put_referrer(self, subject: Descriptor, content: bytes) -> Descriptor:
        return self.put_document(build_manifest(self.put(b"{}"), [self.put(content)], subject=subject))

    @rule(content=CONTENT)
    def put_blob(self, content: bytes) -> None:
        assert self.layout.put_blob(content) == Descriptor.of(content)
        self.there[Digest.of(content)] = content

    @rule(name=NAMES, root=roots)
    def tag(self, name: str, root: Descriptor) -> None:
        if root.digest not in self.there:
            with pytest.raises(NotFoundError):
                self.layout.tag(name, root)
            return
        self.layout.tag(name, root)
        self.tags[name] = root

    @rule(name=NAMES)
    def untag(self, name: str) -> None:
        if name in self.tags:
            self.layout.untag(name)
            del self.tags[name]
        else:
            with pytest.raises(NotFoundError):
                self.layout.untag(name)

    @rule(root=roots)
    def keep(self, root: Descriptor) -> None:
        if root.digest not in self.there:
            with pytest.raises(NotFoundError):
                self.layout.keep(root)
            return
        self.layout.keep(root)
        if root.digest not in {tagged.digest for tagged in self.tags.values()}:
            self.kept.add(root.digest)

    @rule(target=leases, roots=st.lists(roots, max_size=2))
    def lease(self, roots: list[Descriptor]) -> Lease:
        context = self.layout.lease()
        lease = context.__enter__()
        lease.protect(*(root.digest for root in roots))
        self.leased[lease], self.contexts[lease] = {root.digest for root in roots}, context
        return lease

    @rule(lease=consumes(leases))
    def end(self, lease: Lease) -> None:
        del self.leased[lease]
        self.contexts.pop(lease).__exit__(None, None, None)

    @rule()
    def collect(self) -> None:
        for file in self.layout.path.glob("blobs/*/*"):
            os.utime(file, (0, 0))  # no lease protects by age alone
        planned = collect_garbage(self.layout, grace=0, dry_run=True)
        done = collect_garbage(self.layout, grace=0)
        assert planned == done
        alive = self.alive()
        assert {path.name for path in done.blobs} == {digest.hex for digest in self.there.keys() - alive}
        self.there = {digest: raw for digest, raw in self.there.items() if digest in alive}
        self.kept &= alive

    @rule(root=roots, data=st.data())
    def damage(self, root: Descriptor, data: st.DataObject) -> None:
        """Rot something; it is found, set aside and put again."""
        if root.digest not in self.there:
            return
        flip_bit(self.layout.file(root), data.draw(st.integers(0, 8 * root.size - 1)))
        with pytest.raises(IntegrityError):
            self.layout.read(root)
        assert [finding.what for finding in check(self.layout).findings] == [str(root.digest)]
        assert not self.layout.has(root)
        self.layout.put_blob(self.there[root.digest], expected=root)

    @invariant()
    def agrees(self) -> None:
        assert self.layout.tags() == dict(sorted(self.tags.items()))
        stored = {Digest(p.parent.name, p.name): p.read_bytes() for p in self.layout.path.glob("blobs/*/*")}
        assert stored == self.there
        assert {root.digest for root in self.layout.roots()} == self.kept | {r.digest for r in self.tags.values()}

    def alive(self) -> set[Digest]:
        """Return what must stay: found by trying all rules until nothing is added, as slowly as can be."""
        alive = {root.digest for root in self.tags.values()} | {d for d in self.kept if d not in self.subjects}
        alive = alive.union(*self.leased.values())
        while True:
            more = {child for one in alive if one in self.there for child in self.needs.get(one, ())}
            more |= {self.subjects[one] for one in alive & self.subjects.keys() if one in self.there}
            more |= {one for one, subject in self.subjects.items() if subject in alive and one in self.there}
            if more <= alive:
                return alive
            alive |= more


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=300 if THOROUGH else 25, stateful_step_count=50 if THOROUGH else 30)
