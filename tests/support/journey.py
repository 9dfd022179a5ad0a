"""A device's journey through networks, with its edge server far away, near and gone: what answers, when, and how well.

The same requests under the same sky, one way of deciding after the other: the runtime; the device alone (static-local);
the server alone (static-remote); and an oracle that knows what the network will be for each request, reckoned from the
sequence. An answer after the deadline counts as a wrong one: that is the effective accuracy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from math import sqrt
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from tests.support.commands import CACHE
from tests.support.weather import CALM, Moment, moments
from tests.support.world import SERVER, World, world

from modelport.catalog.profiles import load_profiles
from modelport.cli.runtime import command_for
from modelport.edge import Runtime
from modelport.edge.profiles import network_of
from modelport.errors import ModelportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.support.digits import Digits

    from modelport.edge.types import Network

__all__ = [
    "DEADLINE",
    "Journey",
    "Leg",
    "Record",
    "Travelled",
    "journey",
    "margin",
    "networks",
    "share",
    "steps",
    "table",
    "travel",
]

ROOT = Path(__file__).parents[2]
PORT = 8000
"""Of the edge server's own door; its model answers at the next one."""
DEADLINE = 0.25
_PATIENCE = 2.0
_PROBE = 0.5


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of the journey.

    Args:
        name: What it is called in the table.
        network: A network's profile.
        requests: How many requests are made meanwhile.
        dies: How the network ends in the middle of the leg's first request; empty: it lives.
    """

    name: str
    network: Network
    requests: int
    dies: Literal["", "cut", "silent"] = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What one request meets.

    Attributes:
        leg: The leg's number.
        picture: Which picture it sends.
        moment: The network.
        state: What the network becomes.
        after: How many seconds after the request's beginning it becomes so; 0: before.
    """

    leg: int
    picture: int
    moment: Moment
    state: Literal["alive", "cut", "silent"]
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """What came of a request.

    Attributes:
        place: Who answered; empty when nobody did.
        right: Whether the answer is right.
        seconds: How long it took.
        failures: What failed before, in words.
    """

    place: str
    right: bool
    seconds: float
    failures: tuple[str, ...] = ()

    @property
    def in_time(self) -> bool:
        """Whether there is an answer, by the deadline."""
        return bool(self.place) and self.seconds <= DEADLINE

    @property
    def good(self) -> bool:
        """Whether it is right, and in time."""
        return self.right and self.in_time


@dataclass(frozen=True, slots=True)
class Travelled:
    """All that happened.

    Attributes:
        legs: The journey's.
        steps: What each request met.
        records: By the way of deciding, what came of each request.
    """

    legs: Sequence[Leg]
    steps: Sequence[Step]
    records: Mapping[str, Sequence[Record]]

    def of(self, way: str, leg: int) -> list[Record]:
        """Return the records of a way in a leg."""
        return [one for one, step in zip(self.records[way], self.steps, strict=True) if step.leg == leg]


def networks() -> dict[str, Network]:
    """Return the published networks, and one that is narrow and loses messages, which nobody published."""
    found = {name: network_of(name, one) for name, one in load_profiles(ROOT / "catalog").networks.items()}
    return found | {"poor": replace(found["campus"], id="poor", loss=0.05, bytes_per_second=50_000.0)}


def steps(legs: Sequence[Leg], pictures: int, seed: int) -> list[Step]:
    """Return what the requests meet; the same seed gives the same."""
    luck, found = Random(seed), []  # noqa: S311 - a simulation, repeatable
    for number, leg in enumerate(legs):
        for place, moment in enumerate(islice(moments(leg.network, luck.getrandbits(32)), leg.requests)):
            # In the middle: the request is there, the answer is on its way.
            after = 0.7 * moment.turn if leg.dies and not place else 0.0
            found.append(Step(number, luck.randrange(pictures), moment, leg.dies or "alive", after))
    return found


