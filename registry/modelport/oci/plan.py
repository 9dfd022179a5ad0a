"""What a pull would move, known before any byte of a blob does.

``plan_pull`` reads manifests only, and ``pull`` does what the plan says. What is left out is decided by a
predicate over descriptors; ``lacking`` tells afterwards what a root would need and the layout does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelport.errors import IntegrityError
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import Index, Manifest, parse_document
from modelport.oci.store.ingest import arrived
from modelport.oci.transfers import transfer
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.oci.client import Registry
    from modelport.oci.progress import Progress
    from modelport.oci.store.layout import Layout
    from modelport.types import Digest

__all__ = ["PlannedBlob", "PullPlan", "Select", "lacking", "plan_here", "plan_pull"]

Select = Callable[[Descriptor], bool]
"""Asked for every layer and for every manifest in an index; what it denies, and all that only it needs, is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBlob:
    """A config or a layer that is wanted.

    Attributes:
        descriptor: What it is; title and kind stand in its annotations and its media type.
        here: Whether the layout has it, undamaged.
        arrived: How many bytes an earlier pull left for this one to go on from; 0 when it is *here*.
    """

    descriptor: Descriptor
    here: bool
    arrived: int = 0

    @property
    def bytes_to_move(self) -> int:
        """How many bytes are still to come."""
        return 0 if self.here else self.descriptor.size - self.arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlan:
    """What a pull would do.

    Attributes:
        root: The manifest or index that the reference stands for now.
        documents: Its manifests that are wanted, leaves first, *root* last.
        blobs: Their configs and layers that are wanted, each once.
        left_out: What the selection denied.
    """

    root: Descriptor
    documents: Mapping[Digest, Manifest | Index] = field(repr=False)
    blobs: tuple[PlannedBlob, ...]
    left_out: tuple[Descriptor, ...]

    @property
    def missing(self) -> tuple[PlannedBlob, ...]:
        """The blobs that are to be fetched."""
        return tuple(blob for blob in self.blobs if not blob.here)

    @property
    def bytes_to_move(self) -> int:
        """How many bytes of blobs are to be fetched."""
        return sum(blob.bytes_to_move for blob in self.blobs)


def plan_pull(
    registry: Registry,
    repository: str,
    reference: str | Digest,
    layout: Layout,
    *,
    select: Select | None = None,
    protect: Callable[..., object] | None = None,
) -> PullPlan:
    """Find out what a pull would move, without moving it; the layout is not changed.

    Args:
        registry: Where from.
        repository: The repository there.
        reference: A tag, or a digest, which pins the content.
        layout: Where to; what is there is checked for damage.
        select: What is wanted; everything, if not given.
        protect: Given the digests that are about to be looked for in the layout: a lease's ``protect``.

    Raises:
        NotFoundError: The registry lacks the reference, or a manifest that it needs.
        IntegrityError: The registry sent other bytes than it promised.
        RegistryError: The registry cannot be reached, refuses or answers nonsense.
    """
    root = registry.manifest(repository, reference)

    def document(node: Descriptor) -> Manifest | Index:
        if node.digest == root.descriptor.digest:
            return root
        if protect:
            protect(node.digest)
        return _document(registry, repository, node, layout)

    return _planned(root.descriptor, document, layout, select=select, protect=protect)


def plan_here(layout: Layout, root: Descriptor, *, select: Select | None = None) -> PullPlan:
    """Return the plan for what is in *layout* already: its manifests are all there, and blobs may be missing.

    Raises:
        NotFoundError: A manifest that is wanted is not there.
        IntegrityError: One is damaged.
    """
    return _planned(root, layout.manifest, layout, select=select)


def _planned(
    root: Descriptor,
    document: Callable[[Descriptor], Manifest | Index],
    layout: Layout,
    *,
    select: Select | None = None,
    protect: Callable[..., object] | None = None,
) -> PullPlan:
    """Follow *root* by what *document* returns for a manifest or an index."""
    documents: dict[Digest, Manifest | Index] = {}
    denied: dict[Digest, Descriptor] = {}

    def chosen(node: Descriptor) -> bool:
        if select is None or select(node):
            return True
        denied[node.digest] = node
        return False

    def read(node: Descriptor) -> Manifest | Index:
        if node.digest not in documents:
            documents[node.digest] = document(node)
        return documents[node.digest]

    def fetch(node: Descriptor, _: Progress) -> None:
        documents[node.digest] = document(node)

    def ahead(listed: list[Descriptor]) -> None:
        transfer([node for node in listed if node.digest not in documents], fetch, None)

    nodes = reachable(root, read, select=chosen, ahead=ahead)
    blobs = [node for node in nodes if node.digest not in documents]
    if protect:
        protect(*(node.digest for node in nodes))
    sound = _sound(layout, blobs)
    return PullPlan(
        root=root,
        documents={node.digest: documents[node.digest] for node in nodes if node.digest in documents},
        blobs=tuple(
            PlannedBlob(descriptor=node, here=True)
            if node.digest in sound
            else PlannedBlob(descriptor=node, here=False, arrived=arrived(layout, node))
            for node in blobs
        ),
        left_out=tuple(node for digest, node in denied.items() if digest not in {node.digest for node in nodes}),
    )


def lacking(layout: Layout, root: Descriptor, *, select: Select | None = None) -> tuple[Descriptor, ...]:
    """Return what *root* lists, at any depth, and *layout* does not have; below a missing manifest nothing is known.

    Args:
        layout: Where to look; content that is there may still be damaged.
        root: Where to start.
        select: What to look for; everything, if not given.

    Raises:
        NotFoundError: *root* itself is not there.
        IntegrityError: A manifest is damaged.
    """
    absent: dict[Digest, Descriptor] = {}

    def is_here(node: Descriptor) -> bool:
        if select is not None and not select(node):
            return False
        if layout.has(node):
            return True
        absent[node.digest] = node
        return False

    reachable(root, layout.read, select=is_here)
    return tuple(absent.values())


def _sound(layout: Layout, blobs: list[Descriptor]) -> set[Digest]:
    """Return what of *blobs* the layout has undamaged; several are hashed at a time."""
    sound: set[Digest] = set()

    def look(node: Descriptor, tell: Progress) -> None:
        if layout.is_sound(node, progress=tell):
            sound.add(node.digest)

    transfer([node for node in blobs if layout.has(node)], look, None)
    return sound


def _document(registry: Registry, repository: str, node: Descriptor, layout: Layout) -> Manifest | Index:
    """Return a manifest that an index lists: from the layout, or else from the registry."""
    if layout.is_sound(node):
        return parse_document(layout.read(node))
    document = registry.manifest(repository, node.digest)
    if len(document.raw) != node.size:
        raise IntegrityError(
            f"{registry.name(repository, node.digest)} has {len(document.raw)} bytes, and {node.size} were promised"
        )
    return document
