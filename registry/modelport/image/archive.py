"""An image as the one file that every engine takes: ``docker load``, ``podman load``, ``ctr images import``.

It holds an OCI layout and, over the same blobs, the older ``manifest.json``, as Docker itself writes it since version
25. Engines with the older kind of store know the image by its config's digest, the newer ones by its manifest's.
"""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

from modelport.oci.manifest import Manifest
from modelport.types import names_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.oci import Descriptor, Layout

__all__ = ["image_archive"]

_END = b"\0" * (2 * tarfile.BLOCKSIZE)


def image_archive(layout: Layout, manifest: Descriptor, name: str) -> Iterator[bytes]:
    """Yield the tar of the image that *manifest* points at, which the engine will call *name* (``REPOSITORY:TAG``).

    Nothing is held in memory or copied; every blob is verified while it passes.

    Raises:
        FormatError: It is an index.
        IntegrityError: A blob is damaged.
    """
    image = Manifest.parse(layout.read(manifest))
    for path, content in _documents(image, manifest, name).items():
        yield from _member(path, len(content))
        yield _padded(content)
    for blob in {one.digest: one for one in (manifest, *image.children)}.values():
        yield from _member(_path(blob), blob.size)
        yield from layout.chunks(blob)
        yield b"\0" * (-blob.size % tarfile.BLOCKSIZE)
    yield _END


def _documents(image: Manifest, manifest: Descriptor, name: str) -> dict[str, bytes]:
    tag = name.rpartition(":")[2]
    known_as = {"io.containerd.image.name": _full_name(name), "org.opencontainers.image.ref.name": tag}
    listed = {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": manifest.size}
    index = {"schemaVersion": 2, "manifests": [{**listed, "annotations": known_as}]}
    layers = [_path(layer) for layer in image.layers]
    older = [{"Config": _path(image.config), "RepoTags": [name], "Layers": layers}]
    return {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        "manifest.json": _json(older),
    }


def _full_name(name: str) -> str:
    """Return *name* as engines complete it: one without a host is Docker Hub's, one without a user its library's."""
    if names_host(name):
        return name
    return f"docker.io/{name}" if "/" in name else f"docker.io/library/{name}"


def _path(blob: Descriptor) -> str:
    return f"blobs/{blob.digest.algorithm}/{blob.digest.hex}"


def _member(path: str, size: int) -> Iterator[bytes]:
    header = tarfile.TarInfo(path)
    header.size = size
    yield header.tobuf(tarfile.USTAR_FORMAT if size < 8**11 else tarfile.GNU_FORMAT)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % tarfile.BLOCKSIZE)


def _json(document: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(document, separators=(",", ":")).encode()
