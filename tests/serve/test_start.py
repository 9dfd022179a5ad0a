"""From a package's folder to a service that is ready, and every way in which that fails."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serve.running import problem_of, running, start
from tests.support.waiting import eventually

from modelport.errors import InputError, SetupError
from modelport.model import Model
from modelport.serve import Limits, bind

if TYPE_CHECKING:
    from pathlib import Path

CODE = '''\
"""Greets."""
import sys

print("loading")


def greet(name: str) -> str:
    """Greet someone."""
    print("greeting", name)
    return f"Hello, {name}!"


METHODS = {"greet": greet}
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a package's folder, as packing makes it."""

    def greet(name: str) -> str:
        """Greet someone."""
        return f"Hello, {name}!"

    info = {
        "schema": "modelport/package/1", "name": "greeter", "python": "3.11", "requirements": ["numpy==2.4.6"],
        "tier": {"level": "code-bearing", "reason": "it has code"}, "state": [], "code": ["code/model.py"],
    }  # fmt: skip
    example = {"method": "greet", "input": {"name": "you"}, "output": {"value": "Hello, you!"}, "tolerance": 0.0}
    for folder in ("code", "examples"):
        (tmp_path / folder).mkdir()
    (tmp_path / "package.json").write_text(json.dumps(info))
    (tmp_path / "signature.json").write_text(json.dumps(Model(greet=greet).spec.to_json()))
    (tmp_path / "code/model.py").write_text(CODE)
    (tmp_path / "examples/greet-1.json").write_text(json.dumps(example))
    (tmp_path / "LICENSE").write_text("Free.\n")
    return tmp_path


def ended(*command: str) -> tuple[int, str, str]:
    """Run a service that is expected to end by itself; return its status, stdout and stderr."""
    with TemporaryFile() as stderr, start(["modelport.serve", *command], stderr) as process:
        try:
            stdout, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        stderr.seek(0)
        return process.returncode, stdout, stderr.read().decode()


def test_a_package_is_served(package: Path) -> None:
    digest = "sha256:" + "ab" * 32
    with running("modelport.serve", str(package), "--port", "0", "--version", "1.0.0", "--digest", digest) as service:
        assert service.call("greet", {"name": "Eve"}).json() == {"value": "Hello, Eve!"}
        document = service.client.get("/model/artifacts/metadata").json()
        assert (document["name"], document["version"], document["digest"]) == ("greeter", "1.0.0", digest)
        assert (document["tier"], document["python"]) == ("code-bearing", "3.11")
        assert service.client.get("/model/artifacts/license").text == "Free.\n"
        service.process.terminate()
        assert service.process.wait(5) == 0
        assert service.process.stdout is not None
        assert service.process.stdout.read() == ""  # what the model prints is not on stdout


def test_it_can_be_served_under_another_name(package: Path) -> None:
    with running("modelport.serve", str(package), "--port", "0", "--name", "other") as service:
        assert service.client.get("/model/artifacts/metadata").json()["name"] == "other"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "70000"], "70000 is not a port"),
        (["--host", "192.0.2.1"], "give an address of this machine"),
        (["--version", "one"], "'one' is not a version"),
        (["--call-seconds", "0"], "the limit call_seconds is 0.0"),
    ],
)
def test_wrong_options_are_told_in_words(package: Path, options: list[str], said: str) -> None:
    status, stdout, stderr = ended(str(package), "--port", "0", *options)
    assert (status, stdout) == (1, "")
    assert said in stderr
    assert "Traceback" not in stderr


def test_a_folder_that_is_no_package(tmp_path: Path) -> None:
    status, stdout, stderr = ended(str(tmp_path), "--port", "0")
    assert (status, stdout) == (1, "")
    assert "package.json is missing" in stderr
    assert "Traceback" not in stderr


def test_code_that_cannot_be_loaded(package: Path) -> None:
    (package / "code/model.py").write_text("import nothing_of_this_name\n")
    status, stdout, stderr = ended(str(package), "--port", "0")
    assert (status, stdout) == (1, "")
    assert "error: " in stderr
    assert "nothing_of_this_name" in stderr


def test_a_taken_port_is_said_before_the_model_is_loaded(package: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, stdout, stderr = ended(str(package), "--port", str(port))
    assert (status, stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1 port {port}" in stderr
    assert "hint: stop what listens there" in stderr
    assert "loading" not in stderr


def test_a_model_that_fails_its_first_example_does_not_go_into_service() -> None:
    with TemporaryFile() as stderr, start(["tests.serve.models", "broken"], stderr) as process:
        stdout, _ = process.communicate(timeout=20)
        stderr.seek(0)
        said = stderr.read().decode()
    assert (process.returncode, stdout) == (1, "")
    assert "the first golden example failed" in said
    assert "broken does not answer its first golden example" in said


def test_it_is_live_but_not_ready_until_the_first_example_has_answered() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with TemporaryFile() as stderr, start(["tests.serve.models", "slow-start", "--port", str(port)], stderr) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                eventually(lambda: not refused(port))
                assert client.get("/health/live").status_code == 200
                assert problem_of(client.get("/health/ready"), 503, "not-ready")["headers"]["retry-after"] == "1"
                eventually(lambda: client.get("/health/ready").status_code == 200)
        finally:
            process.terminate()


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_signal_before_it_is_ready_stops_it_as_well() -> None:
    with TemporaryFile() as stderr, start(["tests.serve.models", "slow-start"], stderr) as process:
        eventually(lambda: stderr.seek(0) == 0 and b"startup complete" in stderr.read())
        time.sleep(0.05)
        process.terminate()
        stdout, _ = process.communicate(timeout=30)
        assert (process.returncode, stdout) == (0, "")


def test_addresses_of_ipv6() -> None:
    try:
        with bind("::1", 0) as listener:
            assert listener.getsockname()[1] > 0
    except SetupError:
        pytest.skip("this machine has no IPv6")


def test_limits_are_checked() -> None:
    assert Limits(waiting=0).waiting == 0
    for wrong in ({"workers": 0}, {"call_seconds": -1.0}, {"json_depth": 5000}):
        with pytest.raises(InputError):
            Limits(**wrong)
    with pytest.raises(InputError):
        bind("127.0.0.1", -1)
    with pytest.raises(SetupError):
        bind("no such host", 0)
