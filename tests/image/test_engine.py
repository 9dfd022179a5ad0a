"""Images in a real Docker engine: hardened, they answer as the service does without a container."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker.models.containers import Container as SdkContainer
from tests.image.loaded import TAG
from tests.support.containers import answers, asked, command

from modelport.errors import InputError, ModelError, SetupError
from modelport.image.engine import Engine, RunOptions, is_local
from modelport.image.running import STOP_SECONDS, Running
from modelport.oci import Layout, build_index
from modelport.package import Package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.commands import Workplace
    from tests.support.containers import Container
    from tests.support.docker import DockerEngine

INFER = "/v2/models/iris-forest/infer"
FLOWERS = {
    "inputs": [
        {"name": name, "shape": [2], "datatype": "FP64", "data": [4.0, 1.5]}
        for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")
    ]
}


def images(docker_engine: DockerEngine) -> set[str]:
    """Return the engine's images; of those that were created at one time, as all of ours, it tells no fixed order."""
    return set(docker_engine.docker("images", "--quiet", "--no-trunc").stdout.split())


@contextmanager
def foreground(place: Workplace, engine: DockerEngine, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``modelport`` with a free port where *engine* is the user's; it is ended with the context."""
    # A shell's background jobs ignore Ctrl-C, and what they start inherits that.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "modelport", *words, "--port", "0"]
    variables = place.variables | engine.variables
    with subprocess.Popen(command, cwd=place.folder, env=variables, stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def address(process: subprocess.Popen[str]) -> str:
    """Return the address that is printed when the service is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("serving iris-forest at http://127.0.0.1:"), line
    return line.split()[-1]


class TestRun:
    def test_it_answers_at_every_door_as_without_a_container(self, place: Workplace, running: Container) -> None:
        package = Package.read(place.package("iris-forest"))
        inside = answers(running.url, running.grpc, package)
        with place.service("iris-forest") as service:
            outside = answers(service.url, None, package)
            assert [doors[:2] for doors in inside] == outside
            assert asked(running.url, INFER, FLOWERS)["outputs"] == asked(service.url, INFER, FLOWERS)["outputs"]
        assert all(
            door == doors[0] == example["output"]
            for doors, example in zip(inside, package.examples, strict=True)
            for door in doors
        )

    def test_it_has_no_right_that_it_does_not_need(self, running: Container) -> None:
        document = running.inspect()
        host = document["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] == host["MemorySwap"] == 256 * 2**20
        assert host["PidsLimit"] == 256
        assert not host["Privileged"]
        assert {at["HostIp"] for ports in host["PortBindings"].values() for at in ports} == {"127.0.0.1"}
        status = running.python("print(open('/proc/1/status').read())")
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        assert set(fields["Uid"].split()) == set(fields["Gid"].split()) == {"65532"}
        assert {int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapInh")} == {0}
        assert fields["NoNewPrivs"].strip() == "1"
        assert fields["Seccomp"].strip() == "2", "the engine's own filter of system calls is on"

    def test_nothing_can_be_written_but_to_tmp(self, running: Container) -> None:
        tried = """
import errno
for path in ("/x", "/model/x", "/opt/modelport/x", "/tmp/x"):
    try:
        open(path, "w").close()
        print("written")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
        assert running.python(tried).split() == ["EROFS", "EROFS", "EROFS", "written"]
        assert running.engine.docker("diff", running.name).stdout == ""

    def test_whoever_calls_it_cannot_foresee_its_hashes(
        self, place: Workplace, running: Container, docker_engine: DockerEngine
    ) -> None:
        assert running.python("import sys; print(sys.flags.hash_randomization)") == "1"
        with foreground(place, docker_engine, "serve", "iris-forest") as process:  # without a container neither
            address(process)
            assert b"PYTHONHASHSEED" not in Path(f"/proc/{process.pid}/environ").read_bytes()

    def test_there_is_no_shell_in_it(self, running: Container) -> None:
        for shell in ("/bin/sh", "/bin/bash", "sh", "/usr/bin/apt-get", "/usr/bin/dpkg"):
            done = running.execute(shell, "-c", "true")
            assert done.returncode in {126, 127}, shell
            assert "no such file" in done.stdout + done.stderr or "not found" in done.stdout + done.stderr

    def test_the_engine_finds_it_healthy_and_sigterm_ends_it_in_good_order(
        self, place: Workplace, docker_engine: DockerEngine
    ) -> None:
        words = ("run", "--detach", "--read-only", "--health-interval", "1s", TAG)  # not even /tmp can be written to
        name = docker_engine.docker(*words).stdout.strip()
        try:
            health = ""
            deadline = time.monotonic() + 120
            while health != "healthy" and time.monotonic() < deadline:
                time.sleep(0.2)
                health = docker_engine.docker("inspect", "--format", "{{.State.Health.Status}}", name).stdout.strip()
            assert health == "healthy"
            start = time.monotonic()
            docker_engine.docker("stop", "--time", "60", name)
            assert docker_engine.docker("wait", name).stdout.strip() == "0"
            assert time.monotonic() - start < 30
        finally:
            docker_engine.docker("rm", "--force", name)
        del place  # whose image it is

    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
    def test_in_the_foreground_it_ends_and_goes_with_the_command(
        self, place: Workplace, docker_engine: DockerEngine, stop: signal.Signals
    ) -> None:
        before = docker_engine.docker("ps", "--all", "--quiet").stdout
        with foreground(place, docker_engine, "run", "iris-forest") as process:
            url = address(process)
            assert process.stderr is not None
            assert process.stderr.readline() == f"in a container, from {TAG}\n"
            assert asked(url, "/v2")["name"]
            while "/v2" not in (line := process.stderr.readline()):  # what it logs is shown
                assert line, "it ended"
            process.send_signal(stop)
            process.communicate(timeout=120)
        assert process.returncode == 0
        assert docker_engine.docker("ps", "--all", "--quiet").stdout == before

    def test_what_the_engine_has_is_neither_built_nor_handed_over_again(
        self, place: Workplace, engine: Engine, layout: Layout, docker_engine: DockerEngine
    ) -> None:
        engine.load(layout, layout.resolve(TAG), TAG)
        before, since = images(docker_engine), f"{time.time():.9f}"
        with foreground(place, docker_engine, "run", "iris-forest") as process:
            address(process)
            process.terminate()
            _, talked = process.communicate(timeout=120)
        assert "installing" not in talked
        events = ("events", "--since", since, "--until", f"{time.time():.9f}", "--format", "{{.Type}} {{.Action}}")
        happened = docker_engine.docker(*events).stdout.splitlines()
        assert "container start" in happened
        assert not {"image load", "image pull", "image import"} & set(happened)
        assert images(docker_engine) == before

    @pytest.mark.parametrize("moment", ["create", "start"])
    def test_interrupted_while_it_starts_it_leaves_nothing(
        self, place: Workplace, docker_engine: DockerEngine, moment: str
    ) -> None:
        before = docker_engine.docker("ps", "--all", "--quiet").stdout
        # "0s" is this second's begin, in which another test's container may have started.
        since = f"{time.time():.9f}"
        events = ["docker", "events", "--since", since, "--filter", f"event={moment}", "--format", "{{.Action}}"]
        with subprocess.Popen(events, env={**os.environ, **docker_engine.variables}, stdout=-1, text=True) as watching:
            assert watching.stdout is not None
            with foreground(place, docker_engine, "run", "iris-forest") as process:
                assert watching.stdout.readline().strip() == moment
                process.send_signal(signal.SIGINT)
                asked_at = time.monotonic()
                _, talked = process.communicate(timeout=120)
            watching.terminate()
        assert process.returncode == 0, talked
        assert time.monotonic() - asked_at < STOP_SECONDS, "it has no calls that are waited for"
        assert "stopping" in talked
        assert docker_engine.docker("ps", "--all", "--quiet").stdout == before

    def test_it_is_built_as_asked_and_leaves_the_image_for_all_platforms(
        self, place: Workplace, built: dict[str, Any], layout: Layout, base: Path, docker_engine: DockerEngine
    ) -> None:
        revision = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
        words = ("image", "load", "iris-forest", "--base", base)
        for asked_for in ("abc", ""):
            command(place, docker_engine, *words, "--revision", asked_for)
            assert docker_engine.docker("inspect", "--format", revision, TAG).stdout.strip() == asked_for
        assert str(layout.resolve(TAG).digest) == built["digest"]


class TestFailures:
    def test_too_little_memory(self, place: Workplace, base: Path, docker_engine: DockerEngine) -> None:
        words = ("image", "run", "iris-forest", "--base", base, "--port", "0", "--memory", "16m")
        done = command(place, docker_engine, *words, check=False)
        assert done.returncode == 1
        assert "needs more memory than the 16 MiB" in done.stderr
        assert "--memory 32m" in done.stderr
        assert TAG not in docker_engine.docker("ps", "--all", "--format", "{{.Image}} {{.Status}}").stdout

    def test_a_service_that_dies_is_told_with_its_log(
        self, engine: Engine, docker_engine: DockerEngine, place: Workplace, tmp_path: Path
    ) -> None:
        python = json.loads(docker_engine.docker("inspect", TAG).stdout)[0]["Config"]["Entrypoint"][0]
        dying = json.dumps([python, "-c", "print('no luck today'); raise SystemExit(3)"])
        (tmp_path / "Dockerfile").write_text(f"FROM {TAG}\nENTRYPOINT {dying}\n", "utf-8")
        docker_engine.docker("build", "--quiet", "--tag", "dying", str(tmp_path))
        service = engine.start("dying", RunOptions())
        try:
            with pytest.raises(ModelError) as died:
                service.wait(60)
        finally:
            service.remove()
        assert "with status 3" in str(died.value)
        assert "no luck today" in str(died.value)
        del place  # whose image it is

    def test_somebody_removes_it(self, place: Workplace, docker_engine: DockerEngine) -> None:
        with foreground(place, docker_engine, "run", "iris-forest") as process:
            address(process)
            name = docker_engine.docker("ps", "--latest", "--quiet").stdout.strip()
            docker_engine.docker("rm", "--force", name)
            _, talked = process.communicate(timeout=120)
        assert process.returncode == 1
        # That it was killed, or is about to be removed, may be seen first.
        assert re.search("somebody removed the service's container|with status 137|marked for removal", talked)
        assert "Traceback" not in talked
        assert "without a container" not in talked, "what ran in one is not run again without"

    def test_what_an_engine_refuses_is_no_traceback(self, engine: Engine, place: Workplace) -> None:
        service = engine.start(TAG, RunOptions())
        service.container.remove(force=True)
        with pytest.raises(SetupError, match="refused: No such container"):
            service.log()
        with pytest.raises(ModelError, match="somebody removed the service's container"):
            list(service.follow(time.time()))
        service.remove()  # it is what was wanted
        del place  # whose image it is

    def test_a_port_that_is_taken(self, place: Workplace, base: Path, docker_engine: DockerEngine) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            words = ("image", "run", "iris-forest", "--base", base, "--port", str(port))
            done = command(place, docker_engine, *words, check=False)
        assert done.returncode == 1
        assert f"port {port} of 127.0.0.1 is taken" in done.stderr
        assert "--port 0" in done.stderr

    def test_no_engine(self, place: Workplace, docker_engine: DockerEngine, tmp_path: Path) -> None:
        nowhere = replace(docker_engine, host=f"unix://{tmp_path}/docker.sock")
        done = command(place, nowhere, "image", "run", "iris-forest", check=False)
        assert done.returncode == 1
        assert f"no Docker engine answers at unix://{tmp_path}/docker.sock: No such file" in done.stderr
        assert "DOCKER_HOST" in done.stderr

    def test_an_engine_on_another_machine_runs_nothing_that_is_reached_here(
        self, iris: Workplace, docker_engine: DockerEngine
    ) -> None:
        far = replace(docker_engine, host="ssh://far.example.org")
        done = command(iris, far, "image", "run", "iris-forest", check=False)
        assert done.returncode == 1
        assert "the Docker engine at ssh://far.example.org is on another machine" in done.stderr
        assert "modelport image load" in done.stderr
        assert "docker run" in done.stderr

    def test_an_image_for_another_platform(self, engine: Engine, layout: Layout) -> None:
        both = layout.manifest(layout.resolve(TAG)).children
        foreign = [one for one in both if one.platform != engine.platform]
        index = layout.put_manifest(build_index(foreign))
        with pytest.raises(InputError) as refused:
            engine.load(layout, index, TAG)
        assert "is for linux/arm64" in str(refused.value)
        assert "--platform linux/amd64" in refused.value.hint


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("", True), ("unix:///var/run/docker.sock", True), ("npipe:////./pipe/docker_engine", True),
        ("tcp://127.0.0.1:2375", True), ("tcp://localhost:2375", True), ("tcp://[::1]:2375", True),
        ("tcp://192.0.2.7:2376", False), ("ssh://me@far.example.org", False), ("https://far.example.org:2376", False),
    ],
)  # fmt: skip
def test_where_an_engine_is(address: str, *, local: bool) -> None:
    assert is_local(address) is local


@pytest.mark.parametrize(
    ("published", "url"),
    [
        ("", "http://127.0.0.1:3330"),  # Podman's way to say anywhere
        ("0.0.0.0", "http://127.0.0.1:3330"),  # noqa: S104 - what an engine says
        ("::", "http://[::1]:3330"),
        ("192.0.2.7", "http://192.0.2.7:3330"),
    ],
)
def test_where_a_service_is_reached(published: str, url: str) -> None:
    ports = {"3330/tcp": [{"HostIp": published, "HostPort": "3330"}]}
    one = SdkContainer(attrs={"Name": "/one", "NetworkSettings": {"Ports": ports}})
    assert Running.of(one, where="", memory=0).url == url
