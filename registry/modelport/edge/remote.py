"""The edge server as a device sees it: its plans, its door for statistics, and the variants that it answers with.

A call is one request without repetitions: who waits for it has something better to do meanwhile. Its messages are
protobuf, written once for whoever answers. All failures are `ServiceError`, with a kind that tells what happened.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from modelport.client.calls import MEDIA_TYPES
from modelport.client.errors import Problem, ServiceError, failure, problem_of
from modelport.edge.documents import DevicePlan
from modelport.edge.doors import HINTS, Door, Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.client.steps import Answer
    from modelport.edge.racing import Trip
    from modelport.model import ModelSpec

__all__ = ["EdgeServer", "Endpoint", "Reply"]

_OK = 200
_PROBE_SECONDS = 2.0
_SAID = re.compile(r"\bcall;dur=(\d{1,9}(?:\.\d{1,9})?)")
"""What a service says of its time, in milliseconds (Server-Timing, W3C)."""


def _good(answer: Answer, where: str) -> Answer:
    if answer.status != _OK:
        error = failure(problem_of(answer.status, answer.content), where)
        error.hint = HINTS.get(error.kind, error.hint)
        raise error
    return answer


class EdgeServer:
    """The server's decision engine.

    Attributes:
        is_cut: Whether all that is asked ends at once, unanswered.

    Args:
        url: Its address, as ``modelport edge serve`` prints it.

    Raises:
        InputError: That is no address.
        SetupError: httpx is not installed.
    """

    def __init__(self, url: str) -> None:
        self._door = Door(url)
        self._lines: set[Line] = set()
        self.is_cut = False
        parts = urlsplit(self._door.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._base = f"{parts.scheme}://{host}"

    @property
    def url(self) -> str:
        """Its address."""
        return self._door.url

    def endpoint(self, port: int) -> Endpoint:
        """Return the variant that answers on a port of the same host."""
        return Endpoint(f"{self._base}:{port}")

    def plan(self, device: str, *, budget: int | None = None, seconds: float = 10.0) -> DevicePlan:
        """Return the plan for a class of devices.

        Raises:
            ServiceError: It does not answer, or refuses.
            FormatError: What it answers is no plan.
        """
        query = {"device": device} | ({} if budget is None else {"budget": str(budget)})
        path = f"edge/plan?{urlencode(query)}"
        answer = _good(self._ask("GET", path, seconds), f"/edge/plan of {self.url}")
        return DevicePlan.read(_json(answer, self.url), f"the plan of {self.url}")

    def tell(self, batch: Mapping[str, Any], *, seconds: float = 10.0) -> list[str]:
        """Send a batch of statistics; return why the server left out some of it. The errors are those of `plan`."""
        content = json.dumps(batch).encode()
        answer = self._ask("POST", "edge/statistics", seconds, content, Content_Type="application/json")
        receipt = _json(_good(answer, f"/edge/statistics of {self.url}"), self.url)
        left = receipt.get("left", ()) if isinstance(receipt, dict) else ()
        return [str(one.get("message", one)) if isinstance(one, dict) else str(one) for one in left or ()]

    def _ask(self, method: str, path: str, seconds: float, content: bytes = b"", **headers: str) -> Answer:
        line = Line()
        self._lines.add(line)
        if self.is_cut:
            line.cut()
        try:
            return self._door.ask(method, path, seconds, content, line=line, **headers)
        finally:
            self._lines.discard(line)

    def cut(self) -> None:
        """End what is being asked, and what will be until `is_cut` is no longer so: nobody waits for it."""
        self.is_cut = True
        for line in tuple(self._lines):
            line.cut()

    def close(self) -> None:
        """Close the connections."""
        self._door.close()


def _json(answer: Answer, where: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        problem = Problem("unreadable-answer", f"it answers no JSON: {error}", answer.status)
        raise ServiceError(f"{where}: {problem.detail}", problem, hint="is it an edge server?") from error


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the server's.

    Attributes:
        content: The protobuf message.
        seconds: How long it took until it was here.
        inference: How long the server says that it worked on it, in seconds; None when it does not say.
    """

    content: bytes
    seconds: float
    inference: float | None


class Endpoint:
    """A variant that the server answers with.

    Attributes:
        url: The address of its service.
        up: Whether it answered when it was asked last.
        answered: When it answered last, on the monotonic clock.
        said: Why it did not answer the last probe, in words.
        lost: The call that goes on though nobody waits for its answer, if one does.
    """

    def __init__(self, url: str) -> None:
        self._door = Door(url)
        self.url = self._door.url
        self.up, self.answered, self.said = False, -inf, ""
        self.lost: Trip | None = None

    def is_there(self) -> None:
        """Note that it answered now."""
        self.up, self.answered = True, time.monotonic()

    def probe(self) -> float | None:
        """Return the seconds that a request without content takes; None when nobody answers, or not yet."""
        start = time.perf_counter()
        try:
            answer = self._door.ask("GET", "health/ready", _PROBE_SECONDS)
        except ServiceError as error:
            self.said = error.detail
            return None
        if answer.status != _OK:
            self.said = f"it answered {answer.status}"
            return None
        return time.perf_counter() - start

    def spec(self, seconds: float) -> ModelSpec:
        """Return the signature; raise ServiceError when nobody says it."""
        return self._door.contract(seconds).spec

    def call(self, spec: ModelSpec, method: str, body: bytes, seconds: float, line: Line | None = None) -> Reply:
        """Return the protobuf answer to protobuf arguments; who waits for it no longer may cut its *line*.

        Raises:
            ServiceError: There was none, or not all of it, in so many seconds; or it is a refusal.
        """
        media_type, path = MEDIA_TYPES["protobuf"], f"model/methods/{method}"
        start = time.perf_counter()
        answer = self._door.ask(
            "POST", path, seconds, body, line=line,
            Content_Type=media_type, Accept=media_type, If_Match=f'"{spec.proto_package}"',
        )  # fmt: skip
        took = time.perf_counter() - start
        content = _good(answer, f"{method} at {self.url}").content
        said = _SAID.search(answer.headers.get("server-timing", ""))
        return Reply(content, took, min(took, float(said[1]) / 1000) if said else None)

    def close(self) -> None:
        """Close the connections."""
        self._door.close()
