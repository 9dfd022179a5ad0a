"""Artifacts of every shape that the image specification (1.1) allows, to be carried about and found unchanged.

Each builder puts one into a layout and returns what points at it. The list of cases follows the data of the
distribution specification's conformance tests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.artifacts import put_artifact, put_release
from tests.support.counts import THOROUGH

from modelport.oci import Descriptor, build_index, build_manifest
from modelport.oci.media import DOCKER_INDEX, DOCKER_MANIFEST, EMPTY, EMPTY_CONTENT, INDEX, MANIFEST, MANIFEST_LIMIT
from modelport.oci.values import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.oci import Layout

ODD_TEXT = 'line\nend \u2028 "quoted" \\ \u00e9\u0301 \U0001f600'


def _image(layout: Layout) -> Descriptor:
    """Several layers, one of them twice."""
    return put_artifact(layout, b"one", b"two" * 30_000, b"one")


def _without_layers(layout: Layout) -> Descriptor:
    return put_artifact(layout)


def _empty_layer(layout: Layout) -> Descriptor:
    return put_artifact(layout, b"")


def _sha512(layout: Layout) -> Descriptor:
    """Config and layer by sha512; the config's content is also a layer, by sha256."""
    config, layer = (put_sha512(layout, content) for content in (EMPTY_CONTENT, b"five hundred and twelve"))
    return layout.put_manifest(build_manifest(config, [layer, layout.put_blob(EMPTY_CONTENT)]))


def _sha512_manifest(layout: Layout) -> Descriptor:
    """An index that lists a manifest by sha512."""
    raw = layout.read(put_artifact(layout, b"listed by sha512"))
    return layout.put_manifest(build_index([put_sha512(layout, raw, MANIFEST)]))


def _release(layout: Layout) -> Descriptor:
    return put_release(layout, b"variant a", b"variant b", b"")


def _nested(layout: Layout) -> Descriptor:
    """An index of an index and a manifest that both lead to one artifact."""
    inner = put_release(layout, b"shared", b"another")
    return layout.put_manifest(build_index([inner, *layout.manifest(inner).children[:1]]))


def _empty_index(layout: Layout) -> Descriptor:
    return layout.put_manifest(build_index([]))


def _platforms(layout: Layout) -> Descriptor:
    platforms = [Platform("linux", "arm64", "v8"), Platform("windows", "amd64", "", "10.0.1", ("win32k",))]
    listed = []
    for platform in platforms:
        image = put_artifact(layout, str(platform).encode())
        listed.append({**image.to_json(), "platform": platform.to_json()})
    return _put(layout, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})


def _unknown_fields(layout: Layout) -> Descriptor:
    """Fields of the future at every level, spaces and an order of our own: the digest is over bytes."""
    config, layer = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY), layout.put_blob(b"layer")
    described = {**layer.to_json(), "data": "bGF5ZXI=", "urls": ["https://example.com/layer"], "org.example": [1, None]}
    document = {
        "org.example.future": {"deep": [True, {"er": 1.5e300}]},
        "layers": [described],
        "annotations": {"org.example.text": ODD_TEXT, "empty": ""},
        "mediaType": MANIFEST,
        "config": {**config.to_json(), "org.example": "x"},
        "schemaVersion": 2,
    }
    return layout.put_manifest(json.dumps(document, indent=3, ensure_ascii=True).encode() + b"\n \n")


def _without_media_type(layout: Layout) -> Descriptor:
    """The field was optional in image-spec 1.0."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    return _put(layout, {"schemaVersion": 2, "config": config.to_json(), "layers": []})


def _docker(layout: Layout) -> Descriptor:
    """As older tools write them."""
    config = layout.put_blob(EMPTY_CONTENT, media_type="application/vnd.docker.container.image.v1+json")
    layer = layout.put_blob(b"tar", media_type="application/vnd.docker.image.rootfs.diff.tar.gzip")
    document = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config.to_json()}
    image = _put(layout, {**document, "layers": [layer.to_json()]})
    listed = {**image.to_json(), "platform": {"architecture": "amd64", "os": "linux"}}
    return _put(layout, {"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": [listed]})


def _referrer(layout: Layout) -> Descriptor:
    """Its subject is nowhere, which is allowed."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    subject = Descriptor.of(b"nowhere", media_type=MANIFEST)
    return layout.put_manifest(build_manifest(config, [config], artifact_type="application/x.sbom", subject=subject))


def _many_layers(layout: Layout) -> Descriptor:
    return put_artifact(layout, *(f"layer {n}".encode() for n in range(400 if THOROUGH else 40)))


def _largest(layout: Layout) -> Descriptor:
    """A manifest of exactly 4 MiB."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    room = MANIFEST_LIMIT - len(build_manifest(config, [config], annotations={"padding": ""}))
    return layout.put_manifest(build_manifest(config, [config], annotations={"padding": "x" * room}))


DOCUMENTS: dict[str, Callable[[Layout], Descriptor]] = {
    "image": _image,
    "without layers": _without_layers,
    "empty layer": _empty_layer,
    "sha512 blobs": _sha512,
    "sha512 manifest": _sha512_manifest,
    "release": _release,
    "nested": _nested,
    "empty index": _empty_index,
    "platforms": _platforms,
    "unknown fields": _unknown_fields,
    "without media type": _without_media_type,
    "docker": _docker,
    "referrer": _referrer,
    "many layers": _many_layers,
    "largest manifest": _largest,
}


def put_sha512(layout: Layout, content: bytes, media_type: str = EMPTY) -> Descriptor:
    """Store content under its sha512."""
    return layout.put_blob(content, expected=Descriptor.of(content, media_type=media_type, algorithm="sha512"))


def _put(layout: Layout, document: dict[str, Any]) -> Descriptor:
    return layout.put_manifest(json.dumps(document).encode())
