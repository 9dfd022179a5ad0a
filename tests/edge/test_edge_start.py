"""``modelport edge serve`` from its start to its end: whatever ends it, it says why, in lines and not in tracebacks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.edge.devices import Made, eventually, teller
from tests.edge.test_server import as_variant
from tests.support.commands import Workplace

from modelport.package.store import keep_package

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "modelport", "edge", "serve", "teller", "--allow-code"]
_ENDS = {
    "killed": "import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "broken": "raise RuntimeError('this variant does not load')\n",
    "silent": "import os\n\nos._exit(7)\n",
}
"""How variants end while they are loaded."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a model with variants of which each ends the service in its own way."""
    place = Workplace(tmp_path_factory.mktemp("edge"))
    parent = teller(place.folder / "parent", "strong", accuracy=0.95)
    keep_package(parent.package.folder, place.folder / "store", tags=["1.0.0", "latest"])
    for name, code in _ENDS.items():
        made = teller(place.folder / name, "small")
        file = made.package.folder / "code/model.py"
        file.write_text(file.read_text("utf-8") + code, "utf-8")
        variant: Made = as_variant(made, parent, name)
        keep_package(variant.package.folder, place.folder / "store", tags=[f"1.0.0-{name}"])
    return place


@contextmanager
def started(place: Workplace, *options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *options], cwd=place.folder, env=place.variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def children_of(process: subprocess.Popen[str]) -> list[int]:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(one) for one in done.stdout.split()]


def own_lines(said: str) -> list[str]:
    """Return what the server itself says: its services' logs are JSON."""
    return [line for line in said.splitlines() if not line.startswith("{")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_starts_is_told_and_leaves_no_service(place: Workplace, number: signal.Signals) -> None:
    with started(place, "--port", "0") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("what devices measure is kept in ")
        process.send_signal(number)
        _, said = process.communicate()
        assert process.returncode == 0
    assert own_lines(said)[-1] == f"stopped by {number.name}", said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_it_serves_is_told_and_ends_its_services(place: Workplace, number: signal.Signals) -> None:
    with started(place, "--port", "0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving teller for devices at ")
        (child,) = children_of(process)
        process.send_signal(number)
        _, said = process.communicate()
        assert process.returncode == 0
    assert own_lines(said)[-1] == ("stopped" if number == signal.SIGINT else f"stopped by {number.name}"), said
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize(
    ("variant", "ended"),
    [
        ("killed", "it was ended by SIGKILL, perhaps for want of memory"),
        ("broken", "it ended with status 1"),
        ("silent", "it ended with status 7"),
    ],
)
def test_a_service_that_ends_at_its_start_ends_the_command_with_its_name_and_how(
    place: Workplace, variant: str, ended: str
) -> None:
    done = place.modelport(
        "edge", "serve", "teller", "--port", "0", "--allow-code", "--variant", "original", "--variant", variant
    )
    lines = own_lines(done.stderr)
    assert done.returncode == 1
    assert f"error: the service of teller:1.0.0-{variant} did not start: {ended}" in lines, done.stderr
    assert "--variant names those that are to answer" in lines[-1]
    if variant == "broken":
        assert "this variant does not load" in done.stderr
    assert len(lines) < 15, done.stderr


def test_a_port_that_is_taken_is_named(place: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.modelport("edge", "serve", "teller", "--allow-code", "--port", str(port))
        assert (done.returncode, f"cannot listen on 127.0.0.1 port {port}" in done.stderr) == (1, True), done.stderr
        done = place.modelport("edge", "serve", "teller", "--allow-code", "--port", str(port - 1))
        assert (done.returncode, f"cannot listen on 127.0.0.1 port {port}" in done.stderr) == (1, True), done.stderr
        assert "error: the service of teller:latest did not start: it ended with status 1" in done.stderr


def test_of_two_servers_on_one_port_the_second_says_why_it_ends(place: Workplace) -> None:
    with closing(socket.socket()) as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", 0))  # as one that still starts: bound, and not listening
        port = first.getsockname()[1]
        with started(place, "--port", str(port)) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("what devices measure is kept in ")
            first.listen()
            _, said = process.communicate()
    assert process.returncode == 1
    assert f"error: cannot listen on 127.0.0.1 port {port}: Address already in use" in own_lines(said), said


def test_where_nobody_reads_standard_output_the_server_answers_all_the_same(place: Workplace) -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], cwd=place.folder, env=place.variables, text=True, stdout=write,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(write)
        assert process.stderr is not None
        line = next(one for one in process.stderr if one.startswith("nobody reads standard output"))
        assert httpx.get(f"{line.split()[-1]}/health/live").json() == {"live": True}
        process.terminate()
        process.communicate()
        assert process.returncode == 0


def test_a_server_that_cannot_say_anything_does_not_end_as_if_all_were_well(place: Workplace) -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], cwd=place.folder, env=place.variables, stdout=subprocess.DEVNULL, stderr=write
    ) as process:
        os.close(write)
        assert process.wait() not in {0, None}


def test_services_that_end_and_cannot_come_back_are_told_in_single_lines(place: Workplace) -> None:
    with started(place, "--port", "0") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().split()[-1]
        port = httpx.get(f"{url}/edge/variants").json()["models"][0]["server"][0]["port"]
        (child,) = children_of(process)
        os.kill(child, signal.SIGSTOP)  # it holds its port until another can take it
        os.kill(child, signal.SIGKILL)
        eventually(lambda: children_of(process) not in ([], [child]))
        (second,) = children_of(process)
        os.kill(second, signal.SIGKILL)  # while it loads
        eventually(lambda: children_of(process) not in ([], [second]))
        assert httpx.get(f"{url}/health/live").json() == {"live": True}
        eventually(lambda: _answers(port))
        process.terminate()
        _, said = process.communicate()
    lines = own_lines(said)
    ended = "teller:latest: its service was ended by SIGKILL, perhaps for want of memory; starting it again"
    assert lines.count(ended) == 2, said
    assert "Traceback" not in said
    assert len(lines) < 15, said


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("http://localhost:5909/models/", "write it without http://: localhost:5909/models"),
        ("models", "write HOST[:PORT]/PREFIX, for instance registry.example.org/models"),
    ],
)
def test_no_device_is_sent_to_a_registry_that_is_none(place: Workplace, prefix: str, said: str) -> None:
    done = place.modelport("edge", "serve", "teller", "--allow-code", "--port", "0", "--registry", prefix)
    assert (done.returncode, done.stdout) == (1, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: --registry: {prefix!r} ")
    assert hint.endswith(said)
