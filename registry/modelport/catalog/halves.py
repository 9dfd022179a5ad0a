"""A long list done by two processes: this one and a copy of it, which does the second half and sends its results.

A copy starts in a millisecond and has all that is imported, which is why it pays for a second of work. It is made only
where that is sound: on Linux, in a process of a single thread, with a second processor. Whatever becomes of the copy,
the answer is the same: the half that does not arrive is done here, and what is wrong with it is raised here.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["map_in_halves"]

_FEW = 200
_T = TypeVar("_T")
_R = TypeVar("_R")


def map_in_halves(function: Callable[[_T], _R], items: Sequence[_T], *, few: int = _FEW) -> list[_R]:
    """Return *function* of each of *items*, in their order; its results must be ones that can be pickled.

    With fewer than *few* items, or where there is no second processor, this process does it all.
    """
    if len(items) < few or not _can_copy():
        return [function(item) for item in items]
    collects = gc.isenabled()
    gc.disable()  # the collector would look through all that is made, again and again, and none of it is garbage
    try:
        return _in_halves(function, items)
    finally:
        if collects:
            gc.enable()


def _in_halves(function: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    middle = len(items) // 2
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        os.close(source)
        _answer(sink, function, items[middle:])
    os.close(sink)
    try:
        with os.fdopen(source, "rb") as stream:  # closed when this half fails, so that the copy does not wait for ever
            done = [function(item) for item in items[:middle]]
            rest: list[_R] | None = _whole(stream.read())
    finally:
        os.waitpid(child, 0)
    return done + ([function(item) for item in items[middle:]] if rest is None else rest)


def _whole(answer: bytes) -> Any:  # noqa: ANN401 - what was pickled
    try:
        return pickle.loads(answer)  # noqa: S301 - our own copy made it
    except (EOFError, pickle.UnpicklingError):  # the copy failed, or was ended
        return None


def _can_copy() -> bool:
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:  # noqa: PLR2004 - two processes
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - threads of libraries count, too
    except OSError:
        return False


def _answer(sink: int, function: Callable[[_T], _R], items: Sequence[_T]) -> None:
    """Send the results, or nothing, and end at once: what the original has yet to write or to tidy is its own."""
    try:
        results = pickle.dumps([function(item) for item in items], protocol=pickle.HIGHEST_PROTOCOL)
        with os.fdopen(sink, "wb") as stream:
            stream.write(results)
    finally:
        os._exit(0)
