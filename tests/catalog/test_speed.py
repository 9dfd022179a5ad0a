"""The catalog's size costs little, in seconds of computing, which a busy machine stretches less than those of a clock.

The catalog is checked by two processes, so half of what they compute together is what somebody waits for.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from tests.support.entries import entry_name, write_catalog

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = 1000
PROCESSES = min(2, len(os.sched_getaffinity(0)))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("large") / "repository", ENTRIES)


def computing_seconds(repository: Path, *words: str) -> float:
    """Return what the command computes, with its copy, and assert that it succeeds and says what is expected."""
    plain = {
        name: text for name, text in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "MODELPORT_"))
    }
    own = {f"MODELPORT_{name}": str(repository.parent / name.lower()) for name in ("CACHE", "DATA", "STORE")}
    out = os.open(repository.parent / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    command = [sys.executable, "-m", "modelport", *words]
    actions = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
    here = os.getcwd()  # noqa: PTH109 - posix_spawn takes no working directory
    os.chdir(repository)
    try:
        child = os.posix_spawn(sys.executable, command, plain | own, file_actions=actions)
    finally:
        os.chdir(here)
        os.close(out)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, (repository.parent / "out").read_text()
    return used.ru_utime + used.ru_stime


def test_a_thousand_entries_are_checked_in_two_seconds(repository: Path) -> None:
    computing_seconds(repository, "check")  # compiles the bytecode, where it is not yet
    assert min(computing_seconds(repository, "check") for _ in range(2)) / PROCESSES < 2
    assert (repository.parent / "out").read_text() == "no problems\n"


def test_one_changed_entry_of_them_is_checked_in_half_a_second(repository: Path) -> None:
    entry = f"catalog/models/{entry_name(7)}"
    card = repository / entry / "card.md"
    card.write_text(card.read_text("utf-8") + "Changed.\n", "utf-8")
    assert min(computing_seconds(repository, "check", entry) for _ in range(3)) < 0.5


@pytest.mark.parametrize("words", [["list"], ["search", "flow"], ["show", entry_name(7)]])
def test_the_index_answers_in_milliseconds(repository: Path, words: list[str]) -> None:
    computing_seconds(repository, *words)
    assert min(computing_seconds(repository, *words) for _ in range(5)) < 0.25
