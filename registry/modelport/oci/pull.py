"""Pull: from a registry to the store; everything is verified, and the tag is set only when all is there."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from modelport.errors import SetupError
from modelport.oci.download import download
from modelport.oci.plan import lacking, plan_pull
from modelport.oci.progress import log_notice
from modelport.oci.store.refusals import reading
from modelport.oci.store.tags import PARTIAL
from modelport.oci.transfers import transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.plan import PullPlan, Select
    from modelport.oci.progress import Notice, Progress
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
    select: Select | None = None,
    progress: Progress | None = None,
    approve: Callable[[PullPlan], object] | None = None,
    notice: Notice = log_notice,
) -> Descriptor:
    """Pull a manifest or index with all that it needs, skipping what is there undamaged; return what points at it.

    What is interrupted leaves what has arrived for the next pull to go on from.

    Args:
        registry: Where from.
        repository: The repository there.
        reference: A tag, or a digest, which pins the content.
        layout: Where to.
        name: The tag in the layout, ``repository:tag``; without one the content is stored untagged.
        select: Asked for every layer and for every manifest in an index; what it denies is not fetched. If the layout
            lacks it then, the descriptor returned (and tagged) carries the annotation ``PARTIAL``.
        progress: Told how many bytes of which blob have arrived; a blob that was there is reported once, whole.
        approve: Given the plan before anything moves; it may raise.
        notice: Told what went another way than it should, though well.

    Raises:
        NotFoundError: The registry lacks the reference, or something that it needs.
        IntegrityError: The registry sent other bytes than it promised; nothing was tagged.
        RegistryError: The registry cannot be reached, refuses or answers nonsense.
        SetupError: The disk is full, or refuses.
    """
    with layout.lease() as lease:
        plan = plan_pull(registry, repository, reference, layout, select=select, protect=lease.protect)
        if approve:
            approve(plan)
        _check_space(layout, plan)
        for blob in plan.blobs:
            if blob.here and progress:
                progress(blob.descriptor, blob.descriptor.size)

        def move(node: Descriptor, tell: Progress) -> None:
            download(registry, repository, node, layout, progress=tell, notice=notice)

        transfer([blob.descriptor for blob in plan.missing], move, progress, notice)
        for digest, document in plan.documents.items():  # leaves first
            listed = replace(document.descriptor, digest=digest)  # an index may list it by sha512
            if not layout.is_sound(listed):
                layout.put_blob(document.raw, expected=listed)
        root = plan.root
        if absent := lacking(layout, root):
            left_out = " ".join(sorted(str(node.digest) for node in absent))
            root = replace(root, annotations={**root.annotations, PARTIAL: left_out})
        if name is not None:
            layout.tag(name, root)
        return root


def _check_space(layout: Layout, plan: PullPlan) -> None:
    """Raise SetupError when the disk cannot hold what is to come: better at once than after an hour."""
    with reading(layout.path):
        disk = os.statvfs(layout.path)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_blocks and plan.bytes_to_move > free:
        raise SetupError(
            f"{layout.path} has room for {free / 1e6:.1f} MB more, and {plan.bytes_to_move / 1e6:.1f} MB are to come",
            hint="free some space, or name a store on another disk with MODELPORT_STORE",
        )
