"""Work done by two processes: the answer is the one that one process gives, whatever becomes of the second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog.halves import map_in_halves

HERE = os.getpid()


def double(number: int) -> tuple[int, str]:
    return 2 * number, "x" * 1000


@given(st.lists(st.integers(), max_size=300))
def test_the_results_are_those_of_one_process_in_order(items: list[int]) -> None:
    assert map_in_halves(double, items, few=2) == [double(item) for item in items]


def test_two_processes_take_part() -> None:
    if len(os.sched_getaffinity(0)) > 1:
        assert len(set(map_in_halves(lambda _: os.getpid(), list(range(1000))))) == 2
    assert set(map_in_halves(lambda _: os.getpid(), list(range(10)))) == {HERE}


def dies_elsewhere(number: int) -> int:
    if os.getpid() != HERE:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fails_elsewhere(number: int) -> int:
    if os.getpid() != HERE:
        raise ValueError(number)
    return number


@pytest.mark.parametrize("function", [dies_elsewhere, fails_elsewhere])
def test_what_the_copy_does_not_send_is_done_here(function: object) -> None:
    assert map_in_halves(function, list(range(500))) == list(range(500))  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [0, 499])
def test_an_exception_is_raised_here_and_nothing_waits_for_ever(bad: int) -> None:
    def fails(number: int) -> str:
        if number == bad:
            raise OSError(number)
        return "x" * 10_000  # more than a pipe holds

    with pytest.raises(OSError, match=str(bad)):
        map_in_halves(fails, list(range(500)))


def test_the_copy_writes_nothing_that_the_original_has_yet_to_write() -> None:
    code = (
        "from modelport.catalog.halves import map_in_halves\n"
        "print('once', end='')\n"
        "assert map_in_halves(str, range(1000)) == [str(i) for i in range(1000)]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("once", "")
