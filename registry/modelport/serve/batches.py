"""How the calls of one method are run: by themselves or together, on the event loop or in a thread.

Nothing ever waits for company. Whatever stands in line when the model is free goes together, as far as the method's
rows are independent, the limit on rows allows it, and the calls can be put together (`rows`). Where a run of several
calls fails, in whatever way, each is run by itself: so each caller gets what the call would have got alone.

Handing a call to a thread and back costs more than many models do. A method whose runs are short is run on the event
loop itself, and so is a longer one whose caller is alone; `Pace` learns which those are. Only a method whose rows are
independent may go there, because nothing else tells how much a call asks for, and only with few bytes.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelError
from modelport.serve.pace import LONG, Pace
from modelport.serve.printed import begin, end
from modelport.serve.problem import ProblemError
from modelport.serve.reading import INLINE

if sys.platform == "linux":
    from resource import RUSAGE_THREAD, getrusage

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Coroutine, Hashable, Sequence

    from modelport.serve.rows import Native, Rows

__all__ = ["Call", "Line", "Run", "fitting", "raised", "short_part", "spent", "was_kept_waiting"]

log = logging.getLogger(__name__)

_ROW_BYTES = 2**16  # of tensors, that count as a row: 128 photos at once may be more than memory holds
_PARTS = 4  # in at most so many runs on the loop a line is worked off there
_IN_VAIN = 8  # runs of several calls in a row that failed, until no more are tried


@dataclass(slots=True, eq=False)
class Call:
    """One call on its way through the line.

    Attributes:
        line: How calls of its method are run.
        message: The native input message.
        future: Gets the answer.
        rows: How many rows it has; 1 where that is not known.
        weight: What it adds to a run: its rows, or more where they are large.
        size: About how many bytes they have, numbers in lists apart; None where the loop must not run it.
        body: How many bytes its caller sent.
        request_id: What the log is to say.
        key: What it has in common with calls that it can go together with; None where it goes alone.
        run: The run that it is part of, once it has begun.
        deadline: When its time is over, by the loop's clock; None: never.
        gone: Ends when the caller has gone away.
        watch: The task that waits for that.
    """

    line: Line
    message: Native
    future: Future[Any]
    rows: int = 1
    weight: int = 1
    size: int | None = None
    body: int = 0
    request_id: str = ""
    key: Hashable = None
    run: Run | None = None
    deadline: float | None = None
    gone: Coroutine[Any, Any, object] | None = None
    watch: Future[object] | None = None


@dataclass(slots=True, eq=False)
class Run:
    """Calls that are run at once; made, and told of its end, on the event loop.

    Attributes:
        line: How they are run.
        calls: The calls.
        late: Whether one of them is past its time: what runs cannot be stopped.
        answers: What each call got: an answer, or what was raised.
        failed: Which answers were raised.
        measures: The rows, calls and seconds of each run of the model.
    """

    line: Line
    calls: list[Call]
    late: bool = False
    answers: list[Any] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    measures: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows the calls have in all."""
        return sum([call.rows for call in self.calls])

    def perform(self) -> None:
        """Run the model; never raises."""
        calls = self.calls
        try:
            if len(calls) > 1 and self._perform_together():
                return
            self._perform_each()
        finally:
            end()
        if len(calls) > 1:
            self.line.went(together=any(self.failed))  # then the rows themselves are to blame

    def _perform_each(self) -> None:
        calls = self.calls
        for call in calls:
            if call.future.done() and len(calls) > 1:  # the caller has gone away
                answer, failed = None, False
            else:
                begin((call.request_id,))
                start = perf_counter()
                answer, failed = _outcome(self.line.function, call.message)
                self.measures.append((call.rows, 1, perf_counter() - start))
            self.answers.append(answer)
            self.failed.append(failed)

    def _perform_together(self) -> bool:
        line, start = self.line, perf_counter()
        if line.rows is None:
            return False
        counts = [call.rows for call in self.calls]
        begin([call.request_id for call in self.calls])
        try:
            message = line.rows.together([call.message for call in self.calls])
            answers = None if message is None else line.rows.apart(line.function(message), counts)
        except Exception:  # noqa: BLE001 - whatever it is, each call by itself shows whose it is
            answers = None
        except BaseException as error:  # noqa: BLE001 - as above; a model may call sys.exit()
            log.debug("a run of several calls ended with %r", error)
            answers = None
        if answers is None:
            return False
        line.went(together=True)
        self.answers, self.failed = answers, [False] * len(answers)
        self.measures.append((sum(counts), len(counts), perf_counter() - start))
        return True

    def settle(self) -> None:
        """Tell each caller who is still there."""
        for call, answer, failed in zip(self.calls, self.answers, self.failed, strict=True):
            if call.future.done():
                continue
            if failed:
                call.future.set_exception(answer)
            else:
                call.future.set_result(answer)
        self.calls, self.answers = [], []  # each call knows its run: none is to wait for the collector


