"""What a device does where its disk takes nothing, or gives nothing now: it goes on, and nothing is told twice."""

from __future__ import annotations

import errno
import logging
import os
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.edge.devices import AWAY, FAST, Made, opened, plan_of
from tests.edge.test_runtime_reports import asked, calls, edge_server

from modelport.edge import Runtime
from modelport.edge import notes as notes_module
from modelport.edge.learning import Tally
from modelport.edge.notes import Notes
from modelport.edge.remote import EdgeServer
from modelport.edge.reports import Reports
from modelport.errors import InputError, SetupError
from modelport.oci.store.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator


class Disk:
    """The disk below a device's notes: a test may not fill the machine's own.

    Attributes:
        is_full: Whether it takes nothing.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._write = write_atomically

    def write(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - the function's own
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._write(*given, **more)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(notes_module, "write_atomically", made.write)
    return made


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def count(tally: Tally, requests: int) -> None:
    for _ in range(requests):
        tally.request("teller", in_time=True, remote=False, fallback=False)


def test_a_runtime_ends_on_a_full_disk_and_tells_what_it_can(
    tmp_path: Path, made: dict[str, Made], store: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    calls(device, store, plan, AWAY, 3)
    assert (device / "reports.json").exists()
    caplog.clear()
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        before = set(threading.enumerate())
        with opened(device, store, plan, server=url) as runtime:
            runtime.call("tell", {"x": 1.0}, deadline=60)
            disk.is_full = True
            assert runtime.report()
            runtime.call("tell", {"x": 1.0}, deadline=60)
        assert asked(field) == 5
        assert not {one for one in set(threading.enumerate()) - before if one.name.startswith("edge-")}
        said = warnings(caplog)
        assert len([one for one in said if "what was learned is not kept" in one]) == 1, said
        assert all("No space left" in one for one in said), said
        disk.is_full = False
        calls(device, store, plan, url, 1)
        assert asked(field) == 6


def test_a_newer_plan_that_cannot_be_written_down_is_not_taken(
    tmp_path: Path, made: dict[str, Made], store: Path, disk: Disk
) -> None:
    plan = plan_of([made["small"].item("small", **FAST)])
    with opened(tmp_path / "device", store, plan) as runtime:
        disk.is_full = True
        with pytest.raises(SetupError, match="No space left"):
            runtime.update(plan_of([made["newer"].item("newer", **FAST)]))
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"


@pytest.mark.parametrize("can_forget", [True, False])
def test_a_full_disk_makes_nothing_count_twice(
    tmp_path: Path, made: dict[str, Made], disk: Disk, *, can_forget: bool
) -> None:
    folder = tmp_path / "device"
    folder.mkdir()
    notes, tally = Notes(folder), Tally()
    reports = Reports(tally, notes, "phone")
    count(tally, 3)
    reports.keep("phone")
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        server = EdgeServer(url)
        disk.is_full = True
        if not can_forget:
            (stuck := folder / "stuck").mkdir()
            notes.reports = stuck
        told = reports.send(server, "phone", 10)
        assert told == can_forget
        count(tally, 1)
        reports.send(server, "phone", 10)
        disk.is_full = False  # it is killed; a later process has a disk with space
        again = Reports(Tally(), Notes(folder), "phone")
        assert again.send(server, "phone", 10)
        assert asked(field) == (4 if can_forget else 3), "never more than there were"
        server.close()


@contextmanager
def no_files_left() -> Iterator[None]:
    """Let the process open nothing more, really."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened_here: list[int] = []
    most = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + 1, hard))
    try:
        with suppress(OSError):
            while True:
                opened_here.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for one in opened_here:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_cannot_be_read_now_is_not_damaged_and_stays(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    calls(device, store, plan, AWAY, 3)
    before = {one.name: one.read_bytes() for one in device.glob("*.json")}
    assert len(before) == 3
    caplog.clear()
    notes = Notes(device)
    with no_files_left():
        with pytest.raises(SetupError, match="Too many open files"):
            notes.read_plan([])
        assert not notes.read_lessons()
        assert not notes.read_reports()
    assert all("Too many open files" in one and "left as it is" in one for one in warnings(caplog))
    with pytest.raises(SetupError, match="could not be read, and is left as it is"):
        notes.write_lessons({})
    with pytest.raises(SetupError, match="could not be read, and is left as it is"):
        notes.write_reports([({}, False)])
    notes.write_reports([])
    assert {one.name: one.read_bytes() for one in device.glob("*.json*")} == before
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        calls(device, store, plan, url, 1)
        assert asked(field) == 4


def test_one_runtime_at_a_time_has_a_folder(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    calls(device, store, plan, AWAY, 3)
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        with opened(device, store, plan, server=url) as runtime:
            with pytest.raises(InputError, match=f"another runtime has the folder {device}") as told:
                opened(device, store, plan, server=url)
            assert "a folder of its own" in told.value.hint
            with pytest.raises(InputError, match="another runtime"):
                Runtime.open(device)
            assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
        assert asked(field) == 4
    with pytest.raises(InputError, match="no plan"):
        Runtime.open(tmp_path / "other")
    with opened(tmp_path / "other", store, plan), opened(device, store, plan):
        pass


def test_a_folder_is_free_when_its_process_is_killed(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    code = "import sys; from pathlib import Path; from modelport.edge.notes import Notes\n"
    code += "notes = Notes(Path(sys.argv[1])); notes.hold(); print('held', flush=True); sys.stdin.read()"
    device.mkdir()
    command = [sys.executable, "-c", code, str(device)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another runtime"):
            opened(device, store, plan)
        process.kill()
    with opened(device, store, plan) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
