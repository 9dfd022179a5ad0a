"""The base image as an OCI image layout: one layer for each architecture, and an index of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelport.image.base.deb import read_deb
from modelport.image.base.mirror import fetch, newest
from modelport.image.base.root import NAMES, lay_out
from modelport.image.bytecode import compiled
from modelport.image.config import image_config
from modelport.image.layer import put_layer
from modelport.oci import Layout, build_index, build_manifest
from modelport.oci.manifest import canonical_json
from modelport.oci.values import Platform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.image.base.lock import LockedDeb
    from modelport.oci import Descriptor

__all__ = ["PYTHON", "TAG", "make_base", "refresh_lock"]

PYTHON = "3.11"
"""The Python that the locked packages bring: Debian 12's."""

TAG = f"modelport-base:{PYTHON}"


def make_base(debs: Sequence[LockedDeb], layout: Layout, cache: Path) -> Descriptor:
    """Put the base that *debs* make into *layout* under ``TAG``; return its index. Same packages, same digest.

    Args:
        debs: The packages, of one architecture or more.
        layout: Where to.
        cache: The folder where fetched packages are kept.
    """
    content = fetch(debs, cache)
    with layout.lease():
        manifests = [
            _manifest(layout, architecture, {one: content[one] for one in debs if one.architecture == architecture})
            for architecture in sorted({one.architecture for one in debs})
        ]
        index = layout.put_manifest(build_index(manifests))
        layout.tag(TAG, index)
    return index


def refresh_lock() -> list[LockedDeb]:
    """Return the newest packages of the base for every architecture, as apt knows them."""
    return [one for architecture in ("amd64", "arm64") for one in newest(NAMES, architecture)]


def _manifest(layout: Layout, architecture: str, content: dict[LockedDeb, bytes]) -> Descriptor:
    tree = lay_out((read_deb(raw, one.file) for one, raw in content.items()), PYTHON)
    tree |= compiled(tree, PYTHON)
    layer, platform = put_layer(layout, tree), Platform("linux", architecture)
    document = image_config(platform, diff_ids=[layer.digest], settings={"Env": ["PATH=/usr/local/bin:/usr/bin"]})
    config = layout.put_blob(canonical_json(document), media_type="application/vnd.oci.image.config.v1+json")
    return replace(layout.put_manifest(build_manifest(config, [layer])), platform=platform)
