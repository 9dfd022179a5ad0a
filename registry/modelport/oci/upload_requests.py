"""The requests that an upload is made of (distribution-spec 1.1, "Pushing blobs", end-2, end-4 to end-6 and end-11).

Each function is one request, tried once, and says what its answer means. In which order they come is told in
``upload`` and ``upload_chunks``.
"""

from __future__ import annotations

import http
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from modelport.errors import IntegrityError, ModelportError, NotFoundError, RegistryError
from modelport.oci.net.answers import LacksRightError, refusal
from modelport.oci.net.auth import Scope
from modelport.oci.net.patience import TransientError
from modelport.oci.net.urls import api_path, following
from modelport.oci.store.uploads import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.oci.client import Registry
    from modelport.oci.descriptor import Descriptor
    from modelport.oci.net.body import Body
    from modelport.oci.net.transport import Response

__all__ = [
    "ChunkRefusedError",
    "Target",
    "WrongDigestError",
    "ask_status",
    "cancel",
    "finish",
    "is_there",
    "open_upload",
    "send_chunk",
]

_NOTICE_LIMIT = 64 * 1024
_STATUS = http.HTTPStatus
_RANGE = re.compile(r"(?:bytes[= ])?0-([0-9]{1,18})")
_FINAL = frozenset({_STATUS.UNAUTHORIZED, _STATUS.FORBIDDEN, _STATUS.REQUEST_ENTITY_TOO_LARGE})


class WrongDigestError(IntegrityError):
    """The registry hashed what it got, and it is not the blob."""


class ChunkRefusedError(RegistryError):
    """The registry did not take a chunk: it cannot, or it has lost the upload."""


@dataclass(frozen=True, slots=True)
class Target:
    """One blob, and the repository that it goes to."""

    registry: Registry
    repository: str
    descriptor: Descriptor

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.registry.name(self.repository, self.descriptor.digest)

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Body | None = None
    ) -> Response:
        """Send a request that needs the right to write."""
        return self.registry.send(method, url, Scope(self.repository, write=True), headers=headers, body=body)

    def refusal(self, response: Response) -> ModelportError:
        """Return the error for an answer that is a no."""
        return refusal(response, f"push the blob {self.name}", host=self.registry.host)


def is_there(target: Target, *, writing: bool = True) -> bool:
    """Tell whether the repository has the blob; raise IntegrityError when its size is another.

    Args:
        target: The blob and the repository.
        writing: Whether this is a part of a push, so asked with the right to write; one who may not look is told no,
            as some registries deny all about a repository that is not there yet: opening the upload decides.
    """
    path = api_path(target.repository, f"blobs/{target.descriptor.digest}")
    try:
        response = target.registry.send("HEAD", path, Scope(target.repository, write=writing))
    except LacksRightError:
        if writing:
            return False
        raise
    with response:
        if writing and response.status == _STATUS.FORBIDDEN:
            return False
        if response.status not in {_STATUS.OK, _STATUS.NOT_FOUND}:
            raise refusal(response, f"look for {target.name}", host=target.registry.host)
        there = response.status == _STATUS.OK
        size = response.headers.get("Content-Length")
    expected = target.descriptor.size
    if there and size is not None and size != str(expected):
        raise IntegrityError(
            f"{target.name}: the registry holds {size} bytes under this digest, and the content has {expected}",
            hint="the registry's storage is damaged; tell its operator",
        )
    return there


def open_upload(target: Target, source: str | None = None) -> Session | None:
    """Begin an upload. With a *source*, a repository, ask to mount the blob from there: None when that was done.

    The source may be the target's own repository: that asks whether the blob is there and begins in one request.
    """
    digest = target.descriptor.digest
    query = {"mount": str(digest), "from": source} if source else {}
    if digest.algorithm != "sha256":
        query["digest-algorithm"] = digest.algorithm  # for registries that hash while they receive
    path = api_path(target.repository, f"blobs/uploads/{'?' + urlencode(query) if query else ''}")
    with target.send("POST", path) as response:
        if source and response.status == _STATUS.CREATED:
            response.read(_NOTICE_LIMIT)
            return None
        location = response.headers.get("Location")
        if response.status != _STATUS.ACCEPTED or not location:
            raise target.refusal(response)
        response.read(_NOTICE_LIMIT)
        least = response.headers.get("OCI-Chunk-Min-Length", "")
        return Session(following(response.url, location), 0, int(least) if re.fullmatch("[0-9]{1,18}", least) else 0)


