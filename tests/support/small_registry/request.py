"""Requests and answers of the small registry: what came in, what goes out, and the errors of the specification."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(slots=True)
class Seen:
    """A request as a test looks at it afterwards; the numbers grow while it is answered.

    Attributes:
        place: Whom it was sent to: ``registry``, ``bucket`` (where blobs are redirected to) or ``tokens``.
        method: Such as GET.
        path: Without the query.
        query: What came after the question mark; several values of one name in order.
        headers: By lower-case name.
        received: Bytes of its body that arrived.
        sent: Bytes of the answer's body that left.
        status: The answer's; 0 as long as there is none.
    """

    place: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    received: int = 0
    sent: int = 0
    status: int = 0

    @property
    def has_body(self) -> bool:
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    def asked(self, name: str) -> str:
        """Return the first value of a query's field; empty when it is not there."""
        return self.query.get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """Ends the handling of a request with an error's answer (distribution-spec 1.1, "Error Codes")."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = Answer(status, body, {"Content-Type": "application/json", **named})


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request with its body, which is read while it comes."""

    seen: Seen
    body: Iterator[bytes]
    """Pieces; ends early with ``BrokenRequestError`` when the connection does, or a fault says so."""
    elsewhere: bool = False
    """Whether this one is to be led to another origin."""

    def read(self, limit: int) -> bytes:
        """Return all of the body, or refuse it."""
        found = b""
        for piece in self.body:
            found += piece
            if len(found) > limit:
                raise RefusedError(413, "SIZE_INVALID", f"more than {limit} bytes")
        return found


class BrokenRequestError(Exception):
    """The request's body ended before its end."""


class LostSessionError(RefusedError):
    """The upload session ended while its bytes came."""

    def __init__(self) -> None:
        super().__init__(404, "BLOB_UPLOAD_UNKNOWN", "the upload is lost")
