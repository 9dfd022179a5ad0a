"""How one call is answered: chosen, run here or there, and again by the best of the others when that fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from modelport.client.errors import ServiceError
from modelport.edge.lateness import Lateness
from modelport.edge.learning import Tally
from modelport.edge.link import Link
from modelport.edge.racing import Race, Tried, Trip, Waiting, done_here
from modelport.edge.runners import Local, Remote
from modelport.edge.types import Request
from modelport.errors import CallError, FormatError, ModelportError, NotFoundError

if TYPE_CHECKING:
    from threading import Event

    from modelport.edge.learning import Kind, Lessons
    from modelport.edge.messages import Interface
    from modelport.edge.select import Selector
    from modelport.edge.serving import ServedModel
    from modelport.edge.types import Choice, Duplicate, Place, Spread, Variant
    from modelport.model.spec import MethodSpec

__all__ = ["Answer", "Answering", "Call", "UnansweredError"]

_OVERDUE = 4.0
"""By how many times its bound an answer is late that nobody needs by a time."""
_LEAST_WAIT = 0.05
_TIMES, _LEAST_PATIENCE = 4.0, 2.0
"""Times the time that it has for which the server is waited for where the device answers meanwhile, and the least."""
_MOST_WAITING = 64
"""Calls that wait for the server at once: beyond, it is not asked where the device can answer."""
_DOWN = frozenset({"unreachable", "timeout", "broken-off", "tls", "proxy", "unknown"})
"""What went wrong on the way: the server is left alone until it answers a probe."""


class UnansweredError(ModelportError):
    """Nothing that could answer a call did; the message says of each why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call gave.

    Attributes:
        value: The answer in JSON form.
        choice: What was chosen first.
        seconds: How long it took, as the caller saw it.
        degraded: Whether it came late, or is less accurate than was asked for.
        place: Where it was made.
        variant: By which variant.
        failures: What failed before, in words.
    """

    value: Any
    choice: Choice
    seconds: float
    degraded: bool
    place: Place
    variant: Variant
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A call while it is answered."""

    model: ServedModel
    interface: Interface
    method: MethodSpec
    body: bytes
    kind: Kind
    request: Request
    start: float

    @property
    def end(self) -> float:
        """When the answer is due, on the monotonic clock; infinite: whenever."""
        return self.start + self.request.deadline

    @property
    def left(self) -> Request:
        """The request with what is left of its time."""
        given = self.request
        return Request(
            deadline=max(0.0, self.end - time.monotonic()), min_accuracy=given.min_accuracy, max_bytes=0,
            battery_low=given.battery_low, payload=given.payload, answer=given.answer, gamma=given.gamma,
        )  # fmt: skip


