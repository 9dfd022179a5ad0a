"""What runs for one call, here and at the server: who of them answers, and what failed already."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from modelport.edge.doors import Line
from modelport.edge.runners import Local, Remote
from modelport.errors import CallError, ModelportError

if TYPE_CHECKING:
    from modelport.edge.answering import Call
    from modelport.edge.lateness import Lateness
    from modelport.edge.link import Turn
    from modelport.edge.types import Place

__all__ = ["Race", "Tried", "Trip", "Waiting", "done_here"]


@dataclass(slots=True)
class Tried:
    """What failed already for a call: who, why in words, and the first refusal of the arguments."""

    out: set[tuple[str, Place]] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    refusal: CallError | None = None

    def note(self, runner: Local | Remote, why: str) -> None:
        """Note who failed, and why."""
        self.out.add((runner.item.variant.name, runner.place))
        self.failures.append(f"{runner.item.variant.label} on the {runner.place}: {why}")


class Waiting:
    """The calls that wait for the server, those included whose answer nobody wants any longer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._trips: dict[Future[Any], Trip] = {}

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self._trips)

    def add(self, one: Future[Any], trip: Trip) -> None:
        """Count a call until it ends."""
        with self._lock:
            self._trips[one] = trip
        one.add_done_callback(self._end)

    def cut(self) -> None:
        """End all of them."""
        with self._lock:
            trips = list(self._trips.values())
        for trip in trips:
            trip.line.cut()

    def leave(self, trip: Trip) -> None:
        """Take note that nobody wants a call's answer any longer: it ends.

        One to each door goes on, where that is not for long: what its answer takes in the end is worth knowing.
        """
        door = trip.runner.endpoint
        with self._lock:
            goes_on = trip.is_short and (door.lost is None or door.lost.ended)
            if goes_on:
                door.lost = trip
        if not goes_on:
            trip.line.cut()

    def _end(self, one: Future[Any]) -> None:
        with self._lock:
            self._trips.pop(one, None)


class Trip:
    """A call to the server while it is under way.

    Attributes:
        start: When it began, on the monotonic clock; None while it has not.
        infer: Seconds that the server's inference is known to take.
        seconds: For how long it may take.
        moved: The bytes of the message, and those that the answer had last time.
        is_short: Whether that is not much longer than anybody waits for it.
        line: The request that it is, which may be cut.
        overdue: What the link was told of it, if it is late.
        ended: Whether it is over; set, like *overdue*, under *lock*.
    """

    __slots__ = (
        "call", "ended", "infer", "is_short", "line", "lock", "moved", "overdue", "runner", "seconds", "start",
    )  # fmt: skip

    def __init__(self, call: Call, runner: Remote, infer: float, seconds: float, *, is_short: bool) -> None:
        self.call, self.runner, self.infer, self.seconds, self.is_short = call, runner, infer, seconds, is_short
        self.line = Line()
        self.moved = len(call.body) + call.model.answer_bytes
        self.start: float | None = None
        self.overdue: Turn | None = None
        self.ended, self.lock = False, Lock()


def done_here(function: Any, *arguments: Any) -> Future[Any]:  # noqa: ANN401 - any function
    """Return a future of what *function* does here and now."""
    future: Future[Any] = Future()
    try:
        future.set_result(function(*arguments))
    except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
        future.set_exception(error)
    return future


class Race:
    """Who of those that run answers.

    Attributes:
        running: Who runs.
        until: Until when a good answer of the device waits for the server's better one, on the monotonic clock.

    Args:
        running: Who runs.
        tried: Takes those that fail.
    """

    def __init__(self, running: dict[Future[Any], Local | Remote], tried: Tried) -> None:
        self.running, self.until = running, 0.0
        self._tried = tried

    def first_good(self, lateness: Lateness | None = None) -> tuple[Local | Remote, Any] | None:
        """Return the first that answers, with its answer; note those that fail before."""
        pending, held = set(self.running), None
        while pending:
            done, pending = wait(pending, self._left(held), FIRST_COMPLETED)
            if not done and lateness:
                lateness.note(time.monotonic() - self.until)
            if not done:
                break
            for future in sorted(done, key=lambda one: self.running[one].place, reverse=True):  # the server's first
                good = self._good(future)
                if good and not (pending and isinstance(good[0], Local) and time.monotonic() < self.until):
                    return good
                held = good or held
        return held

    def _left(self, held: object) -> float | None:
        return None if held is None else max(0.0, self.until - time.monotonic())

    def _good(self, future: Future[Any]) -> tuple[Local | Remote, Any] | None:
        runner = self.running[future]
        try:
            return runner, future.result()
        except (ModelportError, OSError) as error:
            if isinstance(error, CallError):  # integers, say, cannot hold what another variant takes
                self._tried.refusal = self._tried.refusal or error
            self._tried.note(runner, _said(error))
            return None


def _said(error: Exception) -> str:
    return error.message if isinstance(error, ModelportError) else str(error)
