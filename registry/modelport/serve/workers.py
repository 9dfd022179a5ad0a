"""The threads that run the model, and the line before them.

The event loop stays free for health checks while a call runs. A thread cannot be stopped: a call that is past its time
is answered, but its thread goes on, and its worker is held until the model's code returns. When every worker is held
so, the service says that it is not ready and refuses calls at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.errors import ModelError
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Workers"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)
    late: bool = False


class Workers:
    """A fixed number of threads that take calls from a line of bounded length."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._threads = threads
        self._waiting = waiting
        self._line: deque[_Job] = deque()
        self._running: set[_Job] = set()
        self._change = threading.Condition()
        self._closed = False

    @property
    def running(self) -> int:
        """How many calls run now, those past their time included."""
        with self._change:
            return len(self._running)

    @property
    def stuck(self) -> bool:
        """Whether every worker is held by a call that is past its time."""
        with self._change:
            return self._is_stuck()

    def start(self) -> None:
        """Start the threads; they end with the process, whatever the model's code is doing."""
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"model-{number}", daemon=True).start()

    def close(self) -> None:
        """Take no more calls and let idle threads end."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    async def run(self, work: Callable[[], T], *, seconds: float | None, gone: Coroutine[Any, Any, object]) -> T | None:
        """Return what *work* returns, or None when *gone* (the caller went away) ended first.

        Without *seconds* it takes as long as it takes.

        Raises:
            ProblemError: The line is full, or the time is over.
            ModelError: *work* failed.
        """
        watch = asyncio.ensure_future(gone)
        try:
            job = self._enter(work)
            answer = asyncio.wrap_future(job.future)
            done, _ = await asyncio.wait({answer, watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer in done:
                result: T = answer.result()
                return result
            answer.cancel()
            waited = self._leave(job, late=watch not in done)
            if watch in done:
                return None
            if waited:
                raise _overloaded(f"no worker was free for {seconds:g} seconds")
            raise ProblemError("out-of-time", f"the model did not answer within {seconds:g} seconds")
        finally:
            watch.cancel()

    def _enter(self, work: Callable[[], Any]) -> _Job:
        with self._change:
            if self._is_stuck():
                raise _overloaded("every worker is held by a call that is past its time")
            if len(self._line) + len(self._running) >= self._threads + self._waiting:
                raise _overloaded(f"{len(self._line)} calls are waiting already")
            job = _Job(work)
            self._line.append(job)
            self._change.notify()
            return job

    def _leave(self, job: _Job, *, late: bool) -> bool:
        """Take *job* out of the line; return False when it has begun."""
        with self._change:
            if job in self._line:
                self._line.remove(job)
                return True
            job.late = late
            return False

    def _is_stuck(self) -> bool:
        return sum(job.late for job in self._running) >= self._threads

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._line or self._closed)
                if not self._line:
                    return
                job = self._line.popleft()
                self._running.add(job)
            settle = _do(job)
            with self._change:
                self._running.discard(job)
            settle()


def _do(job: _Job) -> Callable[[], None]:
    """Do the work and return what tells the caller: it is to be told when the worker is free again."""
    if not job.future.set_running_or_notify_cancel():
        return lambda: None
    try:
        result = job.work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller's future carries it
        return partial(job.future.set_exception, error)
    except BaseException as error:  # noqa: BLE001 - a model that calls sys.exit() must not end its worker
        return partial(job.future.set_exception, ModelError(f"the model's code raised {type(error).__name__}"))
    return partial(job.future.set_result, result)


def _overloaded(detail: str) -> ProblemError:
    return ProblemError("overloaded", f"{detail}; try again")