class Answering:
    """Answers calls, and learns from each.

    Attributes:
        link: The way to the server.
        tally: What the server has not been told yet.

    Args:
        lessons: What is known of the variants' times.
        patience: Seconds for which the server is waited for at most.
        wake: Set when the server should be looked at.
        watts: What the device draws while it computes; None: nobody knows.
    """

    def __init__(self, lessons: Lessons, patience: float, wake: Event, watts: float | None = None) -> None:
        self.link, self.tally = Link(), Tally()
        self._lessons, self._patience, self._wake, self._watts = lessons, patience, wake, watts
        self._starting, self._waking = Lateness(), Lateness()
        self._remote_calls, self._waiting = ThreadPoolExecutor(_MOST_WAITING, "edge-remote"), Waiting()
        self._local_calls = ThreadPoolExecutor(8, "edge-local")

    def close(self) -> None:
        """End, after all calls; what nobody waits for any longer is cut."""
        self._local_calls.shutdown()
        self._waiting.cut()
        self._remote_calls.shutdown(wait=False, cancel_futures=True)

    def answer(self, call: Call) -> Answer:
        """Return the answer.

        Raises:
            CallError: The model refuses the arguments.
            NotFoundError: Nothing can answer at all.
            UnansweredError: All that could answer failed.
        """
        tried, first = Tried(), None
        while True:
            try:
                choice = self._chosen(call, tried.out)
            except NotFoundError as error:
                if tried.refusal is not None:  # what could be asked does not take the arguments
                    raise tried.refusal from None
                if not tried.failures and not call.model.bars:
                    raise
                raise _unanswered(call, tried, error) from error
            first = first or choice
            done = self._tried(call, choice, tried)
            if done is not None:
                runner, value = done
                return _answer(call, first, runner, value, tuple(tried.failures))

    def _selector(self, call: Call, out: set[tuple[str, Place]]) -> Selector:
        return call.model.selector(self._lessons, out, call.kind, self._watts)

    def _chosen(self, call: Call, out: set[tuple[str, Place]]) -> Choice:
        try:
            return self._selector(call, out).choose(call.left, self.link.network)
        except NotFoundError:
            # Perhaps nobody has looked yet whether the server is there: the last thing to try.
            if not any(self.looked(one) for one in call.model.remote if (one.item.variant.name, one.place) not in out):
                raise
            return self._selector(call, out).choose(call.left, self.link.network)

    def _tried(self, call: Call, choice: Choice, tried: Tried) -> tuple[Local | Remote, Any] | None:
        """Return who answered what; None, with those that failed in *tried*, when nobody did."""
        runner = call.model.runners[choice.variant.name, choice.place]
        if isinstance(runner, Local):
            return Race({done_here(self._run_here, call, runner): runner}, tried).first_good()
        standby = self._selector(call, tried.out).standby(call.left)
        if standby is not None and self._waiting.count >= _MOST_WAITING:
            tried.note(runner, f"{_MOST_WAITING} calls wait for the server already")
            return None
        begin = inf if standby is None else self._standby_begin(call, choice, standby)
        seconds, is_short = self._patience_with(call, standby, begin)
        trip = Trip(call, runner, self._known_infer(call, runner).mean, seconds, is_short=is_short)
        there = self._remote_calls.submit(self._run_there, trip)
        self._waiting.add(there, trip)
        race = Race({there: runner}, tried)
        if standby is not None:
            done, _ = wait(race.running, timeout=begin - time.monotonic())
            if not done:
                self._overdue(trip)
                local = next(one for one in call.model.local if one.item.variant == standby.candidate.variant)
                race.running[self._local_calls.submit(self._run_here, call, local, begin)] = local
                if isfinite(call.end) and _is_better(runner.item.variant, local.item.variant):
                    no_longer = time.monotonic() + self._patience
                    race.until = min(call.end - self._waking.margin(2, 4.0), no_longer)
        try:
            return race.first_good(self._waking)
        finally:
            for future in race.running:
                future.cancel()  # nobody waits for what has not even begun
            if not there.done():
                self._overdue(trip)
                self._waiting.leave(trip)

    def _standby_begin(self, call: Call, choice: Choice, standby: Duplicate) -> float:
        """Return when the local variant starts beside the server's, on the monotonic clock.

        That is when it can just be in time. Where nothing can, or needs to: when the server's answer is overdue.
        """
        now = time.monotonic()
        if choice.duplicate is not None or 0 < standby.start < inf:
            after = max(0.0, standby.start - self._starting.margin(4, 2 * call.request.gamma))
        else:
            overdue = choice.bound + 4 * self.link.network.one_way.sd if isfinite(choice.bound) else _LEAST_WAIT
            after = max(overdue, _LEAST_WAIT) * (1 if isfinite(standby.start) else _OVERDUE)
            if isfinite(call.end):  # its time varies much, or nobody knows it: by its mean it may be in time
                one, left = standby.candidate, call.end - now
                mean = one.infer.mean + (0.0 if one.loaded or not one.load.known else one.load.mean)
                spare = left - (mean if one.infer.known else left / 2)
                after = min(after, spare) if spare > 0 else after
        return now + min(after, self._patience)

    def _patience_with(self, call: Call, standby: Duplicate | None, begin: float) -> tuple[float, bool]:
        """Return for how long the server is waited for, and whether that is not much longer than anybody does.

        It is not where the device answers.
        """
        if standby is None or not standby.candidate.loaded:
            return self._patience, False
        due = call.end if isfinite(call.end) else begin
        return min(self._patience, max(_LEAST_PATIENCE, _TIMES * (max(due, begin) - time.monotonic()))), True

    def _overdue(self, trip: Trip) -> None:
        """Note that the server's answer is late; look whether it is there at all."""
        with trip.lock:
            if trip.start is not None and not trip.ended:
                seconds = time.monotonic() - trip.start
                if trip.overdue is None:
                    trip.overdue = self.link.late(seconds, trip.moved, trip.infer)
                else:
                    trip.overdue.seconds = max(trip.overdue.seconds, seconds - trip.infer)
        self._wake.set()

    def _known_infer(self, call: Call, runner: Remote) -> Spread:
        return runner.candidate(self._lessons, call.kind).infer

    def _run_here(self, call: Call, runner: Local, begin: float | None = None) -> Any:  # noqa: ANN401 - an answer in JSON form
        variant = runner.item.variant
        loaded, loading = runner.load(self._lessons)
        if loading:
            self.tally.add(variant, "device", "load", loading)
        content, seconds = loaded.call(call.method.name, call.body)
        self._lessons.add(variant, "device", "infer", seconds, runner.item.infer, call.kind)
        self.tally.add(variant, "device", "infer", seconds / max(1, call.kind.rows))
        value = _read(call, content, runner)
        if begin is not None and not loading:
            self._starting.note(time.monotonic() - begin - seconds)
        return value

    def _run_there(self, trip: Trip) -> Any:  # noqa: ANN401 - as above
        call, runner, began = trip.call, trip.runner, time.monotonic()
        variant = runner.item.variant
        with trip.lock:
            trip.start = began
        try:
            reply = runner.endpoint.call(call.interface.spec, call.method.name, call.body, trip.seconds, trip.line)
        except ServiceError as error:
            if trip.line.is_cut:  # which says nothing of the server
                raise
            if error.kind in _DOWN and runner.endpoint.answered < began:  # else it has answered others meanwhile
                self.link.failed()
                runner.endpoint.up = False
                self._wake.set()
            raise
        finally:
            with trip.lock:
                trip.ended = True
        runner.endpoint.is_there()
        if reply.inference is not None:
            self._lessons.add(variant, "server", "infer", reply.inference, runner.item.infer, call.kind)
            self.tally.add(variant, "server", "infer", reply.inference / max(1, call.kind.rows))
        infer = trip.infer if reply.inference is None else reply.inference
        transfer = self.link.called(reply.seconds, len(call.body) + len(reply.content), infer, trip.overdue)
        self.tally.add(variant, "server", "transfer", transfer)
        value = _read(call, reply.content, runner)
        call.model.answer_bytes = len(reply.content)
        return value

    def looked(self, one: Remote) -> bool:
        """Probe the server's variant, and return whether it answers."""
        endpoint, began = one.endpoint, time.monotonic()
        seconds = endpoint.probe()
        if seconds is not None and not endpoint.up:
            # It is there, or there again. What that took says little: it waited for a connection, or for the network.
            self.link.returned()
            seconds = endpoint.probe()
        if seconds is not None:
            endpoint.is_there()
            self.link.probed(seconds)
        elif endpoint.answered < began:
            if endpoint.up:
                self.link.failed()
            endpoint.up = False
        return endpoint.up


