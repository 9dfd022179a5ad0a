"""A stream's turns at the model: a thread of the stream's own runs the model's code, while a worker is held for it.

A stream lasts as long as its caller likes, and most of that time the model waits: for the next message, or for its
answers to be taken. It gives its turn back then, and between two messages whenever somebody else stands in line, so
that a stream denies nobody the model. A turn is one of the calls that stand in the workers' line (`workers`): the
model is never run by more threads at a time than there are workers.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.serve.workers import Workers

__all__ = ["Turns"]

_AGAIN = 0.05  # seconds until a stream that has begun asks again, where the line was full
_LOOK = 1.0  # seconds between two looks whether the event loop has ended


class _Turn:
    """One turn: a worker that waits until the stream's thread is done with the model."""

    __slots__ = ("began", "over")

    def __init__(self) -> None:
        self.began, self.over = threading.Event(), threading.Event()

    def hold(self) -> None:
        """Hold the worker."""
        self.began.set()
        self.over.wait()


class Turns:
    """The turns of one stream; at most one is held at a time.

    The event loop makes it; its stream's threads take and give turns.

    Args:
        workers: The workers.
        refused: Called on the event loop where the first turn is refused, with the ProblemError that says why.
    """

    def __init__(self, workers: Workers, refused: Callable[[ProblemError], object]) -> None:
        self._workers = workers
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._turn: _Turn | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """Whether a worker is held now."""
        turn = self._turn
        return turn is not None and turn.began.is_set()

    @property
    def wanted(self) -> bool:
        """Whether somebody else waits for the model."""
        return self._workers.waiting > 0

    def take(self) -> None:
        """Wait for a turn, unless it is held; where the event loop has ended, go on without."""
        with self._lock:
            turn, is_new = self._turn or _Turn(), self._turn is None
            self._turn = turn
        try:
            if is_new:
                self._loop.call_soon_threadsafe(self._ask, turn)
        except RuntimeError:  # the loop is closed: nobody else runs the model any more
            turn.began.set()
        while not turn.began.wait(_LOOK):
            if self._loop.is_closed():
                return

    def give(self) -> None:
        """Give the turn back, if it is held."""
        with self._lock:
            turn, self._turn = self._turn, None
        if turn:
            turn.over.set()

    def late(self) -> None:
        """Take note that the model is past its time in the turn that is held."""
        if turn := self._turn:
            self._workers.late(turn.hold)

    def drop(self) -> None:
        """Leave the line: the stream is over before it has begun."""
        if self._asking:
            self._asking.cancel()

    def _ask(self, turn: _Turn) -> None:
        self._asking = asyncio.ensure_future(self._stand_in_line(turn, is_first=self._asking is None))

    async def _stand_in_line(self, turn: _Turn, *, is_first: bool) -> None:
        try:
            while not turn.over.is_set():
                try:
                    await self._workers.run(turn.hold)
                except ProblemError as problem:  # the line is full
                    if is_first:
                        self._refused(problem)
                        return
                    await asyncio.sleep(_AGAIN)
                else:
                    return
        finally:
            turn.began.set()  # whatever became of it, its stream is not to wait for ever
