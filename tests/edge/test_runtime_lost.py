"""A request that nobody waits for any longer is cut, alone: neither its socket nor its thread outlives its use."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from tests.edge.devices import AWAY, FAST, Made, ServiceProcess, eventually, opened, plan_of, relay, up

from modelport.client.errors import ServiceError
from modelport.edge.doors import Door, Line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Server(ThreadingHTTPServer):
    """Answers ``/slow`` when it is told to, all else at once; counts connections, and those that wait."""

    daemon_threads = True

    def __init__(self) -> None:
        self.go, self.connections, self.waiting = threading.Event(), 0, 0
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.server.waiting += 1
            self.server.go.wait()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return


@contextmanager
def server_and_door() -> Iterator[tuple[Server, Door]]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        door = Door(f"http://127.0.0.1:{server.server_port}")
        try:
            yield server, door
        finally:
            server.go.set()
            door.close()
            server.shutdown()
            thread.join()


def test_a_request_is_cut_and_no_other_ends() -> None:
    answers: dict[str, object] = {}

    def ask(name: str, line: Line) -> None:
        try:
            answers[name] = door.ask("GET", "slow", 300.0, line=line).content
        except ServiceError as error:
            answers[name] = error

    with server_and_door() as (server, door):
        lines = {name: Line() for name in ("cut", "other")}
        threads = {name: threading.Thread(target=ask, args=(name, line)) for name, line in lines.items()}
        for thread in threads.values():
            thread.start()
        eventually(lambda: server.waiting == 2)
        lines["cut"].cut()
        threads["cut"].join(30)
        assert isinstance(answers["cut"], ServiceError)
        assert threads["other"].is_alive()
        assert door.ask("GET", "quick", 300.0).content == b"ok"
        server.go.set()
        threads["other"].join(30)
        assert answers["other"] == b"ok"


def test_what_is_cut_too_late_harms_nobody_who_has_the_connection_now() -> None:
    with server_and_door() as (server, door):
        line = Line()
        assert door.ask("GET", "quick", 300.0, line=line).content == b"ok"
        line.cut()
        assert door.ask("GET", "quick", 300.0).content == b"ok"
        assert server.connections == 1
        with pytest.raises(ServiceError):
            door.ask("GET", "quick", 300.0, line=line)
        assert door.ask("GET", "quick", 300.0).content == b"ok"


@pytest.mark.parametrize("preload", [True, False])
def test_calls_that_are_lost_keep_neither_threads_nor_connections(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, *, preload: bool
) -> None:
    with relay(strong.port) as way:
        plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=way.port)])
        settings = {"server": AWAY, "patience": 300.0, "probe": 60.0, "preload": preload}
        with opened(tmp_path / "device", store, plan, **settings) as runtime:
            up(runtime)
            way.hole = True
            for _ in range(3):
                runtime._hand.models["teller"].remote[0].endpoint.up = True
                assert runtime.call("tell", {"x": 1.0}, deadline=1.0).place == "device"
            eventually(lambda: runtime._answering._waiting.count <= 1)  # long before the patience ends
            runtime._hand.models["teller"].remote[0].endpoint.up = True
            runtime.call("tell", {"x": 1.0}, deadline=1.0)
        eventually(lambda: not [one for one in threading.enumerate() if one.name.startswith("edge-remote")])
