"""A real Docker engine (Debian's ``docker.io``) with everything of its own, for tests that run containers.

``docker_engine`` is the fixture: one engine for the tests of a process. Its data, sockets and network bridge are its
own and go when it ends, and it sets no rule of the machine's firewall, so it disturbs neither another engine nor the
network: ports are published on loopback by the engine's own proxy, and containers reach nothing outside. Only root may
start an engine; for anybody else its tests are skipped, which the report tells.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = ("dockerd", "docker", "ip", "setpriv", "unshare")
_START_SECONDS, _STOP_SECONDS = 60, 60


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """An engine that runs; *host* is what ``DOCKER_HOST`` takes."""

    host: str

    @property
    def variables(self) -> dict[str, str]:
        """The variables that lead a process to it, and to no settings of the user's."""
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(Path(self.host.removeprefix("unix://")).parent)}

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Connect to it by the Docker SDK."""
        import docker  # noqa: PLC0415 - only tests with an engine need it

        client = docker.DockerClient(base_url=self.host, timeout=120)
        try:
            yield client
        finally:
            client.close()

    def docker(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Debian's ``docker`` against it."""
        done = subprocess.run(
            ["docker", *words],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A real Docker engine, the same one for all tests of the process."""
    if not may_start():
        pytest.skip("only root can start a Docker engine: run `make test` as root to run containers, too")
    with running_engine() as engine:
        yield engine


def may_start() -> bool:
    """Tell whether this user may start an engine."""
    return os.geteuid() == 0


@contextmanager
def running_engine() -> Iterator[DockerEngine]:
    """Run an engine until the context ends."""
    if missing := [program for program in _PROGRAMS if shutil.which(program) is None]:
        pytest.fail(f"{', '.join(missing)} missing: `make test` installs docker.io, iproute2 and util-linux")
    folder = Path(tempfile.mkdtemp(prefix="modelport-engine-"))
    try:
        with _bridge() as bridge, _running(folder, bridge) as engine:
            yield engine
    finally:
        shutil.rmtree(folder)


@contextmanager
def _bridge() -> Iterator[str]:
    """Make a network bridge that no other engine knows, with a network that this machine does not have yet."""
    name = f"mp{os.getpid()}"
    shown = json.loads(_ip("-json", "address"))
    taken = {address["local"].rpartition(".")[0] for link in shown for address in link["addr_info"]}
    # Two processes that start at once do not choose the same one.
    wanted = (f"10.231.{(os.getpid() + number) % 254 + 1}" for number in range(254))
    network = next(one for one in wanted if one not in taken)
    _ip("link", "add", "name", name, "type", "bridge")
    try:
        _ip("address", "add", f"{network}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        yield name
    finally:
        _ip("link", "delete", name)


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"ip {' '.join(words)}: {done.stderr.strip()}; containers need a kernel with network bridges")
    return done.stdout


@contextmanager
def _running(folder: Path, bridge: str) -> Iterator[DockerEngine]:
    engine = DockerEngine(f"unix://{folder / 'docker.sock'}")
    # The kernel ends the engine with its parent, should that be killed; it ends its containers itself. What it mounts
    # goes with it, too.
    command = ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount"]
    command += ["dockerd", "--host", engine.host, "--bridge", bridge]
    command += [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/docker.pid"]
    command += ["--iptables=false", "--ip-forward=false", "--ip-masq=false", "--default-ulimit=nofile=1024:1024"]
    # Registries on loopback are spoken to without TLS by default; no configuration of the machine's engine is read.
    (folder / "daemon.json").write_text("{}", "utf-8")
    command += [f"--config-file={folder}/daemon.json", "--log-level=warn"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # Ctrl-C is not for it
    try:
        _wait_until_up(engine, process, folder / "log")
        yield engine
    finally:
        _end(engine, process)


def _wait_until_up(engine: DockerEngine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if engine.docker("version", check=False).returncode == 0:
            return
        time.sleep(0.1)
    last = "\n".join(log.read_text("utf-8", "replace").splitlines()[-10:])
    pytest.fail(f"this machine's kernel or rights do not let a Docker engine start: {last}")


def _end(engine: DockerEngine, process: subprocess.Popen[bytes]) -> None:
    with suppress(AssertionError):
        if left := engine.docker("ps", "--all", "--quiet").stdout.split():
            engine.docker("rm", "--force", *left)
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
