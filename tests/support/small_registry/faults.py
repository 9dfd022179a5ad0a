"""What can go wrong between a client and a registry, as values that a test hands to the small registry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.small_registry.request import Seen

Kind = Literal[
    # The connection: the answer (or the request) gets as far as byte *at*, and then
    "cut",  # the connection is closed,
    "reset",  # it is reset,
    "stall",  # nothing comes any more,
    "slow",  # the rest comes in small pieces with pauses,
    "drip",  # the head of the answer comes byte by byte, with pauses, and has no end (whatever *at* is),
    "interim",  # in its place, 100 Continue comes, and comes again,
    "garble",  # the answer's chunked framing makes no sense any more.
    # The content: it arrives in a well-formed answer, but
    "flip",  # one bit of byte *at* is another,
    "zeros",  # from byte *at* on there are only zeros,
    "repeat",  # from byte *at* on the bytes before it come again, in a body of the right length,
    "insert",  # there are bytes more than there should be, from byte *at* on,
    "truncate",  # it ends at byte *at*, and the length in the header says so,
    "length",  # the header says that *at* bytes come, and all of them do.
    # The answer as a whole:
    "status",  # it is *status*, with *headers*;
    "redirect",  # a blob's leads to another origin;
    "digest",  # its digest header names other content;
    "whole",  # what was asked for is a part, and what comes is everything;
    "elsewhere",  # the part begins *at* bytes earlier than asked, and the header says so;
    "session",  # the upload session is gone, after *at* bytes of the request;
    "collect",  # just before the request, all blobs were collected as garbage.
]

PIECE = 4096
"""How many bytes "slow" sends at once, "repeat" and "insert" put in."""


def any_request(_: Seen) -> bool:
    """Match every request."""
    return True


def reads_blob(seen: Seen) -> bool:
    """Match what asks for a blob's bytes, at the registry or where it leads."""
    return seen.method == "GET" and "/blobs/" in seen.path and "/uploads/" not in seen.path


def reads_manifest(seen: Seen) -> bool:
    """Match what asks for a manifest's bytes."""
    return seen.method == "GET" and "/manifests/" in seen.path


def resumes(seen: Seen) -> bool:
    """Match what asks for the rest of a blob."""
    return reads_blob(seen) and "range" in seen.headers


def sends_blob(seen: Seen) -> bool:
    """Match what carries a blob's bytes, all or some of them."""
    return "/blobs/uploads/" in seen.path and seen.method in {"PATCH", "PUT"} and seen.has_body


def sends_manifest(seen: Seen) -> bool:
    """Match what carries a manifest."""
    return seen.method == "PUT" and "/manifests/" in seen.path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, at the first *times* requests that *on* matches.

    Attributes:
        kind: What goes wrong.
        at: The byte of the body at which it does; None is before the status line.
        on: Which requests it hits.
        times: How many of them; ``math.inf`` is all.
        of: Whose body *at* counts in: the answer's, or the request's.
        status: What a "status" answers.
        headers: What it says besides, such as ``Retry-After``.
        pause: How many seconds a "slow", "drip" or "interim" waits between two pieces.
    """

    kind: Kind
    at: int | None = 0
    on: Callable[[Seen], bool] = any_request
    times: float = 1
    of: Literal["answer", "request"] = "answer"
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.001


FOREVER = math.inf


def spoil(fault: Fault, body: bytes) -> bytes:
    """Return what arrives of *body* when *fault* hits its content."""
    at = min(fault.at or 0, len(body))
    before, after = body[:at], body[at:]
    match fault.kind:
        case "flip" if body:
            at = min(at, len(body) - 1)
            return body[:at] + bytes([body[at] ^ (1 << at % 8)]) + body[at + 1 :]
        case "zeros":
            return before + bytes(len(after))
        case "repeat":
            return (before + before[-PIECE:] + after)[: len(body)]
        case "insert":
            return before + b"\xa5" * PIECE + after
        case "truncate":
            return before
    return body
