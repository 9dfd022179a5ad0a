"""What a connection may cost: requests that are sent ahead, answers that nobody takes, and who stays when it ends."""

from __future__ import annotations

import re
import signal
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.serve.doors import doors
from tests.serve.models import trouble as make_trouble
from tests.serve.running import problem_in, serving
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.serve.running import Running

LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
HEAD = b"POST /model/methods/%s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
REFUSED = b"HTTP/1.1 429 "


def call(method: bytes, body: bytes) -> bytes:
    return HEAD % method + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def resident(service: Running) -> int:
    """Return how many bytes of memory a service's process has."""
    return int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]) * 4096


def connections(service: Running) -> int:
    files = Path(f"/proc/{service.process.pid}/fd").iterdir()
    return sum(one.readlink().name.startswith("socket:") for one in files if one.is_symlink())


def test_requests_that_are_sent_ahead_wait_in_the_callers_memory() -> None:
    with serving("trouble") as service, socket.create_connection(service.address, timeout=30) as connection:
        before = resident(service)
        connection.sendall(call(b"sleep", b'{"seconds": 2.0}'))
        connection.settimeout(0)
        end = time.monotonic() + 2.5  # longer than the call: nobody takes the answers
        while time.monotonic() < end:
            with suppress(BlockingIOError):
                connection.send(LIVE * 1000)
            time.sleep(0.001)
        assert resident(service) < before + 60 * 2**20  # seven times that, when all were taken


def test_requests_that_are_sent_ahead_are_answered_in_order(trouble: Running) -> None:
    sizes = range(3000)
    sent = b"".join(call(b"length", b'{"text": "%s"}' % (b"x" * size)) for size in sizes)
    with socket.create_connection(trouble.address, timeout=30) as connection:
        sending = threading.Thread(target=connection.sendall, args=(sent,))
        sending.start()
        received = b""
        while not received.endswith(b'{"value":%d}' % sizes[-1]):
            received += connection.recv(2**20)
        sending.join()
    assert [int(one) for one in re.findall(rb'{"value":([0-9]+)}', received)] == list(sizes)


def test_who_takes_nothing_is_dropped() -> None:
    with serving("trouble", "--body-seconds", "1", "--head-seconds", "1") as service, ExitStack() as open_ones:
        service.client.get("/health/live")
        before = connections(service)
        for number in range(4):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(service.address)
            open_ones.enter_context(connection)
            asked = call(b"big", b'{"n": 2000000}')
            connection.sendall(asked if number % 2 else asked.replace(b"Host", b"Connection: close\r\nHost"))
        eventually(lambda: connections(service) >= before + 4)
        eventually(lambda: sum(line.get("path") == "/model/methods/big" for line in service.log()) == 4)
        eventually(lambda: connections(service) <= before)


def test_who_takes_slowly_gets_all() -> None:
    with serving("trouble", "--body-seconds", "2", "--head-seconds", "1") as service, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.connect(service.address)
        connection.sendall(call(b"big", b'{"n": 1000000}').replace(b"Host", b"Connection: close\r\nHost"))
        size = 0
        for part in iter(lambda: connection.recv(2**20), b""):
            size += len(part)
            time.sleep(0.02)
        assert size > 8_000_000


def test_there_are_so_many_connections_at_most() -> None:
    with serving("trouble", "--connections", "3") as service, ExitStack() as open_ones:
        held = [open_ones.enter_context(socket.create_connection(service.address, timeout=30)) for _ in range(3)]
        held[2].sendall(LIVE)
        assert held[2].recv(65536).startswith(b"HTTP/1.1 200 ")
        with socket.create_connection(service.address, timeout=30) as one_more:
            head, _, body = b"".join(iter(lambda: one_more.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(REFUSED)
        assert b"retry-after: 1" in head.lower()
        problem_in(body.decode(), 429, "overloaded")
        held[0].close()
        eventually(lambda: not asked(service).startswith(REFUSED))


def asked(service: Running) -> bytes:
    with socket.create_connection(service.address, timeout=30) as connection:
        connection.sendall(LIVE)
        return connection.recv(65536)


def test_a_body_that_still_comes_does_not_keep_a_service_that_stops() -> None:
    with serving("trouble", "--drain-seconds", "300", "--body-seconds", "300") as service:
        with socket.create_connection(service.address, timeout=60) as half, ExitStack() as whole:
            half.sendall(HEAD % b"length" + b"Content-Length: 100\r\n\r\n{")
            soon = whole.enter_context(socket.create_connection(service.address, timeout=60))
            soon.sendall(call(b"length", b'{"text": "abc"}')[:-3])
            time.sleep(0.3)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            soon.sendall(b'c"}')
            assert soon.recv(65536).startswith(b"HTTP/1.1 200 ")
            head, _, body = b"".join(iter(lambda: half.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        problem_in(body.decode(), 503, "not-ready")
        assert service.process.wait(60) == 0


def test_calls_by_grpc_end_while_those_by_http_do() -> None:
    with doors("trouble") as door:
        service, sleep = door.service, door.channel.unary_unary(f"/{make_trouble().spec.proto_package}.Model/sleep")
        with socket.create_connection(service.address, timeout=60) as idle:
            idle.sendall(LIVE)
            received = b""
            while not received.endswith(b'{"status":"live"}'):
                received += idle.recv(65536)
            call = sleep.future(b"\x09" + struct.pack("<d", 4.0))
            eventually(lambda: service.client.get("/metrics").text.count("modelport_requests_in_flight 1.0"))
            service.process.send_signal(signal.SIGTERM)
            assert idle.recv(65536) == b""
            assert not call.done()
        assert b"slept" in call.result()
        assert service.process.wait(60) == 0
