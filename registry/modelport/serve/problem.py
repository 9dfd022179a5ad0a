"""What the service answers when it cannot do what was asked: problem details (RFC 9457).

The type is a stable URN, ``urn:modelport:problem:<kind>``, and tells a program what happened; the detail tells a
person. 4xx is the caller's mistake, 500 the model's failure; 429, 503 and 504 are about load and time. A body never
holds a traceback, a path of this machine or the text of an exception of the model: those are logged under the
request's id.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport.errors import CallError

__all__ = ["CLIENT_GONE", "KINDS", "PROBLEM_TYPE", "ProblemError", "arguments_do_not_fit", "not_allowed"]

PROBLEM_TYPE = "application/problem+json"

KINDS = {
    "malformed-request": (400, "The request is not HTTP"),
    "malformed-json": (400, "The body is not JSON"),
    "malformed-protobuf": (400, "The body is not the method's protobuf message"),
    "not-found": (404, "Nothing is here"),
    "method-not-allowed": (405, "Not allowed here"),
    "not-acceptable": (406, "No form of the answer is acceptable"),
    "slow-body": (408, "The body came too slowly"),
    "slow-reader": (408, "The answers were taken too slowly"),
    "signature-changed": (412, "The model has another signature"),
    "body-too-large": (413, "The body is too large"),
    "too-many-rows": (413, "The call has too many rows"),
    "head-too-large": (431, "The request's head is too large"),
    "unsupported-media-type": (415, "The body is in a form that the method does not take"),
    "arguments-do-not-fit": (422, "The arguments do not fit the method's signature"),
    "model-failed": (500, "The model failed"),
    "unknown-coding": (501, "The body's transfer coding is not known"),
    "service-failed": (500, "The service failed"),
    "overloaded": (429, "The service has too much to do"),
    "not-ready": (503, "The service is not ready"),
    "out-of-time": (504, "The model took too long"),
}
"""Each kind of problem with its status and title."""

CLIENT_GONE = 499
"""The status of an answer that nobody receives, in the log and the metrics, as other servers write it."""

_TRY_AGAIN = {429, 503}  # RFC 6585, section 4; RFC 9110, section 15.6.4
_SHOWN = 100
_LONGEST = 300


class ProblemError(Exception):
    """Ends a request with a problem; one of ``KINDS``.

    Args:
        kind: The last part of the problem's type.
        detail: What happened in this case, and the way out.
        errors: Each single mistake, as ``{"path", "message"}``.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind][0]

    @property
    def fields(self) -> dict[str, str]:
        """The header fields of an answer that says it, whatever form its body has."""
        return ({"Retry-After": "1"} if self.status in _TRY_AGAIN else {}) | dict(self.headers)

    def to_json(self, request_id: str) -> dict[str, Any]:
        """Return the problem's members."""
        status, title = KINDS[self.kind]
        members = {"type": f"urn:modelport:problem:{self.kind}", "title": title, "status": status}
        members |= {"detail": self.detail, "request_id": request_id}
        return members | ({"errors": list(self.errors)} if self.errors else {})

    def response(self, request_id: str) -> Response:
        """Return the answer."""
        # ASCII on purpose: a name that a caller sent may hold half of a surrogate pair, which UTF-8 cannot carry.
        content = json.dumps(self.to_json(request_id)).encode()
        return Response(content, self.status, self.fields, media_type=PROBLEM_TYPE)


def arguments_do_not_fit(method: str, error: CallError) -> ProblemError:
    """Return the problem that names every misfit of a call, up to a hundred."""
    total = len(error.problems)
    errors = []
    for one in error.problems[:_SHOWN]:
        path, _, message = one.partition(": ")
        errors.append({"path": _short(path), "message": _short(message)})
    detail = f"{method} cannot take these arguments: {_short(error.problems[0])}"
    if total > 1:
        detail += f" (and {total - 1} more{f', of which {_SHOWN - 1} are listed' if total > _SHOWN else ''})"
    return ProblemError("arguments-do-not-fit", detail, errors=errors)


def not_allowed(method: str, allowed: Iterable[str]) -> ProblemError:
    """Return the problem of an HTTP method that an address does not take; *allowed* are those that it does."""
    headers = {"Allow": ", ".join(sorted(allowed))}
    detail = f"{method} is not allowed here; {headers['Allow']} is"
    return ProblemError("method-not-allowed", detail, headers=headers)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
