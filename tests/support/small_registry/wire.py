"""The HTTP side of the small registry, where the faults happen."""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.support.small_registry.faults import PIECE, spoil
from tests.support.small_registry.request import (
    Answer,
    BrokenRequestError,
    Incoming,
    LostSessionError,
    RefusedError,
    Seen,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.small_registry.faults import Fault

_READ = 64 * 1024
_LINGER_SECONDS = 2.0
_BREAKING = frozenset({"cut", "reset", "stall"})
_ENDLESS = frozenset({"drip", "interim"})
_SPOILING = frozenset({"flip", "zeros", "repeat", "insert", "truncate"})


class Server(ThreadingHTTPServer):
    """One origin of the small registry.

    Args:
        place: What requests here are said to be sent to.
        answer: Answers a request, or raises RefusedError.
        notice: Told of each request; returns the fault that hits it.
        pace: Seconds to wait after each 64 KiB.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, place: str, answer: Callable[[Incoming], Answer], notice: Callable[[Seen], Fault | None], pace: float
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.place, self.answer, self.notice, self.pace = place, answer, notice, pace
        self.host = f"127.0.0.1:{self.server_port}"
        self.closing = False
        self.errors: list[BaseException] = []
        self._connections: set[socket.socket] = set()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base's arguments
        """Keep quiet about clients that went away; keep what is a fault of this server."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.errors.append(error)

    def hang_up(self) -> None:
        """Cut all connections, as a registry does that is killed."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self.closing = True
        self.shutdown()
        self.hang_up()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 0
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(parts.query, keep_blank_values=True)
        self.seen = Seen(self.server.place, self.command, parts.path, query, headers)
        self.unread = 1 if "transfer-encoding" in headers else int(headers.get("content-length", 0))
        fault = self.server.notice(self.seen)
        self.fault = fault
        try:
            if fault and fault.of == "answer" and fault.kind == "status":
                raise _injected(fault)
            elsewhere = fault is not None and fault.kind == "redirect"
            answer = self.server.answer(Incoming(self._asked(fault), self._body(fault), elsewhere))
        except RefusedError as error:
            answer = error.answer
        except BrokenRequestError:
            self._break(fault.kind if fault else "cut")
            return
        self._send(answer, fault if fault and fault.of == "answer" else None)
        if self.unread:
            self._linger()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Keep quiet."""

    # What comes

    def _asked(self, fault: Fault | None) -> Seen:
        """Return the request as the registry understands it."""
        headers = dict(self.seen.headers)
        begin, dash, end = headers.get("range", "").removeprefix("bytes=").partition("-")
        if fault and fault.kind == "whole":
            headers.pop("range", None)
        if fault and fault.kind == "elsewhere" and begin:
            headers["range"] = f"bytes={max(0, int(begin) - (fault.at or 0))}{dash}{end}"
        return Seen(self.seen.place, self.seen.method, self.seen.path, self.seen.query, headers)

    def _body(self, fault: Fault | None) -> Iterator[bytes]:
        pieces = self._pieces()
        if fault is None or fault.of == "answer":
            return pieces
        if fault.kind in _SPOILING:
            return iter([spoil(fault, b"".join(pieces))])
        return self._failing(pieces, fault)

    def _failing(self, pieces: Iterator[bytes], fault: Fault) -> Iterator[bytes]:
        at, seen = fault.at or 0, 0
        for piece in pieces:
            if fault.kind == "slow" and seen >= at:
                time.sleep(fault.pause)
            elif seen + len(piece) > at:
                yield piece[: at - seen]
                raise _ending(fault)
            yield piece
            seen += len(piece)
        if fault.kind != "slow":  # the body ended before the fault's place: it comes at the end
            raise _ending(fault)

    def _pieces(self) -> Iterator[bytes]:
        sizes = self._frames() if "transfer-encoding" in self.seen.headers else iter([self.unread])
        step = PIECE if self.fault and self.fault.of == "request" else _READ
        for size in sizes:
            left = size
            while left:
                piece = self.rfile.read(min(left, step))
                if not piece:
                    self.unread = 0
                    raise BrokenRequestError
                left -= len(piece)
                self.seen.received += len(piece)
                if "transfer-encoding" not in self.seen.headers:
                    self.unread -= len(piece)
                if self.server.pace:
                    time.sleep(self.server.pace)
                yield piece

    def _frames(self) -> Iterator[int]:
        """Yield the sizes of a chunked body's chunks, each to be read before the next is asked for."""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            yield size
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        self.unread = 0

    # What goes

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind in _BREAKING and fault and fault.at is None:
            self._break(kind)
            return
        if fault and kind in _ENDLESS:
            self._send_endless_head(kind, fault.pause)
            return
        body = spoil(fault, answer.body) if fault else answer.body
        headers = {"Content-Length": str(len(body)), **answer.headers}
        if kind == "length" and fault:
            headers["Content-Length"] = str(fault.at)
        if kind == "digest":
            headers["Docker-Content-Digest"] = "sha256:" + "d" * 64
        if kind == "garble":
            headers["Transfer-Encoding"] = "chunked"
            del headers["Content-Length"]
        if self.unread:
            headers["Connection"] = "close"
        self.seen.status = answer.status
        self._send_head(answer.status, headers)
        if self.command != "HEAD" and answer.status not in {http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED}:
            self._send_body(body, fault)

    def _send_head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_endless_head(self, kind: str, pause: float) -> None:
        """Send what is never all of a head, until the client hangs up."""
        self.close_connection = True
        piece = b"x" if kind == "drip" else b"HTTP/1.1 100 Continue\r\n\r\n"
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: " if kind == "drip" else b"")
        while not self.server.closing:
            self.wfile.write(piece)
            time.sleep(pause)

    def _send_body(self, body: bytes, fault: Fault | None) -> None:
        kind, at = (fault.kind, min(fault.at or 0, len(body))) if fault else ("", len(body))
        if kind in _BREAKING:
            self._write(body[:at])
            self._break(kind)
        elif kind == "slow" and fault:
            self._write(body[:at])
            for start in range(at, len(body), PIECE):
                time.sleep(fault.pause)
                self._write(body[start : start + PIECE])
        elif kind == "garble":
            self.wfile.write(f"{at:x}\r\n".encode() if at else b"")
            self._write(body[:at])
            self.wfile.write(b"\r\nthis is no size\r\n" if at else b"this is no size\r\n")
            self._break("cut")
        else:
            self._write(body)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), _READ):
            piece = view[start : start + _READ]
            self.seen.sent += len(piece)
            self.wfile.write(piece)
            if self.server.pace:
                time.sleep(self.server.pace)

    # Ends

    def _break(self, kind: str) -> None:
        self.close_connection = True
        self.unread = 0
        if kind == "stall":
            self._stall()
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def _stall(self) -> None:
        """Say nothing until the client hangs up."""
        while not self.server.closing:
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable and not self.connection.recv(_READ):
                return

    def _linger(self) -> None:
        """After an early answer: let what still comes run out, so that the answer is not lost to a reset."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            while self.connection.recv(_READ):
                pass


def _ending(fault: Fault) -> Exception:
    if fault.kind == "session":
        return LostSessionError()
    return _injected(fault) if fault.kind == "status" else BrokenRequestError()


def _injected(fault: Fault) -> RefusedError:
    named = {name.replace("-", "_"): value for name, value in fault.headers.items()}
    return RefusedError(fault.status, "INJECTED", "a test wants this", **named)
