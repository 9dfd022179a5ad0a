"""An address of the edge server, asked over connections that are kept, each of which can be cut while it is used.

A connection carries one request at a time, and each has an HTTP client of its own: whoever waits for an answer no
longer ends that request alone, at once, and with it what waits at both ends. Others go on.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from modelport.client.errors import Problem, ServiceError
from modelport.client.retries import Retries
from modelport.client.steps import Answer, Send, ask, ask_contract
from modelport.client.transport import Transport, client_options
from modelport.errors import InputError

if TYPE_CHECKING:
    import httpx

    from modelport.client.contract import Contract
    from modelport.client.steps import Steps

__all__ = ["HINTS", "Door", "Line"]

HINTS = {
    "unreachable": "is it running there? `modelport edge serve` prints its address",
    "timeout": "see to the network, or give it more time: Runtime.open(..., patience=)",
    "tls": "is it an http:// address, as `modelport edge serve` prints it?",
    "overloaded": "call again later",
    "not-ready": "it is starting or stopping: call again later",
    "out-of-time": "the edge server's own limit is reached: call again later",
    "body-too-large": "send less at once",
    "signature-changed": "take the server's newer plan: update()",
}
"""The ways out by what happened, where they differ from those of a single service's caller."""
_ONCE = Retries(most=0)
_MOST_BYTES = 64 * 2**20
"""The longest answer that is read."""
_IDLE_SECONDS = 4.0
"""After how long a connection is not used again: a service ends it after five, and what is on its way then is lost."""
_CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})
"""What httpx's transport tells when it has a socket: https://www.encode.io/httpcore/extensions/#trace."""


class _Lane:
    """One connection: connected when it is needed, and used again."""

    def __init__(self, options: dict[str, Any]) -> None:
        import httpx

        limits = httpx.Limits(max_connections=1, keepalive_expiry=_IDLE_SECONDS)
        client = httpx.Client(**options, limits=limits, event_hooks={"request": [self._follow]})
        self.transport = Transport(client)
        self.is_cut = False
        self._socket: socket.socket | None = None

    def _follow(self, request: httpx.Request) -> None:
        """Learn over which socket a request goes, beside whoever else is told."""
        told = request.extensions.get("trace")

        def trace(event: str, info: dict[str, Any]) -> None:
            if event in _CONNECTED:
                self._socket = info["return_value"].get_extra_info("socket")
                if self.is_cut:
                    self.cut()
            if told is not None:
                told(event, info)

        request.extensions = {**request.extensions, "trace": trace}

    def cut(self) -> None:
        """End the connection, whoever reads from it; one that is being made ends as soon as it is there."""
        self.is_cut = True
        if self._socket is not None:
            with suppress(OSError):  # it has ended by itself
                # Not the method of an encrypted one, which would take its reader's state away.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Line:
    """A request under way, as another thread can end it.

    Attributes:
        is_cut: Whether one has.
    """

    def __init__(self) -> None:
        self.is_cut = False
        self._lock = Lock()
        self._lane: _Lane | None = None

    def cut(self) -> None:
        """End the request; once it has been answered, nothing."""
        with self._lock:
            self.is_cut = True
            if self._lane is not None:
                self._lane.cut()

    def begin(self, lane: _Lane) -> None:
        """Go over a connection, until `end`."""
        with self._lock:
            self._lane = lane
            if self.is_cut:
                lane.cut()

    def end(self) -> None:
        """Leave the connection, which others may use from now on."""
        with self._lock:
            self._lane = None


class Door:
    """An address; any number of threads may ask it.

    Raises:
        InputError: That is no address.
        SetupError: httpx is not installed.
    """

    def __init__(self, url: str) -> None:
        self._options = client_options(url, {}, verify=True, trust_env=False)
        base = self._options["base_url"]
        self.url = str(base).rstrip("/")
        # Reading the authorities' certificates takes long, and what is not encrypted needs none.
        self._options["verify"] = _authorities() if base.scheme == "https" else False
        self._lock, self._is_closed = Lock(), False
        self._idle: list[tuple[_Lane, float]] = []

    def ask(
        self, method: str, path: str, seconds: float, content: bytes = b"", *, line: Line | None = None, **headers: str
    ) -> Answer:
        """Return the answer, whatever its status.

        Raises:
            ServiceError: There was none, or not all of it, in so many seconds.
        """
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        request = Send(method, path, named, content, time.monotonic() + seconds, most=_MOST_BYTES)
        answer: Answer = self._run(ask(request, _ONCE, f"/{path} of {self.url}"), line or Line())
        return answer

    def contract(self, seconds: float) -> Contract:
        """Return what the service there says of itself; the errors are those of `ask`."""
        found: Contract = self._run(ask_contract(self.url, _ONCE, time.monotonic() + seconds), Line())
        return found

    def close(self) -> None:
        """Close the connections; those that are used, when they are no longer."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for lane, _ in idle:
            lane.transport.close()

    def _run(self, steps: Steps, line: Line) -> Any:  # noqa: ANN401 - whatever the steps return
        lane = self._lane()
        try:
            line.begin(lane)
            return lane.transport.run(steps)
        except ServiceError as error:
            error.hint = HINTS.get(error.kind, error.hint)
            raise
        except (OSError, ValueError) as error:  # a name that cannot be one
            problem = Problem("unreachable", f"the service cannot be reached: {error}")
            raise ServiceError(f"{self.url}: {problem.detail}", problem, hint=HINTS[problem.kind]) from error
        finally:
            line.end()
            self._take_back(lane)

    def _lane(self) -> _Lane:
        with self._lock:
            if self._is_closed:
                raise InputError(f"the connections to {self.url} are closed", hint="open the runtime again")
            if self._idle:
                return self._idle.pop()[0]
        return _Lane(self._options)

    def _take_back(self, lane: _Lane) -> None:
        """Keep a connection for the next one who asks, and close those that nobody has used for long."""
        now = time.monotonic()
        with self._lock:
            is_good = not (lane.is_cut or self._is_closed)
            old = [one for one, since in self._idle if now - since > _IDLE_SECONDS]
            self._idle = [(one, since) for one, since in self._idle if now - since <= _IDLE_SECONDS]
            if is_good:
                self._idle.append((lane, now))
        for one in old if is_good else (*old, lane):
            one.transport.close()


def _authorities() -> Any:  # noqa: ANN401 - an ssl.SSLContext
    import httpx

    return httpx.create_ssl_context(trust_env=False)
