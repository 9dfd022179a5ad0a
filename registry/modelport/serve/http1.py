"""HTTP/1.1 by uvicorn and httptools, with what they leave open closed.

A connection that never sends a whole request is dropped, one whose head or framing has no end is cut off, and what is
not HTTP is answered with a problem, too. A body that was refused unread is thrown away while it still comes, so that
the caller, who is still sending, gets to read why. Who closes the sending side has gone away, as far as anybody can
tell; an answer that is there soon is still sent.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from modelport.serve.direct import DIRECT, Direct
from modelport.serve.driven import Driven
from modelport.serve.problem import ProblemError
from modelport.serve.reading import INLINE

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from modelport.serve.limits import Limits
    from modelport.serve.outbox import Outbox

__all__ = ["Http1", "Http1Config"]

_FRAMING_BYTES = 64 * 1024  # of a head, of the sizes of chunks, of trailers
_FRAME = 8  # bytes of framing that each byte of a body may have
_PIECE = 16 * 1024  # bytes that are read at once; requests that wait behind another come from one piece
_GRACE = 0.05  # seconds for what an idle connection sent before the service stops, and for who sends no more
_LAST_BODY = 2.0  # seconds for a body that is still coming when the service stops
_LOOK = 1.0  # seconds between two looks at a connection that is being answered
_CODINGS = (b"", b"chunked,")


class _RefusedError(Exception):
    """Ends the reading of a request with *problem*."""

    def __init__(self, problem: ProblemError) -> None:
        super().__init__(problem)
        self.problem = problem


class Http1Config(uvicorn.Config):
    """uvicorn's settings, what a connection may cost, and to which paths requests are answered without a task.

    The application must not ask for its task when such a request's body is here, which it has from its `Direct`.
    """

    def __init__(
        self,
        app: Any,  # noqa: ANN401 - as uvicorn has it
        limits: Limits,
        outbox: Outbox,
        driven: frozenset[str] = frozenset(),
        **settings: Any,  # noqa: ANN401 - as uvicorn has it
    ) -> None:
        super().__init__(app, **settings)
        self.limits = limits
        self.outbox = outbox
        self.driven = driven


class _Flow(FlowControl):
    """uvicorn's control of what is read, which may be kept from reading on.

    Attributes:
        held: Whether nothing is read for now: requests wait behind the one that is being answered.
    """

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Http1(HttpToolsProtocol):
    """HTTP/1.1, with limits to how long a connection may go without a whole request, and to what frames a body.

    One timer for each connection looks now and then since when it has been waiting, in place of two for each request.
    While requests wait behind another one, no more of them is read.
    """

    config: Http1Config
    flow: _Flow
    _since: float = 0.0
    _timer: asyncio.TimerHandle | None = None
    _framing: int = 0
    _hosts: int = 0
    _codings: bytes = b""
    _upgrades: bool = False
    _unread: bytes = b""
    _refusal: ProblemError | None = None
    _unsent: int = 0
    _unsent_since: float = 0.0
    _in_head: bool = True
    _untouched: bool = False
    _stops: bool = False
    _begun: tuple[RequestResponseCycle, ASGI3Application] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.flow = _Flow(transport)
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.config.limits.head_seconds, self._look)
        most = self.config.limits.connections
        if len(self.connections) > most:
            self._refuse(ProblemError("overloaded", f"{most} connections are open already; try again"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override] # as asyncio has it
        """Let a caller who sends no more have an answer that is there soon: it may as well have gone away."""
        cycle = self.cycle
        self.config.outbox.flush()
        if cycle is None or cycle.response_complete or cycle.more_body:  # type: ignore[redundant-expr] # None at first
            return None
        cycle.keep_alive = False
        self.loop.call_later(_GRACE, self.transport.close)
        return True

    def data_received(self, data: bytes) -> None:
        """Read what has come, unless other requests wait."""
        self._untouched = False
        if self.config.outbox.waiting:  # nothing is to be sent before
            self.config.outbox.flush()
        if self._refusal or self.transport.is_closing():
            return
        if self._unread:
            self._unread += data
            return
        for place in range(0, len(data), _PIECE):
            self._read(data[place : place + _PIECE] if len(data) > _PIECE else data)
            if self._refusal or self.transport.is_closing():
                return
            if self.pipeline:
                self._unread = data[place + _PIECE :]
                self.flow.pause_reading()
                self.flow.held = True
                return

    def _read(self, data: bytes) -> None:
        self._framing += len(data)
        try:
            try:
                self._feed(data)
            finally:
                if self._begun:
                    self._start(*self._begun)
        except httptools.HttpParserError as error:
            said = error.__context__ or error
            if isinstance(said, _RefusedError):
                self._refuse(said.problem)
            else:
                is_told = isinstance(said, httptools.HttpParserError)
                self.send_400_response(str(said) if is_told else "its head cannot be read")
            return
        if self._framing > _FRAMING_BYTES and not self.transport.is_closing():
            kind = "head-too-large" if self._in_head else "malformed-request"
            self._refuse(ProblemError(kind, f"a request's head and framing have at most {_FRAMING_BYTES} bytes"))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin to answer a request; one that may need no task when all that came has been read, its body perhaps."""
        if cycle.more_body and cycle.scope["path"] in self.config.driven and cycle.scope["method"] == "POST":
            self._begun = cycle, app
        else:  # one that waited behind another has a task: answers within answers would have no end
            super()._start_asgi_task(cycle, app)

    def _start(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._begun = None
        if cycle.more_body or cycle.disconnected or len(cycle.body) > INLINE:
            super()._start_asgi_task(cycle, app)
        else:
            Driven(cycle.run_asgi(app), self.tasks).start()

    def _feed(self, data: bytes) -> None:
        """Give *data* to the parser; it takes no body where another protocol is asked for, and so is given it anew."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._upgrades:  # CONNECT, which has no body
                    return
                data = self._head_of_http() + data[upgrade.args[0] :]
                self._upgrades = False
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            else:
                return

    def _head_of_http(self) -> bytes:
        """Return the head of the request that was read, so that it asks for no other protocol (RFC 9110, 7.8)."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        fields = [(name, value) for name, value in self.headers if name not in {b"upgrade", b"connection"}]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                fields += [(name, token) for token in tokens if token.lower() != b"upgrade"]
        lines = [b"%s %s HTTP/%s\r\n" % (method, self.url, version), *(b"%s: %s\r\n" % field for field in fields)]
        return b"".join(lines) + b"\r\n"

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        super().on_message_begin()
        self._framing = self._hosts = 0
        self._codings = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; those behind a body say nothing that matters here."""
        if self._in_head:
            super().on_header(name, value)
            field = self.headers[-1][0]
            if field == b"host":
                self._hosts += 1
            elif field == b"transfer-encoding":
                self._codings += value.strip().lower() + b","

    def on_headers_complete(self) -> None:
        """Begin to answer the request."""
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() == "1.1"):
            raise _RefusedError(ProblemError("malformed-request", "a request has one Host field"))
        if self._codings not in _CODINGS:
            raise _RefusedError(ProblemError("unknown-coding", "a body's only transfer coding may be chunked"))
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._upgrades = True  # to nothing: no other protocol is spoken here
            return
        super().on_headers_complete()
        self._in_head = False
        if self._stops or self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self.cycle.scope["extensions"] = {DIRECT: Direct(self.cycle, self.config.outbox)}  # type: ignore[dict-item] # it is no message's

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, or throw it away once the request has been answered."""
        self._framing = max(0, self._framing - _FRAME * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._framing = 0
        self._in_head = True
        if not self._upgrades:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to answer the next request, or to wait for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        self._untouched = True
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            if self.pipeline:
                return
        elif self._refusal:
            self._answer_refusal(self._refusal)
            return
        self.flow.held = False
        if self._unread:
            data, self._unread = self._unread, b""
            self.data_received(data)
        if not self.flow.held:
            self.flow.resume_reading()

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
            if self.cycle.more_body:
                self.loop.call_later(_LAST_BODY, self._wait_no_longer, self.cycle)

    def _wait_no_longer(self, cycle: RequestResponseCycle) -> None:
        if cycle is self.cycle and cycle.more_body and not cycle.response_started and not self._refusal:
            self._refuse(ProblemError("not-ready", "the service stops, and the body was not here yet"))

    def _close_unless_busy(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr] # it is None at first
            self.transport.close()

    def _refuse(self, problem: ProblemError) -> None:
        """Answer *problem* in place of what cannot be read on, once the requests before that have their answers."""
        cycle = self.cycle
        if cycle is None:  # as it is at first
            self._answer_refusal(problem)
        elif self._in_head:  # the next request's; this one came whole
            if cycle.response_complete:
                self._answer_refusal(problem)
            else:
                self._refusal = problem
        elif cycle.response_started:
            self.transport.close()  # the answer is under way or done already; only its body went wrong
        elif self.pipeline:  # its turn has not come
            self.pipeline.popleft()
            self._refusal = problem
        else:
            cycle.disconnected = True  # the application must not answer, too
            cycle.message_event.set()
            self._answer_refusal(problem)
        self._unread = b""
        if self._refusal:
            self.flow.pause_reading()
            self.flow.held = True

    def _answer_refusal(self, problem: ProblemError) -> None:
        answer = problem.response(uuid.uuid4().hex)
        fields = [*answer.raw_headers, (b"connection", b"close")]
        head = b"".join([STATUS_LINE[answer.status_code], *(b"%s: %s\r\n" % field for field in fields)])
        self.transport.write(head + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def _look(self) -> None:
        """Drop the connection if it has had no request for too long, else look again when that may be."""
        self._timer = None
        now, limits = self.loop.time(), self.config.limits
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent or not self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        if now - self._unsent_since >= limits.body_seconds:
            self.transport.abort()  # nothing of the answer has been taken: closing would wait for that
            return
        if unsent:
            self._since = now
            wait = min(limits.body_seconds, _LOOK)
        elif self.transport.is_closing():
            return
        elif self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr] # None at first
            wait = min(limits.head_seconds, _LOOK)  # it is being answered
        else:
            allowed = limits.head_seconds
            if self._untouched:
                allowed = min(allowed, self.config.timeout_keep_alive)
            wait = self._since + allowed - now
        if wait <= 0:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(wait, self._look)
