"""Pull: from a registry to the store; everything is verified, and the tag is set only when all is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import IntegrityError
from modelport.oci.net.patience import persist
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Progress
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["pull"]


def pull(
    registry: Registry,
    repository: str,
    reference: str | Digest,
    layout: Layout,
    *,
    name: str | None = None,
    select: Callable[[Descriptor], bool] | None = None,
    progress: Progress | None = None,
) -> Descriptor:
    """Pull a manifest or index with all that it needs, skipping what is there undamaged; return what points at it.

    Args:
        registry: Where from.
        repository: The repository there.
        reference: A tag, or a digest, which pins the content.
        layout: Where to.
        name: The tag in the layout, ``repository:tag``; without one the content is stored untagged.
        select: Asked for every layer and for every manifest in an index; what it denies is not fetched.
        progress: Told how many bytes of which blob have arrived; a blob that was there is reported once, whole.

    Raises:
        NotFoundError: The registry lacks the reference, or something that it needs.
        IntegrityError: The registry sent other bytes than it promised; nothing was tagged.
        RegistryError: The registry cannot be reached, refuses or answers nonsense.
    """
    root = registry.manifest(repository, reference)
    documents = {root.descriptor.digest: root.raw}

    def read(node: Descriptor) -> bytes:
        if node.digest not in documents:
            documents[node.digest] = _read_document(registry, repository, node, layout)
        return documents[node.digest]

    for node in reachable(root.descriptor, read, select=select):
        if node.digest in documents:
            layout.put_manifest(documents[node.digest])
        elif not _is_sound(layout, node):
            _pull_blob(registry, repository, node, layout, progress)
        elif progress:
            progress(node, node.size)
    if name is not None:
        layout.tag(name, root.descriptor)
    return root.descriptor


def _read_document(registry: Registry, repository: str, node: Descriptor, layout: Layout) -> bytes:
    if _is_sound(layout, node):
        return layout.read(node)
    raw = registry.manifest(repository, node.digest).raw
    if len(raw) != node.size:
        raise IntegrityError(f"{registry.host}/{repository}: {node} has {len(raw)} bytes")
    return raw


def _is_sound(layout: Layout, node: Descriptor) -> bool:
    """Tell whether the layout holds the content, whole: a file of the right size may still be damaged."""
    if not layout.has(node):
        return False
    try:
        layout.locate(node)
    except IntegrityError:
        return False  # pulled anew, which replaces the damaged file
    return True


def _pull_blob(
    registry: Registry, repository: str, node: Descriptor, layout: Layout, progress: Progress | None
) -> None:
    persist(lambda: layout.put_blob(registry.blob(repository, node, progress=progress)), registry.patience)
