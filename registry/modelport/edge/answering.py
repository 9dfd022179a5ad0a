"""How one call is answered: chosen, run here or there, and again by the best of the others when that fails."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from modelport.client.errors import ServiceError
from modelport.edge.learning import Tally
from modelport.edge.link import Link
from modelport.edge.serving import Local, Remote
from modelport.edge.types import Request
from modelport.errors import CallError, FormatError, ModelportError, NotFoundError

if TYPE_CHECKING:
    from threading import Event

    from modelport.edge.learning import Lessons
    from modelport.edge.serving import Interface, ServedModel
    from modelport.edge.types import Choice, Place, Variant
    from modelport.model.spec import MethodSpec

__all__ = ["Answer", "Answering", "Call", "UnansweredError"]

_OVERDUE = 4.0
"""By how many times its bound an answer is late that nobody needs by a time."""
_LEAST_WAIT = 0.05
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
    request: Request
    start: float

    @property
    def left(self) -> Request:
        """The request with what is left of its time."""
        deadline = self.request.deadline - (time.monotonic() - self.start)
        given = self.request
        return Request(
            deadline=max(0.0, deadline), min_accuracy=given.min_accuracy, max_bytes=0,
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
    """

    def __init__(self, lessons: Lessons, patience: float, wake: Event) -> None:
        self.link, self.tally = Link(), Tally()
        self._lessons, self._patience, self._wake = lessons, patience, wake
        self._remote_calls = ThreadPoolExecutor(16, "edge-remote")
        self._local_calls = ThreadPoolExecutor(8, "edge-local")

    def close(self) -> None:
        """End, after all calls; what nobody waits for any longer is left alone."""
        self._local_calls.shutdown()
        self._remote_calls.shutdown(wait=False, cancel_futures=True)

    def answer(self, call: Call) -> Answer:
        """Return the answer.

        Raises:
            CallError: The model refuses the arguments.
            NotFoundError: Nothing can answer at all.
            UnansweredError: All that could answer failed.
        """
        out: set[tuple[str, Place]] = set()
        failures: list[str] = []
        first: Choice | None = None
        while True:
            try:
                choice = self._chosen(call, out)
            except NotFoundError as error:
                if not failures:
                    raise
                raise UnansweredError(
                    f"nothing answered {call.method.name} of {call.model.name}: {'; '.join(failures)}", hint=error.hint
                ) from error
            first = first or choice
            done = self._tried(call, choice, out, failures)
            if done is not None:
                runner, value = done
                return _answer(call, first, runner, value, tuple(failures))

    def _chosen(self, call: Call, out: set[tuple[str, Place]]) -> Choice:
        selector = call.model.selector(self._lessons, out)
        try:
            return selector.choose(call.left, self.link.network)
        except NotFoundError:
            # Perhaps nobody has looked yet whether the server is there: the last thing to try.
            if not any(self.looked(one) for one in call.model.remote if (one.item.variant.name, one.place) not in out):
                raise
            return call.model.selector(self._lessons, out).choose(call.left, self.link.network)

    def _tried(
        self, call: Call, choice: Choice, out: set[tuple[str, Place]], failures: list[str]
    ) -> tuple[Local | Remote, Any] | None:
        """Return who answered what; None, with those that failed among *out* and *failures*, when nobody did."""
        runner = call.model.runners[choice.variant.name, choice.place]
        if isinstance(runner, Local):
            return _first_good({_done(self._run, call, runner): runner}, out, failures)
        running: dict[Future[Any], Local | Remote] = {self._remote_calls.submit(self._run, call, runner): runner}
        standby = call.model.selector(self._lessons, out).standby(call.left)
        if standby is not None:
            begin = self._standby_after(choice, standby.start)
            done, _ = wait(running, timeout=begin)
            if not done:
                local = call.model.runners[standby.candidate.variant.name, "device"]
                running[self._local_calls.submit(self._run, call, local)] = local
                self._wake.set()  # the server is late: is it there at all?
        return _first_good(running, out, failures)

    def _standby_after(self, choice: Choice, start: float) -> float:
        """Return after how many seconds the local variant starts beside the server's."""
        if choice.duplicate is not None:
            return min(choice.duplicate.start, self._patience)
        spread = self.link.network.one_way
        overdue = choice.bound + 4 * spread.sd if isfinite(choice.bound) else _LEAST_WAIT
        overdue = max(overdue, _LEAST_WAIT)
        return min(max(overdue, start) if isfinite(start) else _OVERDUE * overdue, self._patience)

    def _run(self, call: Call, runner: Local | Remote) -> Any:  # noqa: ANN401 - an answer in JSON form
        return self._run_here(call, runner) if isinstance(runner, Local) else self._run_there(call, runner)

    def _run_here(self, call: Call, runner: Local) -> Any:  # noqa: ANN401 - as above
        variant = runner.item.variant
        loaded, loading = runner.load(self._lessons)
        if loading:
            self.tally.add(variant, "device", "load", loading)
        content, seconds = loaded.call(call.method.name, call.body)
        self._lessons.add(variant, "device", "infer", seconds, runner.item.infer)
        self.tally.add(variant, "device", "infer", seconds)
        return _read(call, content, runner)

    def _run_there(self, call: Call, runner: Remote) -> Any:  # noqa: ANN401 - as above
        variant = runner.item.variant
        try:
            content, seconds = runner.endpoint.call(call.interface.spec, call.method.name, call.body, self._patience)
        except ServiceError as error:
            if error.kind in _DOWN:
                self.link.failed()
                runner.endpoint.up = False
                self._wake.set()
            raise
        moved = len(call.body) + len(content)
        infer = runner.item.infer.mean if runner.item.infer.known else 0.0
        transfer = self.link.called(seconds, moved, infer)
        self.tally.add(variant, "server", "transfer", transfer)
        value = _read(call, content, runner)
        call.model.answer_bytes = len(content)
        return value

    def looked(self, one: Remote) -> bool:
        """Probe the server's variant, and return whether it answers."""
        seconds = one.endpoint.probe()
        if seconds is None:
            if one.endpoint.up:
                self.link.failed()
        else:
            if not one.endpoint.up:
                self.link.returned()
            self.link.probed(seconds)
        one.endpoint.up = seconds is not None
        return one.endpoint.up


def _done(function: Any, *arguments: Any) -> Future[Any]:  # noqa: ANN401 - any function
    """Return a future of what *function* does here and now."""
    future: Future[Any] = Future()
    try:
        future.set_result(function(*arguments))
    except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
        future.set_exception(error)
    return future


def _first_good(
    running: dict[Future[Any], Local | Remote], out: set[tuple[str, Place]], failures: list[str]
) -> tuple[Local | Remote, Any] | None:
    """Return the first that answers, with its answer; note those that fail before."""
    pending = set(running)
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            runner = running[future]
            try:
                return runner, future.result()
            except CallError:
                raise  # the caller's own mistake: no other variant would take the arguments
            except (ModelportError, OSError) as error:
                out.add((runner.item.variant.name, runner.place))
                failures.append(f"{runner.item.variant.label} on the {runner.place}: {_said(error)}")
    return None


def _read(call: Call, content: bytes, runner: Local | Remote) -> Any:  # noqa: ANN401 - an answer in JSON form
    try:
        return call.interface.read(call.method, content)
    except CallError as error:
        where = f"{runner.item.variant.label} on the {runner.place}"
        raise FormatError(f"{where}: its answer is not one of {call.method.name}: {error.problems[0]}") from error


def _said(error: Exception) -> str:
    return error.message if isinstance(error, ModelportError) else str(error)


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
