"""Many processes on one store, and garbage collection among them: nothing is lost, and every tag is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.counts import THOROUGH, record
from tests.support.store_workers import artifact, check_whole

from modelport.oci import Layout
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage

if TYPE_CHECKING:
    from tests.support.registry import DockerRegistry

ROOT = Path(__file__).parents[2]
PROCESSES, OPERATIONS = (16, 200) if THOROUGH else (8, 25)
PUSHERS, BROUGHT = (8, 100) if THOROUGH else (8, 8)
TIMEOUT = 1200


class Worker:
    """A process that waits for its start."""

    def __init__(self, verb: str, layout: Layout, *arguments: str) -> None:
        start = (
            "import sys; sys.path[:0] = sys.argv.pop(1), sys.argv.pop(1); from tests.support.store_workers import main"
        )
        command = [os.path.realpath(sys.executable), "-S", "-E", "-c", f"{start}; main()"]
        command += [str(ROOT), str(ROOT / "registry"), verb, str(layout.path), *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def start(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """Wait for its end, and return what it printed; its failure is the test's."""
        out, err = self._process.communicate(timeout=TIMEOUT)
        assert self._process.returncode == 0, err
        found: dict[str, Any] = json.loads(out)
        return found


def run(workers: list[Worker]) -> list[dict[str, Any]]:
    for worker in workers:
        worker.start()
    return [worker.result() for worker in workers]


def test_nothing_is_lost_among_many_processes(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    done = run([Worker("work", layout, f"w{n}", str(OPERATIONS)) for n in range(PROCESSES)])
    tags = {name: str(root.digest) for name, root in layout.tags().items()}
    own = {name: digest for one in done for name, digest in one["own"].items()}
    assert {name: digest for name, digest in tags.items() if not name.startswith("shared:")} == own
    values: dict[str, set[str]] = {}
    for one in done:
        for name, digests in one["shared"].items():
            values.setdefault(name, set()).update(digests)
    assert {name for name in tags if name.startswith("shared:")} == set(values)
    assert all(tags[name] in digests for name, digests in values.items())
    assert sum(len(digests) for digests in values.values()) > len(values)  # they were moved by several
    report = check(layout)
    assert (report.findings, report.leftovers) == ([], [])
    how = "HYPOTHESIS_PROFILE=thorough pytest tests/oci/test_concurrency.py -k many_processes"
    record("operations of 16 processes on one store, nothing lost", PROCESSES * OPERATIONS, "operations", 3200, how)


def test_collecting_garbage_takes_nothing_from_those_who_bring_it(
    tmp_path: Path, docker_registry: DockerRegistry
) -> None:
    layout, over = Layout(tmp_path / "store"), tmp_path / "over"
    layout.tag("always:1", artifact(layout, b"pool 0", b"pool 1"))
    collector = Worker("collect", layout, str(over))
    collector.start()
    pushers = [Worker("bring", layout, f"p{n}", str(BROUGHT), docker_registry.host) for n in range(PUSHERS)]
    try:
        done = run(pushers)
    finally:
        over.touch()
        collected = collector.result()
    assert collected["runs"] > 1
    assert collected["deleted"] > 0
    tags = {name: str(root.digest) for name, root in layout.tags().items()}
    assert {name: digest for name, digest in tags.items() if name != "always:1"} == {
        name: digest for one in done for name, digest in one["own"].items()
    }
    for root in layout.tags().values():
        check_whole(layout, root)
    report = check(layout)
    assert (report.findings, report.leftovers) == ([], [])
    collect_garbage(layout, grace=0)
    assert sum(len(list((layout.path / name).glob("*"))) for name in ("ingest", "leases")) <= 1  # what pushes remember
    brought = sum(one["brought"] for one in done)
    assert sum(one["pulled"] for one in done) == brought // 4
    how = "HYPOTHESIS_PROFILE=thorough pytest tests/oci/test_concurrency.py -k collecting"
    record("artifacts brought by 8 processes while garbage is collected, nothing lost", brought, "artifacts", 800, how)
    record("collections racing 8 processes", collected["runs"], "collections", 50, how)