def _unanswered(call: Call, tried: Tried, error: NotFoundError) -> UnansweredError:
    """Return the error that tells of all that did not answer, those included that were never asked."""
    noted = {f"{one.item.variant.label} on the {one.place}": bar for one, bar in call.model.bars}
    why = [
        f"{label}: {bar.message}"
        for label, bar in noted.items()
        if not any(f.startswith(f"{label}: ") for f in tried.failures)
    ]
    ways = dict.fromkeys(bar.hint for bar in noted.values() if bar.hint)
    said = [*tried.failures, *why] if tried.failures or not call.model.remote else [*why, error.message]
    return UnansweredError(
        f"nothing answered {call.method.name} of {call.model.name}: {'; '.join(said)}",
        hint="; ".join(ways) or error.hint,
    )


def _is_better(one: Variant, other: Variant) -> bool:
    """Tell whether a variant is known to be the more accurate one."""
    first, second = one.known_accuracy, other.known_accuracy
    return first is not None and (second is None or first > second)


def _read(call: Call, content: bytes, runner: Local | Remote) -> Any:  # noqa: ANN401 - an answer in JSON form
    try:
        return call.interface.read(call.method, content)
    except CallError as error:
        where = f"{runner.item.variant.label} on the {runner.place}"
        raise FormatError(f"{where}: its answer is not one of {call.method.name}: {error.problems[0]}") from error


def _answer(call: Call, first: Choice, runner: Local | Remote, value: Any, failures: tuple[str, ...]) -> Answer:  # noqa: ANN401 - as above
    seconds = time.monotonic() - call.start
    accuracy, wanted = runner.item.variant.known_accuracy, call.request.min_accuracy
    poor = wanted > 0 and (accuracy is None or accuracy < wanted)
    return Answer(
        value=value,
        choice=first,
        seconds=seconds,
        degraded=poor or seconds > call.request.deadline,
        place=runner.place,
        variant=runner.item.variant,
        failures=failures,
    )
