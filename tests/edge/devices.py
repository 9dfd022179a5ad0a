"""What the tests of devices and edge servers share: small packages, services, and a way between that can go wrong."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from tests.support.waiting import eventually

from modelport.edge import Runtime
from modelport.package import Package, model_from_file, pack
from modelport.package.modelpack import manifest_digest
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "AWAY",
    "FAST",
    "LITE",
    "Made",
    "Relay",
    "ServiceProcess",
    "answering_at",
    "eventually",
    "opened",
    "plan_of",
    "relay",
    "stored",
    "teller",
    "up",
]

ROOT = Path(__file__).parents[2]
LITE = ROOT / "tests/package/lite/scaled.tflite"
FAST = {"infer": {"mean": 0.001, "sd": 0.0005, "n": 5}, "load": {"mean": 0.01, "sd": 0.001, "n": 5}}
AWAY = "http://127.0.0.1:1"
"""Where no edge server is."""

_SOURCE = """\
import time

from modelport import Evaluation, Model


def tell(x: float) -> dict[str, str]:
    if x > 2:
        time.sleep({sleep})
    return {{"by": {by!r}, "x": str(x)}}


model = Model(tell=tell)
model.add_example("tell", {{"x": 1.0}})
model.add_evaluation(Evaluation.accuracy(correct={correct}, n=100, data="made up", split="test"))
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A package, and what a plan says of it."""

    package: Package
    digest: str
    accuracy: float

    def item(self, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a plan's variant
        known = {"name": name, "digest": self.digest, "size": 1000, "accuracy": {"value": self.accuracy}}
        return known | more


def teller(folder: Path, by: str, *, accuracy: float = 0.9, sleep: float = 0.0) -> Made:
    """Return a package that tells who it is; of what is above 2 it thinks for some seconds."""
    folder.mkdir(parents=True)
    source = _SOURCE.format(sleep=sleep, by=by, correct=round(accuracy * 100))
    (folder / "model.py").write_text(source, "utf-8")
    package = Package.read(pack(model_from_file(folder / "model.py"), "teller", folder / "package", verify_in=None))
    return Made(package, str(manifest_digest(package)), accuracy)


def stored(store: Path, *made: Made) -> Path:
    """Return a store that has the packages."""
    for number, one in enumerate(made):
        keep_package(one.package.folder, store, tags=[str(number)])
    return store


def plan_of(
    keep: list[dict[str, Any]], server: list[dict[str, Any]] | None = None, name: str = "teller"
) -> dict[str, Any]:
    models = [{"name": name, "keep": keep, "server": server or []}]
    return {"schema": "modelport/edge-plan/1", "device": "phone", "models": models}


def opened(folder: Path, store: Path, plan: Mapping[str, Any] | None, **more: Any) -> Runtime:  # noqa: ANN401 - open's own
    settings: dict[str, Any] = {"plan": plan, "source": store, "allow_code": True, "probe": 0.2}
    return Runtime.open(folder, **settings | more)


def up(runtime: Runtime) -> None:
    """Wait until the server's variants have answered a probe."""
    eventually(lambda: all(one.endpoint.up for m in runtime._hand.models.values() for one in m.remote))


@dataclass(slots=True)
class ServiceProcess:
    """A service of a package, killed and started again at will on one port."""

    made: Made
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "modelport.serve", str(self.made.package.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.process.stdout.close()
        assert line.startswith("serving "), line
        self.port = int(line.rpartition(":")[2])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Relay:
    """A way to a port on loopback, with a delay, a bandwidth, and a day on which it dies.

    Attributes:
        port: Where it listens.
        delay: Seconds for which each piece is held back, in each direction.
        rate: Bytes a second that it carries; None: as many as come.
        hole: Whether it swallows all that comes, as a network without a route back.
        cut: After how many bytes of an answer it ends the connections; None: never.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.delay, self.hole = 0.0, False
        self.rate: float | None = None
        self.cut: int | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._closing = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def break_off(self) -> None:
        """End all connections at once, without a word."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._closing = True
        self._threads[0].join()
        self.break_off()
        for thread in self._threads:
            thread.join()
        for one in (*self._open, self._listener):
            one.close()

    def _accept(self) -> None:
        while not self._closing:
            ready, _, _ = select.select([self._listener], [], [], 0.05)
            if ready:
                with suppress(OSError):
                    here, _ = self._listener.accept()
                    there = socket.create_connection(("127.0.0.1", self._target))
                    self._open += [here, there]
                    for one, other, back in ((here, there, False), (there, here, True)):
                        self._threads.append(threading.Thread(target=self._carry, args=(one, other, back)))
                        self._threads[-1].start()

    def _carry(self, one: socket.socket, other: socket.socket, back: bool) -> None:  # noqa: FBT001 - two threads' arguments
        carried = 0
        with suppress(OSError):
            while piece := one.recv(65536):
                time.sleep(self.delay + (len(piece) / self.rate if self.rate else 0.0))
                if self.hole:
                    continue
                if back and self.cut is not None and carried + len(piece) > self.cut:
                    other.sendall(piece[: max(0, self.cut - carried)])
                    self.break_off()
                    return
                other.sendall(piece)
                carried += len(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(target: int) -> Iterator[Relay]:
    made = Relay(target)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def answering_at(app: Any) -> Iterator[str]:  # noqa: ANN401 - an ASGI application
    """Serve *app* on loopback, and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
