"""The threads that run the model, and the line before them.

The event loop stays free for health checks while a call runs; only runs that are known to be short are its own
(`batches`). A thread cannot be stopped: a call that is past its time is answered, but its thread goes on, and its
worker is held until the model's code returns. When every worker is held so, the service says that it is not ready and
refuses calls at once.

All of this lives on the event loop, and so needs no locks: threads get a run from a queue and give it back with one
call to the loop. The model is never run by more threads at a time than there are workers, the loop's own included.
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.serve.batches import Call, Line, Run, fitting, short_part, spent, was_kept_waiting
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from modelport.serve.rows import Native

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """A fixed number of threads that take calls from a line of bounded length.

    Args:
        threads: How many threads there are.
        waiting: How many calls may wait.
        waiting_rows: How many rows these calls may have; one call may always wait.
        waiting_bytes: How many bytes their callers may have sent; one call may always wait.
        ran: Called with each run that has ended.
    """

    def __init__(
        self,
        threads: int,
        waiting: int,
        waiting_rows: int = 2**16,
        waiting_bytes: int = 2**27,
        ran: Callable[[Run], object] = lambda _: None,
    ) -> None:
        self._threads = threads
        self._waiting = waiting
        self._waiting_rows = waiting_rows
        self._waiting_bytes = waiting_bytes
        self._ran = ran
        self._line: list[Call] = []
        self._rows = self._bytes = 0
        self._new: list[Call] = []
        self._running: set[Run] = set()
        self._minded: dict[Call, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._runs: SimpleQueue[Run | None] = SimpleQueue()
        self._looks = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def running(self) -> int:
        """How many runs have not ended, those with calls past their time included."""
        return sum(len(run.answers) < len(run.calls) for run in list(self._running))

    @property
    def waiting(self) -> int:
        """How many calls wait in line."""
        return len(self._line)

    @property
    def stuck(self) -> bool:
        """Whether every worker is held by a call that is past its time."""
        return len(self._running) >= self._threads and sum(run.late for run in self._running) >= self._threads

    def start(self) -> None:
        """Start the threads; they end with the process, whatever the model's code is doing."""
        self._loop = asyncio.get_running_loop()
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"model-{number}", daemon=True).start()

    def close(self) -> None:
        """Let idle threads end."""
        for _ in range(self._threads):
            self._runs.put(None)

    async def run(
        self,
        work: Callable[[], T],
        *,
        seconds: float | None = None,
        gone: Coroutine[Any, Any, object] | None = None,
        request_id: str = "",
    ) -> T | None:
        """Return what *work* returns, which runs in a thread; see :meth:`call`."""
        found: T | None = await self.call(Line("", _do), work, seconds=seconds, gone=gone, request_id=request_id)
        return found

    def late(self, work: Callable[[], object]) -> None:
        """Take note that *work*, which was given to :meth:`run`, is past its time."""
        for run in self._running:
            run.late |= run.calls[0].message == work

    async def call(
        self,
        line: Line,
        message: Native,
        *,
        seconds: float | None,
        gone: Coroutine[Any, Any, object] | None = None,
        body: int = 0,
        request_id: str = "",
    ) -> Native:
        """Return what *line*'s function returns for *message*, or None when *gone* (the caller went away) ended first.

        Without *seconds* it takes as long as it takes. Its caller sent *body* bytes; the log says *request_id*.

        Raises:
            ProblemError: The line is full, the call has too many rows, or the time is over.
            ModelError: The model failed, or whatever else the function raises.
        """
        loop, call = asyncio.get_running_loop(), None
        try:
            call = line.call(message, loop.create_future())
            call.body = body
            call.request_id = request_id
            self._enter(call)
            call.gone = gone
            call.deadline = seconds and loop.time() + seconds
            return await call.future
        finally:
            if call:
                self._forget(call)
            if gone and not (call and call.watch):
                gone.close()

    def _enter(self, call: Call) -> None:
        if self.stuck:
            raise _overloaded("every worker is held by a call that is past its time")
        if len(self._line) + len(self._running) >= self._threads + self._waiting:
            raise _overloaded(f"{len(self._line)} calls are waiting already")
        if self._line and self._rows + call.rows > self._waiting_rows:
            raise _overloaded(f"calls with {self._rows} rows are waiting already")
        if self._line and self._bytes + call.body > self._waiting_bytes:
            raise _overloaded(f"calls of {self._bytes} bytes are waiting already")
        self._line.append(call)
        self._new.append(call)
        self._rows += call.rows
        self._bytes += call.body
        self._look_soon()

    def _look_soon(self) -> None:
        """Look at the line when all that comes in this turn of the loop has entered it."""
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looks = False
        alone = len(self._line) + len(self._running) == 1
        if not alone:
            self._meet()
        while self._line and len(self._running) < self._threads:
            calls = fitting(self._line, self._line[0].line.most)
            if part := short_part(calls, alone=alone):
                run, before = self._begin(part), spent()
                run.perform()
                self._ended(run, learns=not was_kept_waiting(run, before))
                break  # others are to have their turn before the next run
            self._runs.put(self._begin(calls))
        if self._new:
            for call in self._new:
                if not call.future.done():
                    self._mind(call)
            self._new.clear()

    def _meet(self) -> None:
        for call in self._line[:1]:
            call.line.pace.met()
        for run in self._running:
            run.line.pace.met()

    def _begin(self, calls: list[Call]) -> Run:
        run = Run(calls[0].line, calls)
        for call in calls:
            call.run = run
            self._rows -= call.rows
            self._bytes -= call.body
        self._line = [call for call in self._line if call.run is None] if len(calls) < len(self._line) else []
        self._running.add(run)
        return run

    def _ended(self, run: Run, *, learns: bool = True) -> None:
        self._running.discard(run)
        for rows, _, seconds in run.measures if learns else ():
            run.line.pace.ran(rows, seconds)
        self._ran(run)
        run.settle()
        if self._line:
            self._look_soon()

    def _work(self) -> None:
        while run := self._runs.get():
            run.perform()
            try:
                self._loop.call_soon_threadsafe(self._ended, run)  # type: ignore[union-attr] # set by start
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _mind(self, call: Call) -> None:
        """Let *call* end when its caller goes away or its time is over: it was not answered at once."""
        if call.gone:
            call.watch = asyncio.ensure_future(call.gone)
            call.watch.add_done_callback(partial(_went_away, call))
        if call.deadline:
            self._minded[call] = None
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_at(call.deadline, self._expire)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        now, self._timer = loop.time(), None
        for call in [one for one in self._minded if (one.deadline or 0) <= now]:
            self._minded.pop(call)
            if not call.future.done():
                call.future.set_exception(self._past_its_time(call))
        if self._minded:
            self._timer = loop.call_at(min(one.deadline or 0 for one in self._minded), self._expire)

    def _past_its_time(self, call: Call) -> ProblemError:
        if call.run is None:
            return _overloaded("no worker was free for the time that a call has")
        call.run.late = True
        return ProblemError("out-of-time", "the model did not answer within the time that a call has")

    def _forget(self, call: Call) -> None:
        """Mind *call* no longer, and give up its place in the line if it still has one."""
        self._minded.pop(call, None)
        if call.watch:
            call.watch.cancel()
        if call.run is None and call in self._line:
            self._line.remove(call)
            self._rows -= call.rows
            self._bytes -= call.body


def _do(work: Callable[[], T]) -> T:
    return work()


def _went_away(call: Call, watch: asyncio.Future[object]) -> None:
    if not watch.cancelled() and not call.future.done():
        watch.exception()  # however it ended
        call.future.set_result(None)


def _overloaded(detail: str) -> ProblemError:
    return ProblemError("overloaded", f"{detail}; try again")
