"""Every write, fsync, rename, link and unlink of the store is interrupted once: killed there, or failing there.

A first run under strace tells the system calls that an operation makes in the store. Then each is interrupted in a
store of its own: the process is killed, or the call fails with EIO or ENOSPC. Afterwards nothing that a tag needs is
missing or wrong, what was there before is intact, repeating the operation succeeds, and collecting garbage leaves
nothing behind. ``make test`` takes every fifth point, ``make torture`` all of them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.counts import THOROUGH, record
from tests.support.small_registry import small_registry
from tests.support.store_operations import OPERATIONS, REFUSED, is_whole, prepare_old, prepare_remote

from modelport.oci import Layout, push
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CALLS = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,ftruncate"
FAULTS = {"killed": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}
EACH = 1 if THOROUGH else 5  # no multiple of three: all faults take their turn
TARGET = 250
KILLED = {-9, 137}
UNREACHED = "the call was not made"
TRIES = 3  # how many writes a download takes depends on how its bytes come in
START = "import sys; sys.path[:0] = sys.argv[1:3]; from tests.support.store_operations import main"
# A pyenv or virtual environment starts slowly: nothing of it is needed.
PYTHON = [os.path.realpath(sys.executable), "-S", "-E", "-B", "-c", f"{START}; sys.exit(main(*sys.argv[3:]))"]


@dataclass(frozen=True, slots=True)
class Point:
    """The *number*-th time that *operation* makes the system call *call*, and what happens to it there."""

    operation: str
    call: str
    number: int
    fault: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.call} {self.number}, {self.fault}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on loopback that has ``remote:1``."""
    remote = Layout(tmp_path_factory.mktemp("remote") / "store")
    prepare_remote(remote)
    with small_registry() as small:
        push(remote, remote.resolve("remote:1"), small.client(), "remote", tags=["1"])
        yield small.host


def run(operation: str, store: Path, host: str, *options: str) -> tuple[int, str, list[str]]:
    """Run the operation under strace; return its status, what it said, and the calls that it made."""
    log = store.with_suffix(".strace")
    command = ["strace", "-f", "-y", "-o", str(log), "-e", f"trace={CALLS}", *options, *PYTHON]
    command += [str(ROOT), str(ROOT / "registry"), operation, str(store), host]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stderr, log.read_text("utf-8", "replace").splitlines()


def prepared(operation: str, folder: Path) -> Path:
    """Return a store in which *operation* can run."""
    layout = Layout(folder / operation)
    if operation != "first":
        prepare_old(layout)
    OPERATIONS[operation].prepare(layout)
    return layout.path


def points(operation: str, template: Path, folder: Path, host: str) -> list[Point]:
    """Return all points of the operation: its calls that touch the store, and each fault for each."""
    store = copied(template, folder / f"{operation}-all")
    status, said, log = run(operation, store, host)
    assert status == 0, said
    assert OPERATIONS[operation].is_done(Layout(store))
    numbers: Counter[str] = Counter()
    found = []
    for line in log:
        match = re.match(r"[0-9]+ +([a-z0-9]+)\(", line)
        if match:
            numbers[match[1]] += 1
            if str(store) in line and "ENOENT" not in line and "EEXIST" not in line:
                found.append((match[1], numbers[match[1]]))
    assert len({line.split()[0] for line in log}) == 1, "calls are counted for each thread apart"
    return [Point(operation, call, number, fault) for call, number in found for fault in FAULTS]


def copied(template: Path, target: Path) -> Path:
    if template.exists():
        shutil.copytree(template, target)
    source = template.with_name(f"{template.name}.source")
    if source.exists():
        shutil.copyfile(source, target.with_name(f"{target.name}.source"))
    return target


def survive(point: Point, template: Path, store: Path, host: str) -> str:
    """Let the point happen; return what is wrong afterwards, or nothing."""
    operation, layout = OPERATIONS[point.operation], Layout(copied(template, store))
    inject = f"inject={point.call}:{FAULTS[point.fault]}:when={point.number}"
    status, said, log = run(point.operation, store, host, "-e", inject)
    if not any("(INJECTED)" in line or "killed by SIGKILL" in line for line in log):
        return UNREACHED
    if point.fault == "killed" and status not in KILLED:
        return f"it was not killed, but ended with {status}"
    if point.fault != "killed" and (status not in {0, REFUSED} or "Traceback" in said):
        return f"it ended with {status}: {said}"
    if status == 0 and not operation.is_done(layout):
        return "it was said to be done, and is not"
    return _afterwards(point, layout, host)


def _afterwards(point: Point, layout: Layout, host: str) -> str:
    operation = OPERATIONS[point.operation]
    kept = ["old:1", "old:2"] if point.operation != "first" else []
    findings = [finding for finding in check(layout).findings if finding.tags or point.operation != "check"]
    if findings:
        return f"the store is not sound: {findings}"
    for name in kept + [name for name in layout.tags() if name not in kept]:
        if not is_whole(layout, name):
            return f"{name} is not whole"
    operation.run(layout, host)
    if not operation.is_done(layout):
        return "repeating it does not do it"
    if check(layout).findings:
        return "repeating it leaves a store that is not sound"
    collect_garbage(layout, grace=0)
    if not all(is_whole(layout, name) for name in layout.tags()):
        return "collecting garbage took too much"
    left = [path.name for folder in ("ingest", "leases") for path in (layout.path / folder).glob("*")]
    return f"{left} is left behind" if left else ""


def test_every_interrupted_call_is_survived(host: str, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.fail("strace is not installed: `make test` installs it")
    templates = {operation: prepared(operation, tmp_path) for operation in OPERATIONS}
    every = [point for operation in OPERATIONS for point in points(operation, templates[operation], tmp_path, host)]
    assert len(every) >= TARGET
    chosen = every[::EACH]

    def work(numbered: tuple[int, Point]) -> str:
        (number, point), wrong = numbered, UNREACHED
        for attempt in range(TRIES):
            store = tmp_path / f"point-{number}-{attempt}"
            wrong = survive(point, templates[point.operation], store, host)
            if not wrong:
                shutil.rmtree(store)
            if wrong != UNREACHED:
                break
        return wrong

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(chosen, pool.map(work, enumerate(chosen)), strict=True))
    failures = {point: wrong for point, wrong in outcomes.items() if wrong and wrong != UNREACHED}
    assert not failures, "\n".join(f"{point}: {wrong}" for point, wrong in failures.items())
    reached = [point for point, wrong in outcomes.items() if not wrong]
    assert {point.operation for point in outcomes.keys() - set(reached)} <= {"pull"}
    assert len(reached) > 0.95 * len(chosen)
    how = "HYPOTHESIS_PROFILE=thorough pytest tests/oci/test_crash_points.py"
    record("crash points survived", len(reached), "points", TARGET, how)
    for fault in FAULTS:
        count = sum(point.fault == fault for point in reached)
        record(f"crash points survived: {fault}", count, "points", TARGET // len(FAULTS), how)
