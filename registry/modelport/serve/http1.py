"""HTTP/1.1 by uvicorn and h11, with what they leave open closed.

A connection that never sends a whole request is dropped, and what is not HTTP is answered with a problem, too. A body
that was refused unread is thrown away while it still comes, so that the caller, who is still sending, gets to read why.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    import asyncio

__all__ = ["Http1", "Http1Config"]


class Http1Config(uvicorn.Config):
    """uvicorn's settings, and how long a connection may go without a whole request."""

    def __init__(self, app: Any, *, head_seconds: float, **settings: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        super().__init__(app, **settings)
        self.head_seconds = head_seconds


class Http1(H11Protocol):
    """HTTP/1.1, with a limit to how long a connection may go without a whole request."""

    config: Http1Config
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._head_timer:
            self._head_timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP (uvicorn's own answer is plain text)."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()  # the answer is under way or done already; only its body went wrong
            return
        answer = ProblemError("malformed-request", msg).response(uuid.uuid4().hex)
        headers: list[tuple[bytes, bytes]] = [*answer.raw_headers, (b"connection", b"close")]
        parts: list[Any] = [
            h11.Response(status_code=answer.status_code, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ]
        if self.cycle is not None:  # as it is at first
            self.cycle.disconnected = True  # the application must not answer, too
        self.transport.write(b"".join(filter(None, map(self.conn.send, parts))))
        self.transport.close()

    def _await_head(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(self.config.head_seconds, self._drop_unless_busy)

    def _drop_unless_busy(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr] # it is None at first
            self.transport.close()
