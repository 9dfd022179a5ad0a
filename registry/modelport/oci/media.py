"""Media types and annotation keys of the OCI specifications, and the sizes that bound what is read.

Sources: image-spec 1.1 (``media-types.md``, ``annotations.md``) and, for what older images still say, Docker's
image manifest version 2, schema 2.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CREATED",
    "DOCKER_INDEX",
    "DOCKER_MANIFEST",
    "DOCUMENTS_BYTES",
    "DOCUMENTS_LIMIT",
    "EMPTY",
    "EMPTY_CONTENT",
    "INDEX",
    "INDEXES",
    "MANIFEST",
    "MANIFESTS",
    "MANIFEST_LIMIT",
    "OCTETS",
    "REF_NAME",
    "TITLE",
]

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY: Final = "application/vnd.oci.empty.v1+json"
OCTETS: Final = "application/octet-stream"

MANIFESTS: Final = frozenset({MANIFEST, DOCKER_MANIFEST})
"""The documents that list a config and layers."""

INDEXES: Final = frozenset({INDEX, DOCKER_INDEX})
"""The documents that list manifests."""

EMPTY_CONTENT: Final = b"{}"
"""The content of a blob of type ``EMPTY``: what stands where an artifact needs no config or no layer."""

REF_NAME: Final = "org.opencontainers.image.ref.name"
TITLE: Final = "org.opencontainers.image.title"
CREATED: Final = "org.opencontainers.image.created"

MANIFEST_LIMIT: Final = 4 * 1024 * 1024
"""The bytes that a manifest may have: what registries must accept (distribution-spec 1.1, "Pushing Manifests")."""

DOCUMENTS_LIMIT: Final = 10_000
"""The manifests and indexes that one root may lead to, or that may refer to it: who lists them is not trusted."""

DOCUMENTS_BYTES: Final = 64 * 1024 * 1024
"""The bytes that all manifests and indexes which one root leads to may have together: all are held in memory."""
