"""A model whose methods stream, served by ``python -m tests.serve.streaming streams [LIMIT...]`` on a free port.

What a test wants to know of a function's life it reads from files in the folder that the call names.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 - signatures are made from them
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from tests.serve.models import MODELS, main

from modelport.model import Model


class Point(NamedTuple):
    x: float


class Event(NamedTuple):
    folder: str
    text: str = ""


def count(to: int) -> Iterator[int]:
    """Count."""
    yield from range(1, to + 1)


def total(numbers: Iterator[float]) -> float:
    return sum(numbers)


def mean(points: Iterator[Point]) -> Iterator[Point]:
    so_far = 0.0
    for number, point in enumerate(points, 1):
        so_far += point.x
        yield Point(so_far / number)


async def mean_later(points: AsyncIterator[Point]) -> AsyncIterator[Point]:
    so_far, number = 0.0, 0
    async for point in points:
        so_far, number = so_far + point.x, number + 1
        yield Point(so_far / number)


def gated(folder: str) -> Iterator[str]:
    """Give one message, and another one when there is a file ``open``."""
    yield "first"
    while not (Path(folder) / "open").exists():
        time.sleep(0.01)
    yield "second"


def endless(folder: str, size: int) -> Iterator[str]:
    made = 0
    try:
        for made in itertools.count(1):
            (Path(folder) / "made").write_text(str(made))
            yield "x" * size
    finally:
        (Path(folder) / "closed").write_text(str(made))


def echo(events: Iterator[Event]) -> Iterator[Event]:
    folder = "."
    try:
        for event in events:
            folder = event.folder
            yield event
    finally:
        (Path(folder) / "closed").touch()


async def echo_later(events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    folder = "."
    try:
        async for event in events:
            folder = event.folder
            yield event
    finally:
        (Path(folder) / "closed").touch()


def gather(events: Iterator[Event]) -> int:
    """Take all messages; a file ``done`` shows that it took the end for the end."""
    number, folder = 0, "."
    try:
        for number, event in enumerate(events, 1):
            folder = event.folder
            (Path(folder) / "took").write_text(str(number))
        (Path(folder) / "done").touch()
    finally:
        (Path(folder) / "closed").touch()
    return number


def fails(at: int) -> Iterator[int]:
    yield from range(at)
    raise ValueError("the weights in /srv/secret/weights.bin are gone")


def unfit(to: int) -> Iterator[int]:
    yield from range(to)
    yield "text"  # type: ignore[misc]  # what is told


def stall(after: int, seconds: float) -> Iterator[int]:
    yield from range(after)
    time.sleep(seconds)
    yield after


_nobody_else = Lock()


def _alone() -> None:
    """Fail if another thread is in here."""
    if not _nobody_else.acquire(blocking=False):
        raise RuntimeError("two at once")
    time.sleep(0.002)
    _nobody_else.release()


def alone(to: int) -> Iterator[int]:
    for number in range(1, to + 1):
        _alone()
        yield number


def alone_too(times: int) -> int:
    for _ in range(times):
        _alone()
    return 1


def plain(x: float) -> float:
    return x


def streams() -> Model:
    functions = (
        count, total, mean, mean_later, gated, endless, echo, echo_later, gather, fails, unfit, stall, plain,
        alone, alone_too,
    )  # fmt: skip
    model = Model(**{one.__name__: one for one in functions})
    model.add_example("mean", [{"x": 1.0}, {"x": 3.0}])
    model.add_example("count", {"to": 2})
    return model


MODELS["streams"] = streams


if __name__ == "__main__":
    main()
