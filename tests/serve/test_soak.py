"""Under load for long: memory stays flat, a stop loses nothing that was accepted, and nobody leaves anything behind.

``HYPOTHESIS_PROFILE=thorough`` loads for a minute instead of some seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.serve.running import serving
from tests.support.loops import in_loop
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.serve.running import Running

CONNECTIONS = 32
SECONDS = 60.0 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 5.0
GROWTH = 8 * 2**20  # bytes; a minute's calls are so many that a hundred bytes lost by each would be more


def request(method: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"POST /model/methods/{method} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


MIXED = {
    request("length", b'{"text": "abc"}'): 200,
    request("length", b'{"text": "%s"}' % (b"x" * 20_000)): 200,
    request("length", b"\n\x03abc", "application/x-protobuf"): 200,
    request("length", b'{"text": 3}'): 422,
    request("length", b'{"text": '): 400,
    request("fail", b'{"text": "x"}'): 500,
    request("none", b"{}"): 404,
}


@dataclass
class Load:
    """Connections that send one request after another, and what became of each."""

    address: tuple[str, int]
    requests: Sequence[bytes]
    sent: list[tuple[float, int]] = field(default_factory=list)
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    over: bool = False

    async def run(self, seconds: float) -> None:
        """Load for so long, or until the service closes every connection."""
        async with asyncio.timeout(seconds + 60):
            loads = [asyncio.create_task(self._connection(n)) for n in range(CONNECTIONS)]
            await asyncio.wait(loads, timeout=seconds)
            self.over = True
            await asyncio.gather(*loads)

    async def _connection(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(*self.address)
        turn = number
        try:
            while not self.over:
                data = self.requests[turn % len(self.requests)]
                writer.write(data)
                await writer.drain()
                place, turn = len(self.sent), turn + 1
                self.sent.append((monotonic(), 0))
                status = await _answer(reader)
                self.sent[place] = (self.sent[place][0], status)
                if status != MIXED[data]:
                    self.wrong.append(f"{status} to {data[:80]!r}")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whether that was rightly so is for the test to say
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    await reader.readexactly(int(fields[b"content-length"]))
    return int(head.split(b" ", 2)[1])


def value(service: Running, name: str) -> float:
    """Return the sum of a metric's values, over all labels."""
    text = service.client.get("/metrics").text
    return next(
        one.value for family in text_string_to_metric_families(text) for one in family.samples if one.name == name
    )


def test_memory_stays_flat_under_load() -> None:
    with serving("trouble") as service:
        in_loop(Load(service.address, list(MIXED)).run(SECONDS / 3))
        before = value(service, "process_resident_memory_bytes")
        load = Load(service.address, list(MIXED))
        in_loop(load.run(SECONDS))
        assert not load.wrong
        assert len(load.sent) > 10 * CONNECTIONS
        assert value(service, "process_resident_memory_bytes") - before < GROWTH
        assert value(service, "modelport_requests_in_flight") == value(service, "modelport_queue_calls") == 0


def test_a_stop_under_load_loses_no_request_that_was_sent() -> None:
    with serving("trouble") as service:
        load = Load(service.address, [next(iter(MIXED))])
        stopped = 0.0

        async def stop() -> None:
            nonlocal stopped
            await asyncio.sleep(1)
            stopped = monotonic()
            service.process.terminate()

        async def both() -> None:
            await asyncio.gather(load.run(30), stop())

        in_loop(both())
        assert service.process.wait(30) == 0
    before = [status for sent, status in load.sent if sent < stopped]
    assert len(before) > CONNECTIONS
    assert set(before) == {200}
    assert not load.wrong


def test_after_a_kill_the_same_port_serves_again() -> None:
    with serving("trouble") as service:
        port = str(service.address[1])
        with socket.create_connection(service.address, timeout=30) as open_one:
            open_one.sendall(request("sleep", b'{"seconds": 30}'))
            service.process.kill()
            assert service.process.wait(30) == -signal.SIGKILL
            with serving("trouble", "--port", port) as again:
                assert again.call("length", {"text": "abc"}).json() == {"value": 3}


@pytest.mark.parametrize("abruptly", [False, True])
def test_callers_who_go_away_by_the_hundred_leave_nothing_behind(*, abruptly: bool) -> None:
    with serving("trouble") as service:
        gone = []
        for _ in range(200):
            one = socket.create_connection(service.address, timeout=30)
            one.sendall(request("sleep", b'{"seconds": 0.05}'))
            gone.append(one)
        eventually(lambda: value(service, "modelport_queue_calls") > 0)
        for one in gone:
            if abruptly:  # a reset instead of an end
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
        eventually(lambda: value(service, "modelport_queue_calls") == 0)
        eventually(lambda: value(service, "modelport_requests_in_flight") == 0)
        assert service.call("length", {"text": "abc"}).json() == {"value": 3}
        assert value(service, "modelport_predict_seconds_count") < 200  # those who were still waiting were not run
