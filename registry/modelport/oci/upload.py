"""Uploading one blob to a registry (distribution-spec 1.1, "Pushing blobs")."""

from __future__ import annotations

import http
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urljoin

from modelport.errors import IntegrityError
from modelport.oci.media import OCTETS
from modelport.oci.net.answers import refusal
from modelport.oci.net.auth import Scope
from modelport.oci.net.transport import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor

__all__ = ["has_blob", "upload_blob"]

_NOTICE_LIMIT = 64 * 1024
_OK, _CREATED, _ACCEPTED = http.HTTPStatus.OK, http.HTTPStatus.CREATED, http.HTTPStatus.ACCEPTED


def has_blob(registry: Registry, repository: str, descriptor: Descriptor) -> bool:
    """Tell whether the repository has that content; one try. Raise IntegrityError when its size is another."""
    name = registry.name(repository, descriptor.digest)
    path = f"/v2/{quote(repository)}/blobs/{descriptor.digest}"
    with registry.send("HEAD", path, Scope(repository)) as response:
        if response.status not in {_OK, http.HTTPStatus.NOT_FOUND}:
            raise refusal(response, f"look for {name}", host=registry.host)
        there = response.status == _OK
        size = response.headers.get("Content-Length")
    if there and size is not None and size != str(descriptor.size):
        raise IntegrityError(
            f"{name}: the registry holds {size} bytes under this digest, and the content has {descriptor.size}",
            hint="the registry's storage is damaged; tell its operator",
        )
    return there


def upload_blob(
    registry: Registry, repository: str, descriptor: Descriptor, chunks: Callable[[], Iterable[bytes]]
) -> bool:
    """Upload content unless it is there, and tell whether it had to be; one try."""
    if has_blob(registry, repository, descriptor):
        return False
    what = f"push the blob {registry.name(repository, descriptor.digest)}"
    scope = Scope(repository, write=True)
    with registry.send("POST", f"/v2/{quote(repository)}/blobs/uploads/", scope) as response:
        location = response.headers.get("Location")
        if response.status != _ACCEPTED or not location:
            raise refusal(response, what, host=registry.host)
        response.read(_NOTICE_LIMIT)
    url = urljoin(response.url, location)
    url += f"{'&' if '?' in url else '?'}{urlencode({'digest': str(descriptor.digest)})}"
    with registry.send("PUT", url, scope, body=Body(descriptor.size, chunks, OCTETS)) as response:
        if response.status != _CREATED:
            raise refusal(response, what, host=registry.host)
        response.read(_NOTICE_LIMIT)
    return True
