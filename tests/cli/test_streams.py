"""A model whose methods stream, from its file to a call by command: packed, tried again where it is clean, called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.commands import Workplace

from modelport.package import Package, load_package
from modelport.package.verify import run_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = '''\
import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from modelport import Model

FACTOR = 2


class Point(NamedTuple):
    """A point."""

    x: float


def count(to: int) -> Iterator[int]:
    """Count."""
    yield from range(1, to + 1)


def total(numbers: Iterator[float]) -> float:
    """Add up."""
    return sum(numbers)


def mean(points: Iterator[Point]) -> Iterator[Point]:
    """Give the mean of all points so far."""
    so_far = 0.0
    for number, point in enumerate(points, 1):
        so_far += point.x
        yield Point(so_far / number)


async def doubled(points: AsyncIterator[Point]) -> AsyncIterator[Point]:
    """Double each point."""
    async for point in points:
        await asyncio.sleep(0)
        yield Point(point.x * FACTOR)


async def most(numbers: AsyncIterator[float]) -> float:
    """Give the largest number."""
    return max([number async for number in numbers])


model = Model(count=count, total=total, mean=mean, doubled=doubled, most=most)
model.add_example("count", {"to": 3})
model.add_example("total", [{"value": 1}, 2.5])
model.add_example("mean", [Point(1), Point(3)])
model.add_example("doubled", [Point(1), Point(3)])
model.add_example("most", [1.0, 3.0])
'''


@pytest.fixture(scope="module")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a place with the package ``tally``, in its store and as a folder."""
    place = Workplace(tmp_path_factory.mktemp("tally"))
    (place.folder / "tally.py").write_text(SOURCE, encoding="utf-8")
    assert json.loads(place.modelport("pack", "tally.py", "--json", check=True).stdout)["verified"] is True
    place.modelport("pack", "tally.py", "--out", "tally", check=True)
    return place


def test_the_package_holds_its_streams(tally: Workplace) -> None:
    folder = tally.folder / "tally"
    package = Package.read(folder)
    assert {m.name for m in package.spec.methods if m.streams_in} == {"total", "mean", "doubled", "most"}
    assert {m.name for m in package.spec.methods if m.streams_out} == {"count", "mean", "doubled"}
    kept = next(one for one in package.examples if one["method"] == "mean")
    assert kept["input"] == {"stream": [{"x": 1.0}, {"x": 3.0}]}
    assert package.info["rows"]["mean"] == {
        "independent": False, "reason": "it takes a stream, one message at a time"
    }  # fmt: skip
    assert "rpc mean (stream Point) returns (stream Point);" in (folder / "model.proto").read_text()
    loaded = load_package(folder)
    assert run_examples(loaded) == []
    example = next(one for one in loaded.model.examples if one.method == "count")
    example.output["stream"].pop()
    (told,) = run_examples(loaded)
    values = "{'value': 1}, {'value': 2}"
    assert told == f"example 3 of count: output.stream is [{values}, {{'value': 3}}], not [{values}]"


@pytest.mark.parametrize(
    ("arguments", "answers"),
    [
        (["count", '{"to": 2}'], ['{"value": 1}', '{"value": 2}']),
        (["total", '[{"value": 1}, {"value": 2}]'], ['{"value": 3.0}']),
        (["mean", '{"x": 1}\n\n{"x": 3}\n'], ['{"x": 1.0}', '{"x": 2.0}']),
        (["doubled", "@points.ndjson"], ['{"x": 2.0}', '{"x": 4.0}']),
        (["most", '{"value": 1}'], ['{"value": 1.0}']),
        (["mean", "[]"], []),
    ],
)
def test_calls_print_a_line_for_each_message(tally: Workplace, arguments: Sequence[str], answers: list[str]) -> None:
    (tally.folder / "points.ndjson").write_text('{"x": 1}\n{"x": 2}\n', encoding="utf-8")
    assert tally.modelport("call", "tally", *arguments, check=True).stdout.splitlines() == answers


def test_each_answer_is_printed_when_it_is_there(tally: Workplace) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "modelport", "call", "tally", "mean", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tally.folder, env=tally.variables, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for given, answer in (("1", "1.0"), ("3", "2.0"), ("2", "2.0")):
            process.stdin.write(f'{{"x": {given}}}\n')
            process.stdin.flush()
            assert process.stdout.readline() == f'{{"x": {answer}}}\n'
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "answers", "said"),
    [
        (["doubled", '[{"x": 1}, {"x": "a"}]'], '{"x": 2.0}\n', "input 2: x: is a string, not a number (double)"),
        (["mean", '{"x": 1}\n{"x"'], "", "the arguments are not JSON: "),
        (["count", '{"to": 1}\n{"to": 2}'], "", "the arguments are not JSON: Extra data"),
        (["most", "[]"], "", "most failed: ValueError: max()"),
    ],
)
def test_mistakes_are_told(tally: Workplace, arguments: Sequence[str], answers: str, said: str) -> None:
    done = tally.modelport("call", "tally", *arguments)
    assert (done.returncode, done.stdout) == (1, answers)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_show_says_stream(tally: Workplace) -> None:
    shown = tally.modelport("show", str(tally.folder / "tally"), check=True).stdout.splitlines()
    assert "  gives a stream of CountOut" in shown
    assert "  takes a stream of Point" in shown
    assert '  example {"stream": [{"x": 1.0}, {"x": 3.0}]}' in shown


def test_an_example_by_command_is_a_list_of_messages(tally: Workplace) -> None:
    again = Path(tally.folder / "again")
    tally.modelport("pack", "tally.py", "--example", 'mean:[{"x": 5}]', "--out", str(again), check=True)
    assert json.loads((again / "examples" / "mean-002.json").read_text())["output"] == {"stream": [{"x": 5.0}]}
