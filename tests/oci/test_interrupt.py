"""Interrupted pushes: what the registry has acknowledged by then is not sent again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact
from tests.support.pipe import slow_pipe

from modelport.oci import Layout, Registry, pull, push

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.pipe import Pipe
    from tests.support.registry import DockerRegistry

CHUNK = 2 * 1024 * 1024
SIZE = 5 * CHUNK - 1000
OVERHEAD = 32 * 1024
"""Bytes of all requests but the blob's own, at most."""

PUSH = """
import sys
from pathlib import Path
from modelport.oci import Layout, Registry, push
layout = Layout(Path(sys.argv[1]))
push(layout, layout.resolve("a:1"), Registry(sys.argv[2]), sys.argv[3], tags=["1"], chunk=int(sys.argv[4]))
"""
PULL = """
import sys
from pathlib import Path
from modelport.oci import Layout, Registry, pull
pull(Registry(sys.argv[2]), sys.argv[3], "1", Layout(Path(sys.argv[1])))
"""
STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "store")
    layout.tag("a:1", put_artifact(layout, os.urandom(SIZE)))
    return layout


def started(program: str, layout: Layout, pipe: Pipe, repository: str) -> subprocess.Popen[str]:
    # Where the tests run in the background of a shell, Ctrl-C is ignored, and what they start inherits that.
    command = [
        "env",
        "--default-signal=INT",
        sys.executable,
        "-c",
        program,
        str(layout.path),
        pipe.host,
        repository,
        str(CHUNK),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8")
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """End what a test that failed has left running."""
    yield
    while STARTED:
        with STARTED.pop() as process:
            process.kill()


def ended(process: subprocess.Popen[str]) -> str:
    """Wait until the interruption has ended it; return what it said."""
    _, said = process.communicate(timeout=8)
    assert process.returncode == -signal.SIGINT
    return said


@pytest.mark.parametrize("share", [0.3, 1.5, 2.5, 3.9])
def test_an_interrupted_push_to_a_real_registry_sends_the_rest_next_time(
    share: float, layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    """That registry loses an upload with a chunk that is cut off: so the chunk is finished first."""
    with slow_pipe(docker_registry.host, pace=0.01) as pipe:
        process = started(PUSH, layout, pipe, unique_repository)
        pipe.wait_for(int(share * CHUNK))
        process.send_signal(signal.SIGINT)
        said = ended(process)
        assert "Ctrl-C stops at once" in said
        first = pipe.passed
        (record,) = (layout.path / "ingest").glob("upload-*")
        acknowledged = json.loads(record.read_bytes())["acknowledged"]
        assert acknowledged == (int(share) + 1) * CHUNK
        assert first < acknowledged + OVERHEAD
        again = started(PUSH, layout, pipe, unique_repository)
        assert (again.communicate()[1], again.returncode) == ("", 0)
        assert pipe.passed - first < SIZE - acknowledged + OVERHEAD
    pull(Registry(docker_registry.host), unique_repository, "1", Layout(layout.path.parent / "pulled"))


def test_a_second_interruption_stops_a_push_at_once(
    layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    with slow_pipe(docker_registry.host, pace=0.01) as pipe:
        process = started(PUSH, layout, pipe, unique_repository)
        pipe.wait_for(CHUNK + CHUNK // 2)
        pipe.open.clear()  # nothing moves any more, and nothing would for a minute
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert "Ctrl-C stops at once" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        ended(process)


def test_an_interrupted_pull_stops_at_once(
    layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    """Whatever has arrived counts: nothing is waited for, not even a registry that has fallen silent."""
    registry = Registry(docker_registry.host)
    push(layout, layout.resolve("a:1"), registry, unique_repository, tags=["1"])
    with slow_pipe(docker_registry.host, pace=0.005) as pipe:
        process = started(PULL, Layout(layout.path.parent / "pulled"), pipe, unique_repository)
        pipe.wait_for(0, CHUNK)
        pipe.open.clear()
        process.send_signal(signal.SIGINT)
        assert "Ctrl-C" not in ended(process)
