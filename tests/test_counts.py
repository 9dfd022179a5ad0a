"""The counts of the guide: nobody types them, and nothing stays in them that no test counts any more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests import torture
from tests.support import counts

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ROW = re.compile(r"^\| (.+?) \| .+ \| (?:yes|no|not known) \|$", re.MULTILINE)


def test_every_count_of_the_guide_is_one_that_a_test_records() -> None:
    page = torture.PAGE.read_text("utf-8")
    shown = ROW.findall(page.split(torture.START)[1].split(torture.END)[0])
    assert len(shown) >= 10
    recorded, beginnings = set(torture.figures()), tuple(torture.figures(prefixes=True))
    assert [figure for figure in shown if figure not in recorded and not figure.startswith(beginnings)] == []


def test_a_row_takes_the_place_of_its_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "COUNTS", tmp_path)
    for value in (3, 5):
        counts.record("things", value, "things", 4, "make torture")
        counts.record("others", value, "things", 4, "make torture")
    rows = json.loads((tmp_path / "oci.json").read_text("utf-8"))
    assert [(row["figure"], row["value"], row["holds"]) for row in rows] == [("things", 5, True), ("others", 5, True)]


RECORD = """
import sys
from pathlib import Path
from tests.support import counts
counts.COUNTS = Path(sys.argv[1])
for number in range(20):
    counts.record(f"{sys.argv[2]}-{number}", number, "things", 0, "make torture")
"""


def test_rows_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RECORD, str(tmp_path)]
    running = [subprocess.Popen([*command, name], cwd=torture.ROOT) for name in "abcd"]
    assert [process.wait(60) for process in running] == [0] * 4
    assert len(json.loads((tmp_path / "oci.json").read_text("utf-8"))) == 80


def test_what_was_not_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torture, "COUNTS", tmp_path)
    rows = torture.rows()
    assert {row["figure"] for row in rows} == set(torture.figures())
    assert {row["holds"] for row in rows} == {None}
    assert torture.table(rows).count("| not run |") == len(rows)
