"""A tiny real web server on a loopback port whose answers a test writes as a function."""

from __future__ import annotations

import http.client
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out. With *cut*, the connection ends after that many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


def forwarded(request: Request, host: str) -> Reply:
    """Return what *host* answers to *request*."""
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        headers = {k: v for k, v in answer.getheaders() if k not in {"Content-Length", "Date", "Connection"}}
        if request.method == "HEAD":
            headers["Content-Length"] = answer.headers["Content-Length"]
        return Reply(answer.status, answer.read(), headers)


@dataclass(frozen=True, slots=True)
class Web:
    """A server that runs: its address, and all requests so far."""

    host: str
    seen: list[Request]

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def web_server(answer: Callable[[Request], Reply], *, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serve what *answer* returns until the context ends, encrypted when *tls* is given."""
    seen: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # an answer leaves in one piece

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers), body)
            seen.append(request)
            self.reply(answer(request))

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - what http.server looks for

        def reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            if reply.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        # The handshake is left to the thread that answers: a client that breaks it off must not keep others waiting.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Web(f"127.0.0.1:{server.server_port}", seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
