"""Downloading one blob from a registry, in pieces that are verified while they stream."""

from __future__ import annotations

import http
from typing import TYPE_CHECKING
from urllib.parse import quote

from modelport.oci.net.answers import refusal
from modelport.oci.net.auth import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor

__all__ = ["blob_chunks"]


def blob_chunks(registry: Registry, repository: str, descriptor: Descriptor) -> Iterator[bytes]:
    """Yield what the registry sends for *descriptor*, not yet verified; one try."""
    path = f"/v2/{quote(repository)}/blobs/{descriptor.digest}"
    with registry.send("GET", path, Scope(repository)) as response:
        if response.status != http.HTTPStatus.OK:
            raise refusal(response, f"pull {registry.name(repository, descriptor.digest)}", host=registry.host)
        yield from response.chunks()
