"""The servers that `serve` measures: ours, and others in environments of their own; each is a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.support.peer_python import OUTER, peer_python

from modelport.cli.runtime import command_for
from modelport.package import Package
from modelport.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["APPS", "Running", "Server", "bentoml", "fastapi", "mlserver", "ours", "service_process", "started"]

ROOT = Path(__file__).parents[2]
APPS = ROOT / "tests/projects/peers"
LOGS = ROOT / "build/bench/logs"
SCRIPT = Path(__file__).with_name("wrk.lua")
COLUMNS = {"sepal_length": [5.1], "sepal_width": [3.5], "petal_length": [1.4], "petal_width": [0.2]}
BODY = json.dumps(COLUMNS)
TENSOR = json.dumps(
    {"inputs": [{"name": "predict", "shape": [1, 4], "datatype": "FP64", "data": [v[0] for v in COLUMNS.values()]}]}
)


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started, and what one flower is sent to it as.

    Attributes:
        name: What it is called in the table.
        command: Its command line.
        path: Where the call is posted.
        port: Its port; 0 where it prints its address.
        variables: Its environment's variables.
        folder: Where it runs.
        body: The call's JSON.
    """

    name: str
    command: Sequence[str]
    path: str
    port: int
    variables: Mapping[str, str]
    folder: Path = ROOT
    body: str = BODY


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: how long that took it, in seconds, and where its calls go."""

    server: Server
    process: subprocess.Popen[str]
    url: str
    cold: float

    def load(self, connections: int, seconds: int) -> dict[str, float]:
        """Return the rate, the quantiles of the answers' time in seconds and the number of errors under load."""
        # On a slow machine a peer that predicts one call at a time may need longer than wrk's 2 s for the last of 32.
        command = ["wrk", "-t1", "--timeout", "10s", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT)]
        command += [self.url, "--"]
        done = subprocess.run([*command, self.server.body], check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        assert not found["errors"], f"{self.server.name}: {done.stdout}"
        return found

    def memory(self) -> float:
        """Return the megabytes that its processes hold, what they share divided among them (PSS)."""
        return sum(_pss(one) for one in _family(self.process.pid)) / 2**20


def ours(name: str, package: Path, *flags: str) -> Server:
    """Return our service as users start it: metrics, limits and the log of requests as they are by default."""
    command = [sys.executable, "-m", "modelport", "serve", str(package), "--port", "0", "--allow-code", *flags]
    return Server(name, command, "/model/methods/classify", 0, dict(os.environ), folder=package.parent)


def service_process(name: str, package: Path, *flags: str) -> Server:
    """Return our service's process alone, as `modelport serve` starts it, without that command around it."""
    arguments = [str(package), "--port", "0", *flags]
    command, variables = command_for(
        Package.read(package), load_settings().cache, "modelport.serve", arguments, extra="serve"
    )
    return Server(name, command, "/model/methods/classify", 0, variables, folder=package.parent)


def fastapi(estimator: Path) -> Server:
    """Return the app on uvicorn with uvloop and httptools, one process, without a log of requests."""
    port = _free_port()
    command = [str(peer_python("fastapi")), "-m", "uvicorn", "fastapi_app:app", "--port", str(port), "--loop", "uvloop"]
    command += ["--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return Server("FastAPI", command, "/classify", port, _variables(estimator), folder=APPS)


def bentoml(estimator: Path) -> Server:
    """Return the BentoML service, one worker."""
    port = _free_port()
    command = [str(peer_python("bentoml")), "-m", "bentoml", "serve", "bentoml_app:Iris", "--port", str(port)]
    variables = _variables(estimator) | {
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(estimator.parent / "bentoml"),
    }
    return Server("BentoML", [*command, "--api-workers", "1"], "/classify", port, variables, folder=APPS)


def mlserver(estimator: Path) -> Server:
    """Return MLServer in one process, which is its faster way here."""
    port, grpc_port, metrics_port = _free_port(), _free_port(), _free_port()
    settings = {"http_port": port, "grpc_port": grpc_port, "metrics_port": metrics_port, "parallel_workers": 0}
    model = {"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": str(estimator)}}
    folder = estimator.parent / "mlserver"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings | {"host": "127.0.0.1"}), "utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), "utf-8")
    program = "from mlserver.cli import main; main()"
    command = [str(peer_python("mlserver")), "-c", program, "start", "."]
    return Server("MLServer", command, "/v2/models/iris/infer", port, _variables(estimator), folder=folder, body=TENSOR)


@contextmanager
def started(server: Server) -> Iterator[Running]:
    """Run *server* until the block ends; its first call has been answered then."""
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with (LOGS / f"{server.name}.log").open("w") as said, subprocess.Popen(
        server.command, env=dict(server.variables), cwd=server.folder, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=said if server.port else subprocess.PIPE, stderr=said,
    ) as process:  # fmt: skip
        try:
            base = f"http://127.0.0.1:{server.port}"
            if process.stdout:
                base = process.stdout.readline().rpartition(" ")[2].strip()
            url = base + server.path
            _first_answer(process, url, server.body)
            yield Running(server, process, url, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _first_answer(process: subprocess.Popen[str], url: str, body: str) -> None:
    end = time.monotonic() + 120
    request = Request(url, body.encode(), {"Content-Type": "application/json"})  # noqa: S310 - our own address
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
                answer.read()
                return
        except (HTTPError, OSError):
            time.sleep(0.002)
    raise AssertionError(f"{url} never answered; its log says why")


def _variables(estimator: Path) -> dict[str, str]:
    return OUTER | {"ESTIMATOR": str(estimator)}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
