"""What the service does beside a FastAPI app around the same estimator, MLServer and BentoML, all on this machine.

Ours runs as users start it: ``modelport serve`` with metrics, limits and the log of requests on, in one process. Each
round gives every server the same seconds in turn, FastAPI first, and ratios are taken within a round: how busy the
machine is falls out. wrk does not count the calls that are open when its time is over: the more connections, the longer
it runs, and the servers then have a second to end what nobody waits for any more. An answer that is an error fails the
run.
"""

from __future__ import annotations

import compileall
import json
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, NamedTuple

import joblib  # type: ignore[import-untyped]  # it has no types
import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from tests.bench.connection import Connection, compared
from tests.bench.rows import Row, interleaved
from tests.bench.servers import APPS, bentoml, fastapi, mlserver, ours, service_process, started

from modelport import Model, Tensor
from modelport.package import Package, model_from_file, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.servers import Running

ROOT = Path(__file__).parents[2]
HOW = "make bench ROOM=serve"
ROUNDS, STARTS = 7, 7
TURNS, CALLS, WARM = 300, 20, 500
"""For two servers that are nearly alike: so many turns of so few calls each, a few milliseconds, on one machine."""
SECONDS = {1: 2, 8: 3, 32: 5}
"""Of each turn, by the number of connections."""
TIMES = 21
"""Turns beside MLServer and BentoML, of a second each: a shared machine keeps its speed for no longer."""
CONNECTIONS = tuple(SECONDS)
RUNTIMES = ("default", "framework")
UNBATCHED = ("--no-batching",)
TARGETS = {
    ("regression", "default"): (1.5, 2.8, 2.8),
    ("regression", "framework"): (0.8, 2.0, 2.1),
    ("forest", "framework"): (1.0, 3.0, 7.0),
    ("forest", "default"): (12.0, 30.0, 30.0),
}
"""At least so many times the requests of FastAPI, by model and what runs it, for each number of connections."""
SAID = {
    "regression": "logistic regression", "forest": "forest of 100 trees", "default": "as ONNX",
    "framework": "as scikit-learn",
}  # fmt: skip


class Table(NamedTuple):
    flowers: Annotated[np.ndarray, Tensor("float32", "n", 4)]


@dataclass(slots=True)
class Cells:
    """What each server did in each round, by its name and the number of connections."""

    found: dict[tuple[str, int], list[dict[str, float]]] = field(default_factory=dict)

    def measure(self, name: str, running: Running, connections: int, seconds: int = 0) -> None:
        found = running.load(connections, seconds or SECONDS[connections])
        self.found.setdefault((name, connections), []).append(found)
        time.sleep(1 if connections > 1 else 0)

    def ratio(self, one: str, other: str, connections: int, figure: str) -> float:
        """Return the median over the rounds of how many times the other's figure the one has."""
        pairs = zip(self.found[one, connections], self.found[other, connections], strict=True)
        return median(a[figure] / b[figure] for a, b in pairs)

    def said(self, name: str, connections: int, figure: str) -> str:
        value = median(cell[figure] for cell in self.found[name, connections])
        return f"{name}: {value:.0f} a second" if figure == "rate" else f"{name}: {1000 * value:.2f} ms"


def rows() -> list[Row]:
    """Measure everything; about thirteen minutes."""
    with tempfile.TemporaryDirectory(prefix="modelport-bench-") as place:
        folder = Path(place)
        made = _models(folder)
        found = [row for name, files in made.items() for row in (*_under_load(name, *files), *_starts(name, *files))]
        return [*found, *_others(*made["regression"]), *_decoding()]


