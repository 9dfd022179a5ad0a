"""A call as steps: what to send, how long to wait, what an answer means. Nothing here touches a network.

Each function is a generator of `Send` and `Wait`; `transport` and `transport_async` carry them out, so that retries,
deadlines and errors are the same for both.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from modelport.client.contract import METADATA, Contract
from modelport.client.errors import Problem, ServiceError, SignatureChangedError, failure, problem_of
from modelport.client.retries import Retries, retry_after
from modelport.errors import CallError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Mapping

    from modelport.client.calls import Call
    from modelport.model.exchange import Exchange

__all__ = ["Answer", "BrokenError", "Send", "Steps", "Wait", "ask", "ask_contract", "call"]

_OK = 200
_MOST_METADATA = 64 * 2**20
"""The longest description of a service that is read, in bytes."""
_LOST = 1  # times that a call is repeated which may have ended its service
_SUSPECT = frozenset({"malformed-protobuf", "malformed-json", "arguments-do-not-fit", "not-found"})
"""What a service says, among other reasons, when it has another signature by now."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request and give its answer.

    Attributes:
        method: ``GET`` or ``POST``.
        path: Below the service's address.
        headers: The header fields.
        content: The body; what is streamed can be sent once only.
        end: By when it must have been answered, on the monotonic clock.
        streamed: Give the answer's head; its body is read later.
        most: How many bytes of a body are read at most, where it is not streamed; None: all of it.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Iterable[bytes] | AsyncIterable[bytes] = b""
    end: float = 0.0
    streamed: bool = False
    most: int | None = None

    @property
    def request_id(self) -> str:
        """The id under which the service logs it."""
        return self.headers.get("X-Request-ID", "")


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status.
        headers: The header fields, by names in lower case.
        content: The body; empty where it is streamed.
        opened: What a streamed body is read from.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = b""
    opened: Any = None


class BrokenError(Exception):
    """There was no answer, or not all of it.

    Args:
        kind: What happened, for a program.
        detail: What happened, for a person.
        hint: The way out.
        again: Nothing was answered: the request may be sent again.
        was_sent: The service may have got all of it: it may be what ended the service.
    """

    def __init__(self, kind: str, detail: str, *, hint: str = "", again: bool = False, was_sent: bool = False) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.hint, self.again, self.was_sent = kind, detail, hint, again, was_sent


Steps: TypeAlias = Generator[Send | Wait, Any, Any]


def ask(request: Send, retries: Retries, where: str) -> Generator[Send | Wait, Any, Answer]:
    """Send *request*, and again where that is safe and there is time; return the last answer.

    Raises:
        ServiceError: There was none; *where* begins the message.
    """
    lost = 0
    for repetition in count():
        asked = 0.0
        outcome = yield from _outcome(request)
        if isinstance(outcome, Answer):
            again = retries.turned_away(outcome.status)
            asked = retry_after(outcome.headers.get("retry-after"))
        else:
            lost += outcome.was_sent
            again = outcome.again and lost <= _LOST
        wait = retries.wait(repetition, asked)
        late = time.monotonic() + wait >= request.end
        if not again or late or repetition >= retries.most or not isinstance(request.content, bytes):
            if isinstance(outcome, Answer):
                return outcome
            raise _unanswered(outcome, request, where, repetition) from outcome.__cause__
        yield Wait(wait)
    raise AssertionError  # count() does not end


def _outcome(request: Send) -> Generator[Send, Any, Answer | BrokenError]:
    try:
        answer: Answer = yield request
    except BrokenError as error:
        return error
    return answer


def ask_contract(url: str, retries: Retries, end: float) -> Generator[Send | Wait, Any, Contract]:
    """Return what the service says of itself; raise ServiceError where it is none."""
    request = Send("GET", METADATA, {"Accept": "application/json"}, end=end, most=_MOST_METADATA)
    answer = yield from ask(request, retries, url)
    if retries.turned_away(answer.status):
        raise failure(problem_of(answer.status, answer.content), url)
    return Contract.read(answer.status, answer.content, url)


def call(request: Send, retries: Retries, *, contract: Contract, one: Call, exchange: Exchange, url: str) -> Steps:
    """Send a call and return its answer: the message, or the opened stream of messages.

    Raises:
        ServiceError: It failed; see `errors`.
    """
    where = f"{one.method.name} at {url}"
    answer = yield from ask(request, retries, where)
    if answer.status == _OK and request.streamed:
        return answer
    if answer.status == _OK:
        try:
            return one.read(answer.content, answer.headers.get("content-type", ""), exchange)
        except CallError as error:
            yield from _check_signature(request, contract, url)
            detail = f"the answer does not fit the signature: {error.message}"
            problem = Problem("unreadable-answer", detail, _OK, request_id=request.request_id)
            raise ServiceError(f"{where}: {detail}", problem) from error
    problem = problem_of(answer.status, answer.content, answer.headers.get("x-request-id", request.request_id))
    if problem.kind in _SUSPECT:
        yield from _check_signature(request, contract, url)
    raise failure(problem, where)


def _check_signature(request: Send, contract: Contract, url: str) -> Steps:
    """Raise SignatureChangedError if the service has another signature by now."""
    try:
        now = yield from ask_contract(url, Retries(most=0), request.end)
    except ServiceError:
        return  # what the call itself was told says more
    if now.spec.proto_package != contract.spec.proto_package:
        changed(contract, now.spec.proto_package, url, request.request_id)


def changed(contract: Contract, now: str, url: str, request_id: str) -> NoReturn:
    """Raise the error that says so."""
    detail = f"its signature is {now} now, and was {contract.spec.proto_package} when this client was made"
    problem = Problem("signature-changed", detail, 0, request_id=request_id)
    raise SignatureChangedError(f"{url}: {detail}", problem, hint="connect again: modelport.connect(url)")


def _unanswered(broken: BrokenError, request: Send, where: str, repetitions: int) -> ServiceError:
    tried = f" (tried {repetitions + 1} times)" if repetitions else ""
    problem = Problem(broken.kind, broken.detail, request_id=request.request_id)
    return ServiceError(f"{where}: {broken.detail}{tried}", problem, hint=broken.hint)
