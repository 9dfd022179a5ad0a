"""OCI artifacts: a store on disk, a client for registries, and the documents between them.

This room knows nothing of models. It moves *blobs* (bytes named by their digest), *manifests* (a config and layers)
and *indexes* (manifests), and believes no bytes that it has not hashed. The pieces, from the inside out:

- ``Descriptor(media_type, digest, size, annotations, artifact_type, platform)`` points at content;
  ``Descriptor.of(content, media_type=...)`` makes one.
- ``Manifest`` and ``Index`` are parsed from bytes and keep them (``.raw``, ``.descriptor``, ``.children``);
  ``build_manifest(config, layers, artifact_type=..., annotations=..., subject=...)`` and
  ``build_index(manifests, annotations=..., artifact_type=...)`` return canonical bytes.
- ``Layout(path)`` is the store, an OCI image layout that every OCI tool can read:
  ``put_blob(bytes | Path | chunks, media_type=...) -> Descriptor``, ``put_manifest(raw) -> Descriptor``,
  ``has(descriptor)``, ``read(descriptor) -> bytes``, ``chunks(descriptor)``, ``locate(descriptor) -> Path``,
  ``manifest(descriptor)``, ``tag(name, descriptor)``, ``resolve(name) -> Descriptor``, ``tags()``, ``untag(name)``.
  A tag's name is ``repository:tag``.
- ``reachable(root, read)`` lists all that a root needs, leaves first, the root last.
- ``Registry(host, insecure_hosts=..., credentials=...)`` speaks to one registry: ``manifest(repository, tag)``,
  ``tags(repository)``, ``blob(repository, descriptor)`` and so on; ``credentials.docker_credentials`` reads what
  ``docker login`` left.
- ``push(layout, descriptor, registry, repository, tags=[...]) -> Digest`` and
  ``pull(registry, repository, reference, layout, name=...) -> Descriptor`` move whole trees, verified; tags come last.
- ``make_tar(files) -> bytes`` and ``unpack_tar(source, destination, ...)`` bundle small files and unbundle them safely.

Packing and moving one artifact::

    layout = Layout(Path("store"))
    layer = layout.put_blob(Path("weights.bin"), media_type="application/octet-stream")
    config = layout.put_blob(b"{}", media_type="application/vnd.oci.empty.v1+json")
    manifest = layout.put_manifest(build_manifest(config, [layer], artifact_type="application/vnd.example"))
    layout.tag("demo:1.0.0", manifest)
    push(layout, manifest, Registry("localhost:5000"), "demo", tags=["1.0.0"])
"""

from __future__ import annotations

from modelport.oci.client import Registry
from modelport.oci.descriptor import Descriptor
from modelport.oci.manifest import Index, Manifest, build_index, build_manifest
from modelport.oci.pull import pull
from modelport.oci.push import push
from modelport.oci.store.layout import Layout
from modelport.oci.tar import make_tar
from modelport.oci.untar import unpack_tar
from modelport.oci.walk import reachable

__all__ = [
    "Descriptor",
    "Index",
    "Layout",
    "Manifest",
    "Registry",
    "build_index",
    "build_manifest",
    "make_tar",
    "pull",
    "push",
    "reachable",
    "unpack_tar",
]
