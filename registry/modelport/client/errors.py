"""What goes wrong between a caller and a service, as errors that carry the service's own account of it.

::

    ServiceError                what happened between here and there
    ├── ArgumentsRefusedError   the service refuses the arguments; a CallError, as in process
    ├── ModelFailedError        the model failed; a ModelError, as in process
    └── SignatureChangedError   the service answers for another signature than the one this client was made from

A service answers with problem details (RFC 9457), whose last part of ``type`` is the ``kind``. What never got an answer
has a kind of its own: ``unreachable``, ``tls``, ``proxy``, ``timeout``, ``broken-off``, ``answer-too-large``,
``not-a-service``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError, ModelportError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ArgumentsRefusedError",
    "ModelFailedError",
    "Problem",
    "ServiceError",
    "SignatureChangedError",
    "failure",
    "from_document",
    "problem_of",
]

_URN = "urn:modelport:problem:"
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """What a service says when it cannot do what was asked.

    Attributes:
        kind: What happened, for a program: ``overloaded``, ``model-failed``.
        detail: What happened, for a person.
        status: The HTTP status; 0 where there was no answer.
        errors: Each single mistake, as ``{"path", "message"}``.
        request_id: The id of the request, under which the service's log has it.
    """

    kind: str
    detail: str
    status: int = 0
    errors: tuple[dict[str, str], ...] = ()
    request_id: str = ""


class ServiceError(ModelportError):
    """A service cannot be reached, refuses, fails, or answers nonsense.

    Args:
        message: What happened, where and why.
        problem: What the service said, or what stands for it.
        hint: The way out.
    """

    def __init__(self, message: str, problem: Problem, *, hint: str = "") -> None:
        ModelportError.__init__(self, message, hint=hint)
        self.problem = problem

    @property
    def kind(self) -> str:
        """What happened, for a program."""
        return self.problem.kind

    @property
    def detail(self) -> str:
        """What happened, for a person."""
        return self.problem.detail

    @property
    def status(self) -> int:
        """The HTTP status; 0 where there was no answer."""
        return self.problem.status

    @property
    def errors(self) -> Sequence[dict[str, str]]:
        """Each single mistake, as ``{"path", "message"}``."""
        return self.problem.errors

    @property
    def request_id(self) -> str:
        """The id of the request, under which the service's log has it."""
        return self.problem.request_id


class ArgumentsRefusedError(ServiceError, CallError):
    """The service refuses arguments that fit the signature known here."""

    def __init__(self, message: str, problem: Problem, *, hint: str = "") -> None:
        super().__init__(message, problem, hint=hint)
        self.problems = tuple(f"{e.get('path', '')}: {e.get('message', '')}" for e in problem.errors) or (message,)


class ModelFailedError(ServiceError, ModelError):
    """The model failed; the service's log says why, under the request's id."""


class SignatureChangedError(ServiceError):
    """The service answers for another signature than the one that this client was made from."""


_CLASSES = {
    "arguments-do-not-fit": ArgumentsRefusedError,
    "model-failed": ModelFailedError,
    "signature-changed": SignatureChangedError,
}
_IN_THE_LOG = {"model-failed", "service-failed"}
"""Of these a caller is not told why: it may be private to the service."""
_HINTS = {
    "overloaded": "call again later, or give it more time: timeout=, retries=",
    "not-ready": "it is starting or stopping: remote.health() tells when it is ready",
    "out-of-time": "the service's own limit is reached: modelport serve --call-seconds",
    "body-too-large": "send less at once, or raise the service's limit: modelport serve --body-bytes",
    "signature-changed": "connect again: modelport.connect(url)",
}


def failure(problem: Problem, where: str) -> ServiceError:
    """Return the error for *problem*, which *where* had."""
    kind = _CLASSES.get(problem.kind, ServiceError)
    hint = _HINTS.get(problem.kind, "")
    if problem.kind in _IN_THE_LOG and problem.request_id:
        hint = f"look in the service's log for {problem.request_id}"
    return kind(f"{where}: {problem.detail}", problem, hint=hint)


def problem_of(status: int, body: bytes, request_id: str = "") -> Problem:
    """Return the problem that an answer holds, or one that says what it holds instead."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    found = from_document(document, status, request_id)
    if found is not None:
        return found
    said = " ".join(body[:_SHOWN].decode("utf-8", "replace").split())
    detail = f"it answered {status}, not as a Modelport service does" + (f": {said}" if said else "")
    return Problem("unknown", detail, status, request_id=request_id)


def from_document(document: object, status: int, request_id: str) -> Problem | None:
    """Return the problem that a JSON document is, or None where it is none of a Modelport service's."""
    if not isinstance(document, dict) or not str(document.get("type")).startswith(_URN):
        return None
    errors = document.get("errors")
    listed = [_mistake(one) for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    own = document.get("status")
    return Problem(
        kind=str(document["type"]).removeprefix(_URN),
        detail=str(document.get("detail", "")),
        status=own if isinstance(own, int) else status,
        errors=tuple(listed),
        request_id=str(document.get("request_id") or request_id),
    )


def _mistake(one: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in one.items()}