def send_chunk(target: Target, session: Session, body: Body) -> tuple[Session, bool]:
    """Send the bytes that follow on what is acknowledged; return how far that brings it, and if the answer says so.

    202 means that they were taken, and is believed (distribution-spec 1.1, end-5). What its ``Range`` says is of less
    worth: one registry sticks at the first chunk, others name the last chunk alone (distribution-spec #580).

    Raises:
        ChunkRefusedError: It did not take them, or has more than was sent.
    """
    end = session.acknowledged + body.size
    headers = {"Content-Range": f"{session.acknowledged}-{end - 1}"}
    with target.send("PATCH", session.location, headers=headers, body=body) as response:
        if response.status != _STATUS.ACCEPTED:
            error = target.refusal(response)
            if response.status in _FINAL:
                raise error
            raise ChunkRefusedError(error.message, status=response.status)
        response.read(_NOTICE_LIMIT)
        acknowledged = _acknowledged(response) if "Range" in response.headers else end
    if acknowledged is not None and acknowledged > end:
        counted = response.headers["Range"][:100]
        raise ChunkRefusedError(f"cannot push the blob {target.name}: {end} bytes were sent, and it has {counted!r}")
    return session.advanced(_location(response, session), end), acknowledged == end


def ask_status(target: Target, session: Session) -> Session | None:
    """Ask how far the registry has come with an upload; None when it does not know, or says no at all.

    Raises:
        TransientError: It cannot be asked just now.
    """
    try:
        with target.send("GET", session.location) as response:
            response.read(_NOTICE_LIMIT)
            known = response.status in {_STATUS.NO_CONTENT, _STATUS.ACCEPTED}
            acknowledged = _acknowledged(response) if known else None
    except TransientError:
        raise
    except (NotFoundError, RegistryError):
        return None  # whatever it has against this place, an upload that begins anew will bring it to light
    if acknowledged is None or acknowledged > target.descriptor.size:
        return None
    return session.advanced(_location(response, session), acknowledged)


def finish(target: Target, session: Session, body: Body | None = None) -> None:
    """Close the upload, with its only bytes when there is a *body*.

    Raises:
        WrongDigestError: The registry got something else than the blob.
        TransientError: It has lost the upload, which may begin anew.
    """
    url = session.location
    url += f"{'&' if '?' in url else '?'}{urlencode({'digest': str(target.descriptor.digest)})}"
    with target.send("PUT", url, body=body) as response:
        if response.status != _STATUS.CREATED:
            error = target.refusal(response)
            if isinstance(error, NotFoundError):  # the place is one that it named itself
                raise TransientError(f"{error.message}: it has lost the upload", status=404, hint="try again")
            raise WrongDigestError(error.message) if isinstance(error, IntegrityError) else error
        response.read(_NOTICE_LIMIT)


def cancel(target: Target, session: Session) -> None:
    """Let the registry throw away what it has of an upload; one that does not will do so by itself in some days."""
    with suppress(ModelportError), target.send("DELETE", session.location) as response:
        response.read(_NOTICE_LIMIT)


def _acknowledged(response: Response) -> int | None:
    """Return how many bytes the answer says have come; None when it does not say."""
    found = _RANGE.fullmatch(response.headers.get("Range", "").strip())
    if not found:
        return None
    # Of nothing, docker-registry says "0-0", as of one byte: the fewer is the safer.
    return int(found[1]) + 1 if int(found[1]) else 0


def _location(response: Response, session: Session) -> str:
    return following(response.url, response.headers.get("Location") or session.location)
