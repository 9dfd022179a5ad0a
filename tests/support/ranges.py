"""Answers to requests for ranges (RFC 9110 section 14), and a server that sends a blob slowly and counts its bytes."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from tests.support.web import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.web import Request

_PIECE = 64 * 1024


def first_byte(headers: Mapping[str, str], etag: str | None = None) -> int:
    """Return where the range that is asked for begins: 0 for none, or when ``If-Range`` names another ETag."""
    found = re.fullmatch(r"bytes=([0-9]+)-", headers.get("Range", ""))
    fits = etag is None or headers.get("If-Range", etag) == etag
    return int(found[1]) if found and fits else 0


def ranged(request: Request, content: bytes, *, etag: str | None = None, cut: int | None = None) -> Reply:
    """Answer as a server does that knows ranges; with *cut*, the connection ends after so many bytes."""
    start, headers = first_byte(request.headers, etag), {"ETag": etag} if etag else {}
    if not start:
        return Reply(200, content, headers, cut)
    if start >= len(content):
        return Reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return Reply(206, content[start:], {**headers, **told}, cut)


@dataclass(slots=True)
class SlowServer:
    """A server that runs: its address, the first byte of each request for the blob so far, and the bytes sent."""

    host: str
    starts: list[int] = field(default_factory=list)
    sent: int = 0


@contextmanager
def slow_server(contents: Mapping[str, bytes], slow: str, *, pause: float) -> Iterator[SlowServer]:
    """Serve *contents* by path, the one at *slow* in pieces of 64 KiB with a *pause* in seconds after each."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = contents.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = first_byte(dict(self.headers))
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if self.path != slow:
                self.wfile.write(content)
                return
            served.starts.append(start)
            # What lies between the two ends is neither here nor there: keep it small.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE)
            try:
                for place in range(start, len(content), _PIECE):
                    piece = content[place : place + _PIECE]
                    self.wfile.write(piece)
                    with lock:
                        served.sent += len(piece)
                    time.sleep(pause)
            except OSError:
                self.close_connection = True  # the client was killed

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = SlowServer(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
