"""Push: from the store to a registry, leaves first and tags last, so that no tag ever leads nowhere.

Every manifest and every blob is asked for, eight at once, even where the registry has what lists it: it took that only
when all of it was there (distribution-spec 1.1, "Pushing Manifests"), but may have lost some since. So pushing once
more costs one small request (HEAD) for each of them and for each tag, and puts back whatever is missing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modelport.errors import SetupError
from modelport.oci.manifest import parse_document
from modelport.oci.progress import log_notice
from modelport.oci.referrers import push_referrer
from modelport.oci.store.lessons import PLACES_SIZE, remember_places
from modelport.oci.store.uploads import RECORD_AGE, remove_stale_records
from modelport.oci.transfers import lacking, transfer
from modelport.oci.upload import find_lost, until_kept, upload_file
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.manifest import Index, Manifest
    from modelport.oci.progress import Notice, Progress
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["push"]


def push(
    layout: Layout,
    descriptor: Descriptor,
    registry: Registry,
    repository: str,
    *,
    tags: Sequence[str] = (),
    progress: Progress | None = None,
    mount_from: Sequence[str] = (),
    chunk: int | None = None,
    notice: Notice = log_notice,
) -> Digest:
    """Push a manifest or index with all that it needs, skipping what is there; return its digest.

    Args:
        layout: Where from.
        descriptor: The manifest or index.
        registry: Where to.
        repository: The repository there.
        tags: The tags that shall stand for it, set last, in this order.
        progress: Told how many bytes of which blob have been sent; a blob that was there is reported once, whole.
        mount_from: Other repositories of that registry from which it may take blobs itself; those that the layout
            remembers need not be named.
        chunk: The bytes that are sent at a time of large blobs, and at most sent again after an interruption; about as
            many as go in two seconds (from 8 to 512 MiB) when None.
        notice: Told what went another way than it should, though well.

    Raises:
        NotFoundError: The layout lacks something that is needed; nothing was tagged.
        IntegrityError: Something in the layout is damaged, or the registry stored something else.
        RegistryError: The registry cannot be reached or refuses.
    """
    with layout.lease(reading=True) as lease:
        lease.protect(descriptor.digest)
        tree = _Tree(layout, descriptor)
        missing = _missing(tree, registry, repository)

        def move(node: Descriptor, tell: Progress) -> None:
            if not upload_file(
                layout, node, registry, repository, mount_from=mount_from, chunk=chunk, progress=tell, notice=notice
            ):
                tell(node, node.size)

        wanted, others = tree.blobs(missing)
        lost = find_lost(others, registry, repository, notice)
        wanted += [node for node in others if node.digest in lost]
        others = [node for node in others if node.digest not in lost]
        if progress:
            for node in others:
                progress(node, node.size)

        def bring() -> None:
            # What is not here must be there: this is found out before anything is sent.
            transfer([node for node in wanted if not layout.has(node)], move, progress, notice)
            transfer([node for node in wanted if layout.has(node)], move, progress, notice)
            for level in tree.levels():
                _put_documents(tree, level, missing, registry, repository)

        until_kept(bring, registry, notice)
        root = tree.documents[descriptor.digest]
        for tag in tags:
            if descriptor.digest in missing or not registry.stands_for(
                repository, tag, descriptor.digest, writing=True
            ):
                registry.put_manifest(repository, root, tag=tag)
        _remember(layout, registry, repository, (*wanted, *others), notice)
    return descriptor.digest


class _Tree:
    """All that is under one manifest or index: ``documents`` are the manifests and indexes, children first."""

    def __init__(self, layout: Layout, root: Descriptor) -> None:
        read: dict[Digest, Manifest | Index] = {}

        def document(node: Descriptor) -> bytes:
            raw = layout.read(node)
            read[node.digest] = parse_document(raw)
            return raw

        nodes = reachable(root, document)
        self.root = root
        self.nodes = [node for node in nodes if node.digest in read]
        self.documents = {node.digest: read[node.digest] for node in self.nodes}
        self._leaves = [node for node in nodes if node.digest not in read]

    def blobs(self, missing: AbstractSet[Digest]) -> tuple[list[Descriptor], list[Descriptor]]:
        """Return the blobs that *missing* manifests list, and the others."""
        listed = {child.digest for digest in missing for child in self.documents[digest].children}
        wanted = [node for node in self._leaves if node.digest in listed]
        return wanted, [node for node in self._leaves if node.digest not in listed]

    def levels(self) -> list[list[Descriptor]]:
        """Return the manifests, then the indexes of them, then the indexes of those, and so on."""
        depth: dict[Digest, int] = {}
        levels: list[list[Descriptor]] = []
        for node in self.nodes:
            below = [depth[c.digest] for c in self.documents[node.digest].children if c.digest in depth]
            depth[node.digest] = max(below, default=-1) + 1
            if depth[node.digest] == len(levels):
                levels.append([])
            levels[depth[node.digest]].append(node)
        return levels


def _missing(tree: _Tree, registry: Registry, repository: str) -> set[Digest]:
    def has(node: Descriptor) -> bool:
        return registry.has_manifest(repository, node.digest, writing=True)

    # The root alone first: what it takes to be let in is found out once, and not eight times.
    return lacking([tree.root], has) | lacking([node for node in tree.nodes if node.digest != tree.root.digest], has)


def _put_documents(
    tree: _Tree, level: Sequence[Descriptor], missing: AbstractSet[Digest], registry: Registry, repository: str
) -> None:
    def put(node: Descriptor, _: Progress) -> None:
        document = tree.documents[node.digest]
        if document.subject is not None:
            push_referrer(registry, repository, document)  # if it is there: it may not be listed yet
        elif node.digest in missing:
            # Under the digest by which it is known, which need not be by sha256.
            registry.put_manifest(repository, document, digest=node.digest)

    transfer(level, put, None)


def _remember(layout: Layout, registry: Registry, repository: str, blobs: Iterable[Descriptor], notice: Notice) -> None:
    try:
        large = [blob.digest for blob in blobs if blob.size >= PLACES_SIZE]
        remember_places(layout, registry.host, repository, large)
        remove_stale_records(layout, before=time.time() - RECORD_AGE)
    except SetupError as error:
        notice(f"all is pushed, but what was learned by it cannot be written down: {error.message}")
