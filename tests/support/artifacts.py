"""Small artifacts to move about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.oci import build_index, build_manifest
from modelport.oci.media import EMPTY, EMPTY_CONTENT, TITLE

if TYPE_CHECKING:
    from modelport.oci import Descriptor, Layout

ARTIFACT_TYPE = "application/vnd.modelport.test.v1"


def put_artifact(layout: Layout, *contents: bytes) -> Descriptor:
    """Store an artifact with one layer for each of *contents* and return its manifest's descriptor."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    layers = [layout.put_blob(content, annotations={TITLE: f"{n}.bin"}) for n, content in enumerate(contents)]
    return layout.put_manifest(build_manifest(config, layers, artifact_type=ARTIFACT_TYPE))


def put_release(layout: Layout, *contents: bytes) -> Descriptor:
    """Store an index of one artifact for each of *contents* and return its descriptor."""
    return layout.put_manifest(build_index([put_artifact(layout, content) for content in contents]))
