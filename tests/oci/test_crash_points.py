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


EVENT = re.compile(
    r"[0-9]+ +(?:(?P<call>write|pwrite64|writev|ftruncate|fsync|fdatasync)\([0-9]+<(?P<file>[^>]*)>"
    r'|(?P<rename>rename|renameat|renameat2)\((?:[^"]*)"(?P<old>[^"]*)"[^"]*"(?P<new>[^"]*)"'
    r'|(?P<mkdir>mkdir|mkdirat)\((?:[^"]*)"(?P<folder>[^"]*)").* = [0-9]+$'
)


def disorder(log: list[str], store: Path) -> list[str]:
    """Return what a power cut could undo or tear, by the calls that an operation made in *store*.

    What is renamed to its final name was flushed after it was written; its folder's list is flushed afterwards, and
    before ``index.json`` changes, so that no tag is on the disk before what it needs.
    """
    wrong: list[str] = []
    dirty: set[str] = set()  # written to and not flushed since
    unlisted: dict[str, str] = {}  # names that a power cut could take back, and their folders
    for line in log:
        event = EVENT.match(line)
        if event is None:
            continue
        file, new = event["file"], event["new"]
        if event["call"] in {"fsync", "fdatasync"}:
            dirty.discard(file)
            unlisted = {name: folder for name, folder in unlisted.items() if folder != file}
        elif event["call"]:
            dirty.add(file)
        elif event["mkdir"] and Path(event["folder"]).parent == store / "blobs":
            unlisted[event["folder"]] = str(Path(event["folder"]).parent)
        elif event["rename"] and Path(new).is_relative_to(store):
            if event["old"] in dirty:
                wrong.append(f"{new} got its name before its bytes were flushed")
            if Path(new).name in {"index.json", "oci-layout"}:
                wrong += [f"{name} was not yet on the disk when {Path(new).name} changed" for name in unlisted]
            unlisted[new] = str(Path(new).parent)
            dirty.discard(new)
    final = [file for file in dirty if Path(file).parent == store or Path(file).is_relative_to(store / "blobs")]
    wrong += [f"{file} was written after it got its name" for file in final]
    return wrong + [f"{name} was never flushed into its folder" for name in unlisted]


def published(log: list[str], store: Path) -> set[str]:
    """Return the kinds of what got its final name in *store*."""
    names = [Path(event["new"]) for line in log if (event := EVENT.match(line)) and event["rename"]]
    return {name.relative_to(store).parts[0] for name in names if name.is_relative_to(store)}


PUBLISHED = {
    "first": {"blobs", "index.json", "oci-layout"},
    "put": {"blobs"},
    "tag": {"index.json"},
    "pull": {"blobs", "index.json"},
    "gc": {"index.json"},
    "check": {"quarantine"},
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_gets_its_name_is_on_the_disk_and_before_what_needs_it(operation: str, host: str, tmp_path: Path) -> None:
    store = prepared(operation, tmp_path)
    status, said, log = run(operation, store, host)
    assert status == 0, said
    assert published(log, store) == PUBLISHED[operation]
    assert disorder(log, store) == []


# What a write, a flush and a rename are in the log, and where a power cut would tear them.
A_WRITE, A_FLUSH = "1 write(3</s/ingest/new-1>, ...) = 5", "1 fsync(3</s/ingest/new-1>) = 0"
A_NAME, A_LIST = '1 rename("/s/ingest/new-1", "/s/blobs/sha256/aa") = 0', "1 fsync(4</s/blobs/sha256>) = 0"
LATE_FLUSH = "1 fsync(3</s/blobs/sha256/aa>) = 0"
A_TAG, ITS_LIST = '1 rename("/s/ingest/new-2", "/s/index.json") = 0', "1 fsync(5</s>) = 0"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ([A_WRITE, A_FLUSH, A_NAME, A_LIST, A_TAG, ITS_LIST], ""),
        ([A_WRITE, A_NAME, LATE_FLUSH, A_LIST, A_TAG, ITS_LIST], "before its bytes were flushed"),
        ([A_WRITE, A_FLUSH, A_LIST, A_NAME, A_TAG, ITS_LIST], "was not yet on the disk when index.json changed"),
        ([A_WRITE, A_FLUSH, A_NAME, A_TAG, A_LIST, ITS_LIST], "was not yet on the disk when index.json changed"),
        ([A_WRITE, A_FLUSH, A_NAME, A_LIST, A_TAG], "was never flushed into its folder"),
        ([A_WRITE, A_FLUSH, A_WRITE, A_NAME, A_LIST], "before its bytes were flushed"),
        ([A_WRITE, A_FLUSH.replace("= 0", "= -1 EIO (...)"), A_NAME, A_LIST], "before its bytes were flushed"),
    ],
)
def test_a_wrong_order_is_found(log: list[str], said: str) -> None:
    found = disorder(log, Path("/s"))
    assert bool(found) == bool(said)
    assert all(said in one for one in found[:1])


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
    record("crash points survived: system calls, each with three faults", len(reached), "points", TARGET, how)
    for fault in FAULTS:
        count = sum(point.fault == fault for point in reached)
        record(f"system calls at which a fault is survived: {fault}", count, "calls", TARGET // len(FAULTS), how)
