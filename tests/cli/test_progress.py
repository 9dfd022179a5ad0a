"""Progress on a real pseudo-terminal, on narrow ones, and where there is no terminal at all."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.artifacts import put_artifact

from modelport.cli.progress import State, Steps, Tally, drawn, drawn_steps, summary, transfers
from modelport.oci import Descriptor, Layout
from modelport.oci.archive import export_archive
from modelport.oci.progress import log_notice
from modelport.oci.transfers import transfer

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
TRANSFERRING = """
import sys, time
from modelport.cli.progress import transfers
from modelport.oci import Descriptor
from modelport.oci.progress import log_notice
large, small, here = (Descriptor.of(bytes([n]) * size) for n, size in enumerate((3_000_000, 500_000, 10)))
with transfers("pulling", "pulled") as tell:
    tell(here, here.size)
    for node in (large, small):
        tell(node, 0)
    for done in range(0, 3_000_001, 100_000):
        tell(large, done)
        tell(small, min(done, 500_000))
        time.sleep(0.01)
        if done == 2_000_000:
            log_notice("a notice")
    if len(sys.argv) > 1:
        raise SystemExit("error: it broke")
"""


def on_terminal(columns: int, *arguments: str) -> str:
    """Return what a terminal of so many columns was sent on stderr."""
    terminal, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", TRANSFERRING, *arguments], stderr=child, env=environment) as process:
        os.close(child)
        sent = b""
        try:
            while got := os.read(terminal, 65536):
                sent += got
        except OSError:
            pass  # how Linux says that nobody has the terminal's other end any more
        os.close(terminal)
    assert process.returncode == (1 if arguments else 0)
    return sent.decode().replace("\r\n", "\n")


def shown(sent: str) -> list[str]:
    """Return the lines as they stand on the terminal when all is done."""
    lines = []
    for line in sent.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_terminal_gets_one_line_that_is_drawn_anew(columns: int) -> None:
    sent = on_terminal(columns)
    drawings = [line for line in re.split("[\r\n]", sent) if line.startswith("pulling") or "%" in line]
    assert len(drawings) >= 2
    assert all(len(line) < columns for line in drawings)
    assert all(character.isprintable() or character in "\r\n" for character in sent)  # no escape sequences
    notice, last, empty = shown(sent)
    assert (notice, empty) == ("a notice", "")
    assert last.startswith("pulled 2 blobs, 3.5 MB, in ")
    assert last.endswith("; 1 blob needed no transfer")


def test_what_is_logged_is_said_once_and_only_while_it_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    with transfers("copying", "copied"), transfers("pulling", "pulled"):
        log_notice("the registry is away")
    log_notice("it is back")
    said = capsys.readouterr().err
    assert said.count("the registry is away\n") == 1
    assert "it is back" not in said


def test_what_breaks_leaves_a_clean_line() -> None:
    assert shown(on_terminal(80, "break")) == ["a notice", "error: it broke", ""]


def test_where_there_is_no_terminal_there_is_one_plain_line() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", TRANSFERRING]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == ""
    assert re.fullmatch(r"a notice\npulled 2 blobs, 3\.5 MB, in \d+\.\d s; 1 blob needed no transfer\n", done.stderr)


STATES = st.builds(
    State,
    blobs=st.integers(0, 10**6),
    blobs_done=st.integers(0, 10**6),
    total=st.integers(0, 10**15),
    done=st.integers(0, 10**15),
    moved=st.integers(0, 10**15),
    here=st.integers(0, 10**6),
    rate=st.floats(0, 1e12),
    seconds=st.floats(0, 1e7),
)


@given(STATES, st.integers(0, 300))
def test_no_line_is_longer_than_the_terminal(state: State, width: int) -> None:
    line = drawn("pulling", state, width)
    assert len(line) <= max(0, width - 1)
    assert line.isprintable()
    assert summary("pulled", state).isprintable()


def test_a_narrow_line_keeps_what_matters_most() -> None:
    state = State(blobs=8, blobs_done=3, total=10**9, done=45 * 10**7, moved=45 * 10**7, here=0, rate=8e7, seconds=5.6)
    assert drawn("pulling", state, 200) == (
        "pulling  3 of 8 blobs  [=========>          ]   45%  450.0 MB of 1.0 GB  80.0 MB/s  0:07 left"
    )
    widths = (90, 70, 45, 30, 14, 5)
    assert [drawn("pulling", state, width) for width in widths] == [
        "pulling  3 of 8 blobs  [=========>          ]   45%  450.0 MB of 1.0 GB  80.0 MB/s",
        "pulling  3 of 8 blobs   45%  450.0 MB of 1.0 GB  80.0 MB/s",
        "pulling   45%  450.0 MB of 1.0 GB  80.0 MB/s",
        "pulling   45%",
        "pulling   45%",
        " 45%",
    ]


def test_the_rate_is_of_what_moves_now() -> None:
    tally, node = Tally(100.0), Descriptor(media_type="a/b", digest=Descriptor.of(b"").digest, size=100 * MIB)
    tally.tell(node, 0)
    tally.tell(node, 50 * MIB)  # an earlier pull left that
    assert (tally.state(101.0).rate, tally.state(101.0).moved) == (0, 0)
    for second in range(1, 4):
        tally.tell(node, (50 + second) * MIB)
        tally.state(101.0 + second)
    assert tally.state(105.0).rate == pytest.approx(0.6 * MIB, rel=0.01)
    assert tally.state(111.0).rate == 0  # it stalls, and the line says so
    assert "waiting" in drawn("pulling", tally.state(112.0), 200)
    tally.tell(node, 0)  # begun anew
    assert tally.state(113.0).done == 0
    tally.tell(node, node.size)
    assert "there before" in summary("pulled", tally.state(114.0))


def test_what_moves_twice_is_there_once_and_was_not_there_before() -> None:
    tally, node = Tally(100.0), Descriptor.of(bytes(10240))
    for _ in range(2):  # to two repositories of one registry, or once more after a failure
        for done in (0, 5000, node.size):
            tally.tell(node, done)
    state = tally.state(101.0)
    assert (state.done, state.moved, state.earlier) == (10240, 20480, 0)
    assert "before" not in summary("pushed", state)


def test_an_export_of_small_blobs_is_told(tmp_path: Path) -> None:
    layout, tally = Layout(tmp_path / "store"), Tally(100.0)
    export_archive(layout, {"a:1": put_artifact(layout, b"one", b"three")}, tmp_path / "a.tar", progress=tally.tell)
    state = tally.state(101.0)
    assert (state.blobs, state.blobs_done, state.here) == (4, 4, 0)
    assert summary("wrote", state).startswith("wrote 4 blobs, ")


def test_a_pull_tells_of_everything_before_anything_moves(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    manifest = layout.manifest(put_artifact(layout, b"one", b"three", b"fourteen"))
    told: list[tuple[int, int]] = []
    transfer(
        manifest.children, lambda node, tell: tell(node, node.size), lambda node, done: told.append((node.size, done))
    )
    assert told[:4] == [(8, 0), (5, 0), (3, 0), (2, 0)]
    assert sorted(told[4:]) == [(2, 2), (3, 3), (5, 5), (8, 8)]


@given(st.integers(0, 12), st.integers(0, 9), st.text(max_size=60), st.integers(1, 120))
def test_a_line_of_steps_fits_and_says_what_goes_on_first(total: int, done: int, doing: str, width: int) -> None:
    line = drawn_steps(Steps(total, min(done, total), doing, 10.0), 75.0, width)
    assert len(line) < width or not line
    assert bool(line) <= bool(doing)
    if width > 120 - 1 and doing and total:
        assert f"{min(done + 1, total)} of {total}" in line
        assert line.endswith("1:05")
