"""The network that the edge tests stand on: what it is told to be is what a device meets."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import pytest
from tests.support.namespaces import hindrance, namespace
from tests.support.weather import CALM, Moment, moments
from tests.support.world import SERVER, World, world

from modelport.catalog.profiles import load_profiles
from modelport.edge.profiles import network_of
from modelport.edge.types import Network, Spread

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "they run")
ROOT = Path(__file__).parents[2]
PORT = 8000
ECHO = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Echo)
print("ready", flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def echoing() -> Iterator[World]:
    with TemporaryDirectory() as folder, world(Path(folder), [PORT]) as made:
        command = made.server.inside(sys.executable, "-c", ECHO, SERVER, str(PORT))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline() == "ready\n"
                yield made
            finally:
                server.terminate()


@pytest.fixture(autouse=True)
def calm(echoing: World) -> None:
    echoing.relay.be("alive")
    echoing.relay.moment(CALM)


class Client:
    """A device's connection to the echo, kept until it is closed."""

    def __init__(self, door: str, *, timeout: float = 30.0) -> None:
        self._connection = http.client.HTTPConnection(door, PORT, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def seconds(self, body: bytes = b"x") -> float:
        began = time.perf_counter()
        self._connection.request("POST", "/", body)
        assert self._connection.getresponse().read() == body
        return time.perf_counter() - began


def test_a_request_takes_its_moments_turn_and_a_new_connection_another(echoing: World) -> None:
    drawn = list(islice(moments(_profiles()["campus"], seed=1), 12))

    def meet() -> tuple[float, list[float]]:
        echoing.relay.moment(drawn[0])
        with Client(echoing.door) as client:
            first, took = client.seconds(), []
            for moment in drawn:
                echoing.relay.moment(moment)
                took.append(client.seconds())
            return first, took

    first, took = echoing.device.within(meet)
    assert first >= 2 * drawn[0].turn
    assert all(seconds >= moment.turn for seconds, moment in zip(took, drawn, strict=True))
    # What the relay adds of its own is a few milliseconds in the middle, however busy the machine is now and then.
    assert sorted(seconds - moment.turn for seconds, moment in zip(took, drawn, strict=True))[6] < 0.1


def test_bytes_take_the_rates_time_and_a_loss_only_time(echoing: World) -> None:
    def meet() -> tuple[float, float]:
        with Client(echoing.door) as client:
            client.seconds()
            echoing.relay.moment(Moment(rate=250_000))
            narrow = client.seconds(b"x" * 50_000)
            echoing.relay.moment(Moment(stall=0.4))
            return narrow, client.seconds()

    narrow, stalled = echoing.device.within(meet)
    assert narrow >= 0.4  # there and back
    assert stalled >= 0.4


def test_a_cut_network_resets_and_refuses_until_it_is_back(echoing: World) -> None:
    def meet() -> float:
        with Client(echoing.door) as client:
            client.seconds()
            echoing.relay.moment(Moment(one_way=3.0))
            echoing.relay.be("cut", after=0.1)
            began = time.perf_counter()
            with pytest.raises(OSError):  # noqa: PT011 - reset, or broken off
                client.seconds()
            took = time.perf_counter() - began
        with Client(echoing.door) as other, pytest.raises(OSError):  # noqa: PT011 - as above
            other.seconds()
        echoing.relay.moment(CALM)
        echoing.relay.be("alive")
        with Client(echoing.door) as again:
            again.seconds()
        return took

    assert 0.1 <= echoing.device.within(meet) < 6.0


def test_a_silent_network_gives_nothing_until_it_is_back_and_then_all_of_it(echoing: World) -> None:
    def meet() -> float:
        with Client(echoing.door) as client:
            client.seconds()
            echoing.relay.be("silent")
            with Client(echoing.door, timeout=0.2) as other, pytest.raises(TimeoutError):
                other.seconds()
            echoing.relay.be("alive", after=0.5)
            return client.seconds(b"all of it")

    assert echoing.device.within(meet) >= 0.4


def test_the_relay_is_the_only_way_and_nothing_stays_behind(echoing: World) -> None:
    def meet() -> None:
        with Client(SERVER, timeout=5) as client, pytest.raises(OSError):  # noqa: PT011 - no route
            client.seconds()

    echoing.device.within(meet)
    with namespace() as made:
        inside = made.run("ip", "-o", "link").stdout
        assert "lo:" in inside
        assert "near" not in inside
    assert not Path(f"/proc/{made.pid}").exists()


def test_moments_are_the_profiles_and_the_same_for_the_same_seed() -> None:
    for network in _profiles().values():
        drawn = list(islice(moments(network, seed=3), 4000))
        spread = network.one_way
        # Negative draws are drawn again: the mean is a little higher, by less than a tenth at these profiles.
        assert fmean(one.one_way for one in drawn) == pytest.approx(spread.mean, rel=0.1)
        assert drawn[:9] == list(islice(moments(network, seed=3), 9))
        assert all(one.stall == 0 and one.one_way > 0 for one in drawn)
    lossy = list(islice(moments(Network(one_way=Spread(0.05), loss=0.1), seed=3), 4000))
    assert sum(one.stall > 0 for one in lossy) / 4000 == pytest.approx(0.1, abs=0.02)


def _profiles() -> dict[str, Network]:
    return {name: network_of(name, one) for name, one in load_profiles(ROOT / "catalog").networks.items()}
