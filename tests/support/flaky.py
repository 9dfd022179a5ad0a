"""A small real service on a loopback port that is told, for each request in turn, how to go wrong.

Where it is told nothing it answers as a service does: its descriptors, and the calls of a model in this process.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from modelport.model.json_form import JSON_MAPPING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from modelport.model import Model

__all__ = ["Act", "Flaky", "descriptors", "flaky"]

METADATA = "/model/artifacts/metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What happens to one call.

    Attributes:
        reset: Cut the connection: ``before`` an answer, or in the ``middle`` of one.
        status: Answer with it instead.
        headers: Header fields of that answer.
        body: Its body.
        hang: Say nothing until the server ends.
    """

    reset: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    hang: bool = False


@dataclass(slots=True)
class Flaky:
    """A service that runs.

    Attributes:
        url: Its address.
        acts: What happens to the next calls, in order.
        document: What it says of itself.
        seen: Each call's header fields, by names in lower case.
    """

    url: str
    model: Model
    document: dict[str, Any]
    acts: list[Act] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def descriptors(model: Model, name: str = "flaky") -> dict[str, Any]:
    return {"name": name, "version": "1.0.0", "json": JSON_MAPPING, "signature": model.spec.to_json()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def state(self) -> Flaky:
        assert isinstance(self.server, _Server)
        return self.server.state

    def do_GET(self) -> None:
        if self.path == METADATA:
            self.answer(200, json.dumps(self.state.document).encode(), ("Content-Type", "application/json"))
        else:
            self.answer(404, b"nothing")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.state.seen.append({name.lower(): value for name, value in self.headers.items()})
        act = self.state.acts.pop(0) if self.state.acts else Act()
        if act.hang:
            self.state.over.wait()
        if act.reset == "before" or act.hang:
            self.cut()
        elif act.status:
            self.answer(act.status, act.body, *act.headers)
        else:
            content = self.state.model.methods[self.path.rpartition("/")[2]].call_bytes(body)
            self.answer(200, content, ("Content-Type", "application/x-protobuf"), cut=act.reset == "middle")

    def answer(self, status: int, content: bytes, *headers: tuple[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:-1] if cut else content)
        self.close_connection = cut

    def cut(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, state: Flaky) -> None:
        self.state = state
        self.connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def cut_all(self) -> None:
        """End the connections that clients keep."""
        for one in self.connections:
            with contextlib.suppress(OSError):  # those that have ended
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the client went away, or the connection was cut


@contextmanager
def flaky(model: Model, *acts: Act, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Flaky]:
    """Run a service of *model* until the context ends."""
    state = Flaky("", model, descriptors(model), list(acts))
    with _Server(port, state) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        state.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.over.set()
            server.shutdown()
            thread.join()
            server.cut_all()
