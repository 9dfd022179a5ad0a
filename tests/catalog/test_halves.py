"""Work done by two processes: the answer is the one that one process gives, whatever becomes of the second."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.catalog.halves import map_in_halves


def double(number: int) -> tuple[int, str]:
    return 2 * number, "x" * 1000


@given(st.lists(st.integers(), max_size=300))
def test_the_results_are_those_of_one_process_in_order(items: list[int]) -> None:
    assert map_in_halves(double, items, few=2) == [double(item) for item in items]


def alone(code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a process of a single thread: a browser that another test has started gives this one more."""
    head = "import os, signal\nfrom modelport.catalog.halves import map_in_halves\nHERE = os.getpid()\n"
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_take_part_in_much_and_one_in_little() -> None:
    wanted = min(2, len(os.sched_getaffinity(0)))
    alone(f"assert len(set(map_in_halves(lambda _: os.getpid(), range(1000)))) == {wanted}")
    alone("assert set(map_in_halves(lambda _: os.getpid(), range(10))) == {HERE}")


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError(number)"])
def test_what_the_copy_does_not_send_is_done_here(end: str) -> None:
    alone(f"""
def fails_elsewhere(number):
    if os.getpid() != HERE:
        {end}
    return number
assert map_in_halves(fails_elsewhere, range(500)) == list(range(500))
""")


@pytest.mark.parametrize("bad", [0, 499])
def test_an_exception_is_raised_here_and_nothing_waits_for_ever(bad: int) -> None:
    alone(f"""
def fails(number):
    if number == {bad}:
        raise OSError(number)
    return "x" * 10_000  # more than a pipe holds
try:
    map_in_halves(fails, range(500))
except OSError as error:
    assert error.args == ({bad},)
else:
    raise AssertionError("nothing was raised")
""")


def test_the_copy_writes_nothing_that_the_original_has_yet_to_write() -> None:
    done = alone("""
print('once', end='')
assert map_in_halves(str, range(1000)) == [str(i) for i in range(1000)]
""")
    assert (done.stdout, done.stderr) == ("once", "")