def _models(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Return the package and the file of the estimator of each model."""
    compileall.compile_dir(ROOT / "registry", quiet=1)  # as installers do it; the peers' environments have it, too
    iris = load_iris()
    trained = {
        "regression": LogisticRegression(max_iter=1000).fit(iris.data, iris.target),
        "forest": RandomForestClassifier(random_state=0).fit(iris.data, iris.target),
    }
    lock = (ROOT / "requirements/dev.lock").read_text("utf-8")
    made = {}
    for name, estimator in trained.items():
        file = folder / f"{name}.joblib"
        joblib.dump(estimator, file)
        os.environ["ESTIMATOR"] = str(file)
        model = model_from_file(APPS / "modelport_app.py")
        package = pack(model, f"iris-{name}", folder / name, known_lock=lock, verify_in=None)
        assert Package.read(package).info["alternatives"], "the default path is to be ONNX"
        made[name] = package, file
    return made


def _under_load(model: str, package: Path, estimator: Path) -> list[Row]:
    """Return the rates and the latencies of one model's servers."""
    servers = {
        "FastAPI": fastapi(estimator),
        "default": ours("default", package),
        "framework": ours("framework", package, "--runtime", "framework"),
        "unbatched": ours("unbatched", package, *UNBATCHED),
    }
    cells = Cells()
    with ExitStack() as stack:
        running = {name: stack.enter_context(started(server)) for name, server in servers.items()}
        for _ in range(ROUNDS):
            for connections in CONNECTIONS:
                for name, one in running.items():
                    if name != "unbatched":
                        cells.measure(name, one, connections)
        batching = _batching(model, running["default"], running["unbatched"])
    return [*(row for runtime in RUNTIMES for row in _compared(cells, model, runtime)), batching]


def _batching(model: str, batched: Running, unbatched: Running) -> Row:
    """Return the median time of a call that nobody else's stands beside, with batches beside without."""
    with Connection(batched.url, batched.server.body) as one, Connection(unbatched.url, unbatched.server.body) as other:
        for connection in (one, other):  # only one of them has had wrk's load
            connection.half(WARM)
        ratio, seconds = compared(one, other, turns=TURNS, calls=CALLS)
    figure = f"half of the calls of the {SAID[model]} with batches, 1 connection, beside without"
    return _row(figure, ratio, 1.1, f"unbatched: {1000 * seconds:.2f} ms", runs=TURNS)


def _compared(cells: Cells, model: str, runtime: str) -> list[Row]:
    found = []
    name = f"{SAID[model]} {SAID[runtime]}"
    for connections, target in zip(CONNECTIONS, TARGETS[model, runtime], strict=True):
        figure = f"calls a second of the {name}, {connections} connection{'s'[: connections > 1]}"
        ratio = cells.ratio(runtime, "FastAPI", connections, "rate")
        found.append(_row(figure, ratio, target, cells.said("FastAPI", connections, "rate"), at_least=True))
    ratio = cells.ratio(runtime, "FastAPI", CONNECTIONS[-1], "p99")
    found.append(_row(f"99 of 100 calls of the {name}, 32 connections", ratio, 1.0, cells.said("FastAPI", 32, "p99")))
    return found


def _starts(model: str, package: Path, estimator: Path) -> list[Row]:
    """Return how long one model's servers take from the start of the process to the first answer, and their memory.

    One server runs at a time: what processes share is counted to each of them in part only.
    """
    servers = {
        "FastAPI": fastapi(estimator),
        "default": service_process("default", package),
        "framework": service_process("framework", package, "--runtime", "framework"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in servers}
    memory: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(STARTS + 1):
        for name, server in servers.items():
            with started(server) as running:
                if number:  # the first one reads everything from the disk
                    running.load(CONNECTIONS[-1], 1)
                    seconds[name].append(running.cold)
                    memory[name].append(running.memory())
    rows = []
    for what, found, unit, bounds in (
        ("first answer", seconds, "s", (0.25, 1.0)),
        ("memory after load", memory, "MB", (0.6, 0.9)),
    ):
        for runtime, bound in zip(RUNTIMES, bounds, strict=True):
            ratio = median(a / b for a, b in zip(found[runtime], found["FastAPI"], strict=True))
            said = f"FastAPI: {median(found['FastAPI']):.3g} {unit}"
            rows.append(_row(f"{what} of the {SAID[model]} {SAID[runtime]}", ratio, bound, said, runs=STARTS))
    return rows


def _others(package: Path, estimator: Path) -> list[Row]:
    """Return how many times the requests of other servers ours answers; each takes them in the form that it has."""
    cells = Cells()
    with ExitStack() as stack:
        servers = (mlserver(estimator), bentoml(estimator), ours("default", package))
        running = [stack.enter_context(started(server)) for server in servers]
        for _ in range(TIMES):
            for one in running:
                cells.measure(one.server.name, one, 8, seconds=1)
    return [
        _row(
            f"calls a second of the {SAID['regression']} {SAID['default']}, 8 connections, beside {name}",
            cells.ratio("default", name, 8, "rate"), target, cells.said(name, 8, "rate"), at_least=True, runs=TIMES,
        )
        for name, target in (("MLServer", 5.0), ("BentoML", 20.0))
    ]  # fmt: skip


def _decoding() -> list[Row]:
    """Return how long reading a thousand rows takes by protobuf, beside the standard library's JSON into an array."""

    def count(table: Table) -> int:
        return len(table.flowers)

    model = Model(count=count)
    flowers = np.resize(load_iris().data, (1000, 4)).astype("float32")
    data = model.codec.to_bytes(Table(flowers), "Table")
    text = json.dumps({"flowers": flowers.tolist()})
    ours_seconds, peer = interleaved(
        lambda: _each(lambda: model.codec.from_bytes(data, "Table")),
        lambda: _each(lambda: np.array(json.loads(text)["flowers"], "float32")),
        runs=21,
    )
    said = f"json of the standard library: {peer * 1e6:.0f} us"
    return [_row("reading 1000 rows of 4 numbers by protobuf", ours_seconds / peer, 0.1, said, runs=21)]


def _each(call: Callable[[], object], times: int = 20) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def _row(figure: str, value: float, target: float, peer: str, *, at_least: bool = False, runs: int = ROUNDS) -> Row:
    return Row(
        figure=figure, value=value, unit="x", target=target, peer=peer, peer_value=None, runs=runs, how=HOW,
        at_least=at_least,
    )  # fmt: skip
