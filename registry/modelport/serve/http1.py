"""HTTP/1.1 by uvicorn and httptools, with what they leave open closed.

A connection that never sends a whole request is dropped, one whose head or framing has no end is cut off, and what is
not HTTP is answered with a problem, too. A body that was refused unread is thrown away while it still comes, so that
the caller, who is still sending, gets to read why. Who closes the sending side has gone away, as far as anybody can
tell; an answer that is there soon is still sent.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from weakref import ref

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

__all__ = ["DIRECT", "Direct", "Http1", "Http1Config", "without_direct"]

DIRECT = "modelport.direct"
"""The name, among a scope's ``extensions``, of a request's `Direct`."""

_FRAMING_BYTES = 64 * 1024  # of a head, of the sizes of chunks, of trailers
_FRAME = 8  # bytes of framing that each byte of a body may have


_GRACE = 0.05  # seconds for what an idle connection sent before the service stops, and for who sends no more


class _MalformedError(Exception):
    """What is wrong with a request, in words for its sender."""


class Http1Config(uvicorn.Config):
    """uvicorn's settings, and how long a connection may go without a whole request."""

    def __init__(self, app: Any, *, head_seconds: float, **settings: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        super().__init__(app, **settings)
        self.head_seconds = head_seconds


class Direct:
    """A request without the ceremony of ASGI: for bodies that are here, and answers that are whole."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = ref(cycle)  # its scope refers to this: requests are not to wait for the collector

    def body(self) -> bytes | None:
        """Return the request's body, or None if it is not here yet."""
        cycle = self._cycle()
        if cycle is None or cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def answer(self, status: int, fields: bytes, body: bytes) -> bool:
        """Send an answer, or return False where only ASGI's way is open: the caller takes nothing now, say.

        Args:
            status: Its status.
            fields: Its header fields as they go over the wire, but for Content-Length.
            body: Its body.
        """
        cycle = self._cycle()
        if cycle is None or cycle.flow.write_paused or cycle.disconnected:
            return False
        if cycle.response_started or cycle.waiting_for_100_continue:
            return False
        parts = [STATUS_LINE[status], *(b"%s: %s\r\n" % field for field in cycle.default_headers), fields]
        parts.append(b"content-length: %d\r\n" % len(body))
        parts.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        if cycle.scope["method"] != "HEAD":
            parts.append(body)
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


def without_direct(app: ASGIApp) -> ASGIApp:
    """Return *app* so that it never sees a `Direct`: what wraps an application sees only what goes ASGI's way."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {}} if scope["type"] == "http" else scope, receive, send)

    return called


class Http1(HttpToolsProtocol):
    """HTTP/1.1, with limits to how long a connection may go without a whole request, and to what frames a body.

    One timer for each connection looks now and then since when it has been waiting, in place of two for each request.
    """

    config: Http1Config
    _since: float = 0.0
    _timer: asyncio.TimerHandle | None = None
    _framing: int = 0
    _hosts: int = 0
    _in_head: bool = True
    _untouched: bool = False
    _stops: bool = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.config.head_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override] # as asyncio has it
        """Let a caller who sends no more have an answer that is there soon: it may as well have gone away."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:  # type: ignore[redundant-expr] # None at first
            return None
        cycle.keep_alive = False
        self.loop.call_later(_GRACE, self.transport.close)
        return True

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        self._untouched = False
        self._framing += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the request is answered as it is
        except httptools.HttpParserError as error:
            said = error.__context__ or error
            is_told = isinstance(said, (_MalformedError, httptools.HttpParserError))
            self.send_400_response(str(said) if is_told else "its head cannot be read")
            return
        if self._framing > _FRAMING_BYTES and not self.transport.is_closing():
            kind = "head-too-large" if self._in_head else "malformed-request"
            self._refuse(ProblemError(kind, f"a request's head and framing have at most {_FRAMING_BYTES} bytes"))

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        super().on_message_begin()
        self._framing = self._hosts = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; those behind a body say nothing that matters here."""
        if self._in_head:
            super().on_header(name, value)
            if self.headers[-1][0] == b"host":
                self._hosts += 1

    def on_headers_complete(self) -> None:
        """Begin to answer the request."""
        self._in_head = False
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() == "1.1"):
            raise _MalformedError("a request has one Host field")
        super().on_headers_complete()
        if self._stops or self.parser.should_upgrade():  # no other protocol is spoken here
            self.cycle.keep_alive = False
        self.cycle.scope["extensions"] = {DIRECT: Direct(self.cycle)}  # type: ignore[dict-item] # it is no message's

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, or throw it away once the request has been answered."""
        self._framing = max(0, self._framing - _FRAME * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._framing = 0
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        self._untouched = True
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP (uvicorn's own answer is plain text)."""
        self._refuse(ProblemError("malformed-request", msg))

    def shutdown(self) -> None:
        """Take no more requests, but what has been sent by now."""
        self._stops = True
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr] # it is None at first
            # The second timer cannot end before the loop has read what came meanwhile, however late the first one was.
            self.loop.call_later(_GRACE, self.loop.call_later, _GRACE, self._close_unless_busy)
        else:
            self.cycle.keep_alive = False

    def _close_unless_busy(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr] # it is None at first
            self.transport.close()

    def _refuse(self, problem: ProblemError) -> None:
        cycle = self.cycle
        if cycle is not None:  # as it is at first
            if (not self._in_head) if cycle.response_complete else cycle.response_started:
                self.transport.close()  # the answer is under way or done already; only its body went wrong
                return
            cycle.disconnected = True  # the application must not answer, too
            cycle.message_event.set()
        answer = problem.response(uuid.uuid4().hex)
        fields = [*answer.raw_headers, (b"connection", b"close")]
        head = b"".join([STATUS_LINE[answer.status_code], *(b"%s: %s\r\n" % field for field in fields)])
        self.transport.write(head + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def _look(self) -> None:
        """Drop the connection if it has had no request for too long, else look again when that may be."""
        self._timer = None
        now, config = self.loop.time(), self.config
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr] # None at first
            wait = min(config.head_seconds, 1.0)  # it is being answered
        else:
            allowed = config.head_seconds
            if self._untouched:
                allowed = min(allowed, config.timeout_keep_alive)
            wait = self._since + allowed - now
        if wait <= 0:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(wait, self._look)