class Line:
    """How the calls of one method are run.

    Args:
        name: The method's name; nothing where runs are not to be counted.
        function: Takes a native input message and gives the answer.
        rows: How calls go together, if they have rows.
        independent: Whether these are independent, so that calls may go together.
        most: The most rows that go together.
        largest: The most rows that one call may have.

    Attributes:
        pace: How long its runs take.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Any], Any],
        rows: Rows | None = None,
        *,
        independent: bool = False,
        most: int = 1,
        largest: int = 0,
    ) -> None:
        self.name = name
        self.function = function
        self.rows = rows
        self.independent = independent
        self.most = most
        self.largest = largest
        self.pace = Pace()
        self._in_vain = 0

    def call(self, message: Native, future: Future[Any]) -> Call:
        """Return the call with *message*, which *future* gets the answer of.

        Raises:
            ProblemError: It has too many rows.
        """
        rows = self.rows
        if rows is None:
            return Call(self, message, future)
        count = rows.count(message)
        if not count:  # none at all, or they do not agree: what becomes of it is for the model to say
            return Call(self, message, future)
        if count > self.largest:
            raise ProblemError("too-many-rows", f"a call has at most {self.largest} rows, and this one has {count}")
        if not self.independent:
            return Call(self, message, future, count)
        size = rows.size(message)
        weight = max(count, size // _ROW_BYTES)
        together = weight < self.most and self._in_vain < _IN_VAIN
        key = (rows.key(message),) if together else None
        return Call(self, message, future, count, weight, size, key=key)

    def went(self, *, together: bool) -> None:
        """Learn whether calls could be put together; if they never can, it is not tried for ever."""
        self._in_vain = 0 if together else self._in_vain + 1
        if self._in_vain == _IN_VAIN:
            log.warning("calls of %s cannot be put together; each is run by itself from now on", self.name)


def _outcome(function: Callable[[Any], Any], message: Native) -> tuple[Any, bool]:
    try:
        return function(message), False
    except StopIteration as error:  # no future carries it
        return raised(error), True
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller's future carries it
        return error, True
    except BaseException as error:  # noqa: BLE001 - a model that calls sys.exit() must not end its worker
        return raised(error), True


def raised(error: BaseException) -> ModelError:
    """Return what stands for an exception that would mean something else on its way; the log shows where it came up."""
    told = ModelError(f"the model's code raised {type(error).__name__}")
    told.__cause__ = error
    return told


def spent() -> tuple[int, float]:
    """Return how often this thread has waited for anything, and the processor time it has had, in seconds."""
    if sys.platform != "linux":
        return 0, 0.0
    usage = getrusage(RUSAGE_THREAD)
    return usage.ru_nvcsw, usage.ru_utime + usage.ru_stime


def was_kept_waiting(run: Run, before: tuple[int, float]) -> bool:
    """Tell whether a *run* in this thread took long because the machine was busy, and not by what it did itself.

    It waited for nothing, and had little of the processor: others had it.
    """
    if sys.platform != "linux" or all(seconds <= LONG for *_, seconds in run.measures):
        return False
    waited, seconds = spent()
    return waited == before[0] and seconds - before[1] <= LONG


def short_part(calls: list[Call], *, alone: bool = False) -> list[Call]:
    """Return those of *calls*, which can go together, that the event loop may run; none where a thread is better.

    *alone*: there is one call, and no other runs or waits.
    """
    pace = calls[0].line.pace
    allowed = max(pace.rows, calls[0].rows) if alone and pace.takes_alone(calls[0].rows) else pace.rows
    if not allowed or calls[0].rows > allowed or sum([call.rows for call in calls]) > _PARTS * allowed:
        return []
    size, part = 0, fitting(calls, allowed)
    for call in part:
        if call.size is None:
            return []
        size += call.size
    return part if size <= INLINE else []


def fitting(calls: Sequence[Call], most: int) -> list[Call]:
    """Return the first of *calls* and those that can go together with it, up to a weight of *most* in all."""
    first, *others = calls
    chosen, weight = [first], first.weight
    if first.key is None:
        return chosen
    for call in others:
        if call.line is first.line and call.key == first.key and weight + call.weight <= most:
            chosen.append(call)
            weight += call.weight
    return chosen
