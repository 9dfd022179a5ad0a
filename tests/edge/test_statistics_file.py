"""The file of an edge server's statistics on a bad day: held, full, damaged, newer, of a wrong clock, used by many."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from modelport.edge.exports import export
from modelport.edge.statistics import Statistics
from modelport.edge.tables import opened
from modelport.errors import FormatError, ModelportError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGEST = "sha256:" + "5" * 64
KNOWN = {("trees", DIGEST)}


def batch(number: int, *, count: int = 2, device: str = "phone") -> dict[str, Any]:
    figure = {
        "model": "trees", "variant": "a", "digest": DIGEST, "place": "device", "quantity": "infer",
        "count": count, "mean": 0.1, "m2": 0.0,
    }  # fmt: skip
    request = {"model": "trees", "count": count, "in_time": count, "remote": 0, "fallback": 0}
    head = {"schema": "modelport/edge-batch/1", "batch": f"{number:032x}", "device": device}
    return head | {"figures": [figure], "requests": [request]}


def counted(file: Path) -> int:
    (one,) = export(file)["devices"]["phone"]["figures"]
    found: int = one["n"]
    return found


def report(file: Path, first: int, count: int = 1) -> None:
    field = Statistics(file)
    for number in range(count):
        assert field.take(batch(first + number), KNOWN)


def fill(file: Path) -> None:
    """Write more than there is room for."""
    with opened(file) as database:
        database.execute("PRAGMA max_page_count = 1")  # no page more than there are
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO batches (id) VALUES (?)", [(f"{number:0500}",) for number in range(10_000)])
        database.commit()


def together(*works: Callable[[], object]) -> None:
    """Do it all at once, each in a thread; raise what the first of them raises."""
    start, failed = threading.Barrier(len(works)), []

    def do(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_a_file_that_is_held_is_said_to_be_and_takes_the_batch_later(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file, patience=0.1)
    field.take(batch(1), KNOWN)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(SetupError, match=r"field\.sqlite is held by another process") as raised:
            field.take(batch(2), KNOWN)
        assert "tell again" in raised.value.hint
        assert counted(file) == 2, "who reads is not held up"
        holder.execute("ROLLBACK")
    assert field.take(batch(2), KNOWN)
    assert counted(file) == 4


def test_what_does_not_fit_on_the_disk_is_said_and_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    field.take(batch(1), KNOWN)
    with pytest.raises(SetupError, match=r"field\.sqlite cannot grow: .* full") as raised:
        fill(file)
    assert "free some space" in raised.value.hint
    assert field.take(batch(2), KNOWN)
    assert counted(file) == 4


def test_a_damaged_file_is_not_called_something_else(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    field.take(batch(1), KNOWN)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)  # the first page, which tells of the tables, is whole
    file.write_bytes(content)
    for use in (lambda: export(file), lambda: field.take(batch(999), KNOWN), lambda: field.spreads("phone")):
        with pytest.raises(FormatError, match=r"field\.sqlite is damaged: ") as raised:
            use()
        assert "move the file away" in raised.value.hint
    assert file.read_bytes() == bytes(content), "whoever saves it finds all there is"


def test_what_a_newer_release_keeps_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    Statistics(file).take(batch(1), KNOWN)
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 2")
    before = file.read_bytes()
    for use in (lambda: Statistics(file), lambda: export(file)):
        with pytest.raises(FormatError, match="made by a newer release: its tables are of form 2, and 1 is known here"):
            use()
    assert file.read_bytes() == before


def test_a_clock_that_goes_wrong_erases_nothing_and_days_stay_few(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    field = Statistics(file)
    for number, day in enumerate(("2026-11-22", "2099-01-01", "1970-01-01", "2026-11-23")):
        assert field.take(batch(number), KNOWN, day=day)
    assert counted(file) == 8
    first = date(2026, 11, 24)
    for number in range(410):
        assert field.take(batch(10 + number), KNOWN, day=(first + timedelta(number)).isoformat())
    figures, _ = field.rows()
    days = {one["day"] for one in figures}
    assert (len(days), min(days), max(days)) == (400, "2026-12-05", "2099-01-01")
    assert field.take(batch(999), KNOWN, day="1970-01-01")
    assert export(file)["from"] == "1970-01-01", "what is told now stays for now"


def test_many_servers_make_one_file_and_none_is_refused(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / f"{number}.sqlite"
        together(*(partial(report, file, own) for own in range(6)))
        assert counted(file) == 12


def test_an_export_while_devices_report_is_whole_and_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "field.sqlite"
    Statistics(file).take(batch(0), KNOWN)

    def read() -> None:
        seen = 0
        while seen < 2 * 181:
            phone = export(file)["devices"]["phone"]
            now = phone["requests"][0]["count"]
            assert phone["figures"][0]["n"] == now >= seen, "a batch is there whole or not at all"
            seen = now

    together(*(partial(report, file, 1000 * own, 60) for own in (1, 2, 3)), read, read)


def test_each_fault_is_one_message(tmp_path: Path) -> None:
    folder = tmp_path / "a-folder"
    folder.mkdir()
    with pytest.raises(ModelportError, match="a-folder"):
        Statistics(folder)