@contextmanager
def _edge_server(made: World, known: Digits, folder: Path) -> Iterator[str]:
    """Run ``modelport edge serve`` with the good network in the server's namespace; give its address for devices."""
    package = known.wide.package
    command_for(package, CACHE, "modelport.serve", [], extra="serve")  # its environment is made where there is an index
    variables = {key: value for key, value in os.environ.items() if not key.startswith("MODELPORT_")}
    variables |= {
        "MODELPORT_CACHE": str(CACHE), "MODELPORT_STORE": str(folder / "server-store"), "MODELPORT_DATA": str(folder),
    }  # fmt: skip
    command = [sys.executable, "-m", "modelport", "edge", "serve", str(package.folder), "--host", SERVER]
    with (folder / "server.log").open("w") as log, subprocess.Popen(
        made.server.inside(*command, "--port", str(PORT)),
        cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=log, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("serving digits"), (folder / "server.log").read_text("utf-8")
            yield f"http://{made.door}:{PORT}"
        finally:
            process.terminate()
            assert process.wait(40) == 0


@dataclass(frozen=True, slots=True)
class Journey:
    """A device that can go, and what it meets on its way.

    Attributes:
        made: Its world.
        known: What it carries, and what it asks.
        folder: Its own.
        url: Where the edge server is.
    """

    made: World
    known: Digits
    folder: Path
    url: str

    @contextmanager
    def runtime(self, way: str, *, probe: float) -> Iterator[Runtime]:
        """Give a runtime that has the models of a *way* at hand; it looks for the server every *probe* seconds."""
        self.made.relay.be("alive")
        self.made.relay.moment(CALM)
        keep = [] if way == "static-remote" else [self.known.narrow.item()]
        server = [] if way == "static-local" else _offered(self.url)
        plan = {
            "schema": "modelport/edge-plan/1", "device": "traveller",
            "models": [{"name": "digits", "keep": keep, "server": server}],
        }  # fmt: skip
        with Runtime.open(
            self.folder / way, server=self.url if server else None, plan=plan, source=self.known.store,
            patience=_PATIENCE, probe=probe,
        ) as runtime:  # fmt: skip
            for _ in range(2):
                self.ask(runtime, 0)  # loads what is here, and finds what is there
            yield runtime

    def go(self, way: str, walk: Sequence[Step], pause: float) -> list[Record]:
        """Make the requests, deciding one *way*, with *pause* seconds between them."""
        with self.runtime(way, probe=_PROBE) as runtime:
            return [self._met(runtime, step, pause) for step in walk]

    def _met(self, runtime: Runtime, step: Step, pause: float) -> Record:
        self.made.relay.moment(step.moment)
        self.made.relay.be(step.state, after=step.after)
        record = self.ask(runtime, step.picture)
        time.sleep(max(pause, step.after - record.seconds))
        return record

    def ask(self, runtime: Runtime, picture: int) -> Record:
        """Make one request."""
        began = time.perf_counter()
        try:
            answer = runtime.call("classify", {"x": [self.known.pictures[picture]]}, deadline=DEADLINE)
        except ModelportError as error:
            return Record("", right=False, seconds=time.perf_counter() - began, failures=(str(error),))
        right = int(answer.value["label"][0]) == self.known.labels[picture]
        return Record(answer.place, right, time.perf_counter() - began, answer.failures)


def _offered(url: str) -> list[dict[str, Any]]:
    """Return what the edge server answers with, as it says itself but for the time that it takes.

    It has measured that five times when it started, and a plan does not forget what else the machine did then.
    """
    with urllib.request.urlopen(f"{url}/edge/variants", timeout=30) as answer:  # noqa: S310 - our own address
        (model,) = json.load(answer)["models"]
    return [{**one, "infer": {"mean": 0.005, "sd": 0.002, "n": 100}} for one in model["server"]]


@contextmanager
def journey(known: Digits, folder: Path) -> Iterator[Journey]:
    """Give a device in its world, with an edge server at the other end, until the context ends.

    Args:
        known: The models and the pictures.
        folder: For what the device and the server keep; its path must be short.
    """
    with world(folder, [PORT, PORT + 1]) as made, _edge_server(made, known, folder) as url:
        yield Journey(made, known, folder, url)


def travel(device: Journey, legs: Sequence[Leg], *, seed: int, pause: float) -> Travelled:
    """Make the journey in every way.

    Args:
        device: Who travels.
        legs: The journey's parts.
        seed: Of the network's luck.
        pause: Seconds between two requests of the runtime, in which it looks for its server.
    """
    walk = steps(legs, len(device.known.labels), seed)
    pauses = {"runtime": pause, "static-local": 0.0, "static-remote": 0.0}
    records = device.made.device.within(lambda: {way: device.go(way, walk, own) for way, own in pauses.items()})
    return Travelled(legs, walk, records | {"oracle": _oracle(walk, records, device.known)})


def _oracle(walk: Sequence[Step], records: Mapping[str, Sequence[Record]], known: Digits) -> list[Record]:
    """Reckon the best that could be had: the server's answer where it can be here in time, else the device's own."""
    met = zip(records["static-remote"], walk, strict=True)
    remote = [one.seconds - step.moment.turn for one, step in met if one.place]
    here, there = median(one.seconds for one in records["static-local"]), median(remote)
    found = []
    for step in walk:
        seconds = step.moment.turn + there
        if step.state == "alive" and seconds <= DEADLINE:
            found.append(Record("server", bool(known.wide.right[step.picture]), seconds))
        else:
            found.append(Record("device", bool(known.narrow.right[step.picture]), here))
    return found


def margin(one: Sequence[Record], other: Sequence[Record]) -> float:
    """Return how far two ways' effective accuracies on the same requests may lie apart by luck (99 %; McNemar 1947)."""
    differ = sum(a.good != b.good for a, b in zip(one, other, strict=True))
    return 2.576 * sqrt(differ) / len(one)


def share(records: Sequence[Record]) -> float:
    """Return the effective accuracy."""
    return sum(one.good for one in records) / len(records)


def table(travelled: Travelled) -> str:
    """Return, for each way of deciding, what came of it, and its effective accuracy leg by leg."""
    names = [leg.name for leg in travelled.legs]
    lines = [f"| way | lost | in time | effective accuracy | by the server | {' | '.join(names)} |"]
    lines.append("|---" * (5 + len(names)) + "|")
    for way, records in travelled.records.items():
        lost = sum(not one.place for one in records)
        in_time = sum(one.in_time for one in records) / len(records)
        remote = sum(one.place == "server" for one in records) / len(records)
        legs = " | ".join(f"{100 * share(travelled.of(way, leg)):.0f}" for leg in range(len(names)))
        figures = f"{100 * in_time:.1f} % | {100 * share(records):.1f} % | {100 * remote:.0f} %"
        lines.append(f"| {way} | {lost} | {figures} | {legs} |")
    return "\n".join(lines) + "\n"
