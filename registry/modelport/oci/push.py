"""Push: from the store to a registry, leaves first and tags last, so that no tag ever leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.oci.progress import counted
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Progress
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
) -> Digest:
    """Push a manifest or index with all that it needs, skipping what is there; return its digest.

    Args:
        layout: Where from.
        descriptor: The manifest or index.
        registry: Where to.
        repository: The repository there.
        tags: The tags that shall stand for it, set last, in this order.
        progress: Told how many bytes of which blob have been sent; a blob that was there is reported once, whole.

    Raises:
        NotFoundError: The layout lacks something that is needed; nothing was tagged.
        IntegrityError: Something in the layout is damaged, or the registry stored something else.
        RegistryError: The registry cannot be reached or refuses.
    """
    documents: set[Digest] = set()

    def read(node: Descriptor) -> bytes:
        documents.add(node.digest)
        return layout.read(node)

    for node in reachable(descriptor, read):
        if node.digest not in documents:
            _push_blob(layout, node, registry, repository, progress)
        elif not registry.has_manifest(repository, node.digest):
            registry.put_manifest(repository, layout.manifest(node), digest=node.digest)
    document = layout.manifest(descriptor)
    for tag in tags:
        registry.put_manifest(repository, document, tag=tag)
    return descriptor.digest


def _push_blob(
    layout: Layout, node: Descriptor, registry: Registry, repository: str, progress: Progress | None
) -> None:
    sent = registry.put_blob(repository, node, lambda: counted(layout.chunks(node), node, progress))
    if progress and not sent:
        progress(node, node.size)
