"""A small real proxy on a loopback port: tunnels for TLS (``CONNECT``), whole requests without.

It knows names that nobody else does, so tests can speak of ``registry.example`` and reach a loopback port.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class ProxyServer:
    """A proxy that runs: its address, and each request's first line and headers."""

    url: str
    seen: list[tuple[str, dict[str, str]]]


@contextmanager
def proxy_server(
    names: Mapping[str, str], *, authorization: str | None = None, refuse: int | None = None
) -> Iterator[ProxyServer]:
    """Run a proxy until the context ends.

    Args:
        names: Where each ``host:port`` leads, as another ``host:port``; everything else is answered 502.
        authorization: The Proxy-Authorization that it wants to see.
        refuse: The status with which it refuses everything.
    """
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def allowed(self, place: str) -> str | None:
            seen.append((self.requestline, dict(self.headers)))
            wanted = authorization in {None, self.headers.get("Proxy-Authorization")}
            status = refuse or (502 if wanted else 407)
            if refuse or not wanted or place not in names:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            return names[place]

        def do_CONNECT(self) -> None:
            if (place := self.allowed(self.path)) is None:
                return
            host, _, port = place.rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                _pump(self.connection, there)
            self.close_connection = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if (place := self.allowed(parts.netloc)) is None:
                return
            length = int(self.headers.get("Content-Length", 0))
            headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
            with contextlib.closing(http.client.HTTPConnection(place)) as there:
                target = f"{parts.path}{'?' + parts.query if parts.query else ''}"
                there.request(self.command, target, self.rfile.read(length), headers)
                answer = there.getresponse()
                content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"content-length", "date", "server", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST = do_HEAD = do_GET  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ProxyServer(f"127.0.0.1:{server.server_port}", seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _pump(here: socket.socket, there: socket.socket) -> None:
    other = {here: there, there: here}
    while True:
        for one in select.select([here, there], [], [])[0]:
            data = one.recv(65536)
            if not data:
                return
            other[one].sendall(data)
