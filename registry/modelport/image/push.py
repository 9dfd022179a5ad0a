"""Pushing an image: the index of its platforms with all that it needs, then what refers to each platform's manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.oci import push, reachable
from modelport.oci.progress import log_notice
from modelport.oci.referrers import layout_referrers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.oci import Descriptor, Layout, Notice, Progress, Registry

__all__ = ["push_image"]


def push_image(
    layout: Layout,
    index: Descriptor,
    registry: Registry,
    repository: str,
    *,
    tags: Sequence[str],
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> None:
    """Push an image and its referrers; the *tags* come last, so that who finds the image finds its SBOM, too.

    Raises:
        NotFoundError: The layout lacks something of it.
        RegistryError: The registry cannot be reached or refuses.
    """
    push(layout, index, registry, repository, progress=progress, notice=notice)
    for node in reachable(index, layout.read):
        for referrer in layout_referrers(layout, node.digest):
            push(layout, referrer, registry, repository, notice=notice)
    push(layout, index, registry, repository, tags=tags, notice=notice)
