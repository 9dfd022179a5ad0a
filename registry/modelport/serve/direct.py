"""Requests whose body is here and whose answer is whole, without the ceremony of ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from modelport.serve.outbox import Outbox

__all__ = ["DIRECT", "Direct", "without_direct"]

DIRECT = "modelport.direct"
"""The name, among a scope's ``extensions``, of a request's `Direct`."""


class Direct:
    """A request without the ceremony of ASGI: for bodies that are here, and answers that are whole."""

    __slots__ = ("_cycle", "_outbox")

    def __init__(self, cycle: RequestResponseCycle, outbox: Outbox) -> None:
        self._outbox = outbox
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
        self._outbox.put(cycle.transport, b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._outbox.flush()
            cycle.transport.close()
        cycle.on_response()
        return True


def without_direct(app: ASGIApp) -> ASGIApp:
    """Return *app* so that it never sees a `Direct`: what wraps an application sees only what goes ASGI's way."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {}} if scope["type"] == "http" else scope, receive, send)

    return called
