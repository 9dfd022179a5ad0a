"""`Runtime`: models on a device that has an edge server beside it, or not.

For each call it measures what is to be sent, asks `Selector` with what it knows now of the network and of each
variant, and runs the choice. What goes wrong is not the caller's concern as long as anything can answer:

- The network dies in the middle, or the server refuses: the best of the others answers, in the time that is left.
- The server's answer is late: the local variant starts beside it, at the time that the choice said, or when the answer
  is overdue beyond its own bound. The first good answer is taken.
- A variant cannot be loaded: the next one is chosen.

Only the caller's own mistakes end a call at once. What was measured goes into the next decision (`learning`, `link`),
and in batches to the server. A new plan is fetched, verified and loaded beside the old one, and then takes its place
(`serving.Hand`); a call that runs ends with the variants that it began with.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Self

from modelport.client.errors import ServiceError
from modelport.edge.documents import DevicePlan, read_document
from modelport.edge.learning import Lessons, Tally
from modelport.edge.link import Link
from modelport.edge.local import Shelf
from modelport.edge.remote import EdgeServer
from modelport.edge.serving import Hand, Local, Remote
from modelport.edge.types import Request
from modelport.errors import CallError, FormatError, InputError, ModelportError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from modelport.edge.serving import Interface, _Model
    from modelport.edge.types import Choice, Place, Variant
    from modelport.model.spec import MethodSpec
    from modelport.package.store import Access

__all__ = ["Answer", "Runtime", "UnansweredError"]

_OVERDUE = 4.0
"""By how many times its bound an answer is late that nobody needs by a time."""
_LEAST_WAIT = 0.05
_DOWN = frozenset({"unreachable", "timeout", "broken-off", "tls", "proxy", "unknown"})
"""What went wrong on the way: the server is left alone until it answers a probe."""


_NEVER = frozenset({400, 404, 413, 415, 422})
"""The statuses of a batch that the server will never take."""
_REPORT_SECONDS = 300.0


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
class _Call:
    """A call while it is answered."""

    model: _Model
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


class Runtime:
    """The device side of edge variants; any number of threads may call it. Made by `open`."""

    def __init__(self, shelf: Shelf, hand: Hand, server: EdgeServer | None, *, patience: float, probe: float) -> None:
        self._shelf, self._hand, self._server = shelf, hand, server
        self._patience, self._probe_seconds = patience, probe
        self._lock, self._updating, self._reporting = Lock(), Lock(), Lock()
        self._retired: list[Hand] = []
        self._link, self._lessons, self._tally = Link(), Lessons(shelf.read_lessons()), Tally()
        self._untold: dict[str, Any] | None = None
        self._remote_calls = ThreadPoolExecutor(16, "edge-remote")
        self._local_calls = ThreadPoolExecutor(8, "edge-local")
        self._closing, self._wake = Event(), Event()
        self._watcher = Thread(target=self._watch, name="edge-watch", daemon=True)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        server: str | None = None,
        plan: Mapping[str, Any] | Path | None = None,
        device: str = "",
        source: Path | None = None,
        access: Access | None = None,
        allow_code: bool = False,
        preload: bool = False,
        patience: float = 10.0,
        probe: float = 5.0,
    ) -> Self:
        """Return a runtime whose packages lie in *folder*.

        Args:
            folder: The device's own; what it holds is used again.
            server: The edge server's address; None: the device is on its own.
            plan: What to keep, a document of the schema ``edge-plan`` or its file. None: what held here last, else what
                the server says.
            device: The class of this device, for the server's plan.
            source: A store that has packages, beside the registries that the plan names.
            access: How registries are reached.
            allow_code: Whether the code of packages may run; without it only packages without code do.
            preload: Whether what is kept is loaded now, and not when it is first needed. What cannot be loaded is told
                when it is.
            patience: Seconds for which the server is waited for at most.
            probe: Seconds from one look at the server to the next.

        Raises:
            InputError: There is no plan, and neither a server nor a device's class to ask for one.
            FormatError: The plan is none.
            NotFoundError: A package is nowhere.
            ServiceError: The server has no plan, or does not answer.
        """
        shelf = Shelf(Path(folder), source=source, access=access, allow_code=allow_code)
        asked = EdgeServer(server) if server else None
        chosen = _given(plan) or shelf.read_plan() or _asked(asked, device)
        for served in chosen.models.values():
            for item in served.keep:
                shelf.fetch(item)
        shelf.write_plan(chosen.document)
        shelf.drop({item.variant.digest for served in chosen.models.values() for item in served.keep})
        runtime = cls(shelf, Hand(chosen, shelf, asked), asked, patience=patience, probe=probe)
        for model in runtime._hand.models.values():
            if model.local:
                model.interface(shelf)  # a first call has no time to read it
            for one in model.local if preload else ():
                with suppress(ModelportError):
                    one.load(runtime._lessons)
        runtime._watcher.start()
        return runtime

    @property
    def plan(self) -> DevicePlan:
        """The plan that holds."""
        return self._hand.plan

    def call(
        self,
        method: str,
        arguments: object,
        *,
        model: str | None = None,
        deadline: float = inf,
        min_accuracy: float = 0.0,
        battery_low: bool = False,
    ) -> Answer:
        """Return the answer of *method* to JSON *arguments*, from wherever it is best made.

        Args:
            method: The method.
            arguments: Its arguments in JSON form.
            model: Which model of the plan; may be left out when there is one.
            deadline: Seconds from now by which the answer is wanted. A later one is given all the same, as degraded.
            min_accuracy: The least accuracy that will do; where nothing has it, the answer is degraded.
            battery_low: Whether equally accurate variants are told apart by their energy first.

        Raises:
            CallError: The arguments do not fit; every misfit is named.
            NotFoundError: There is no such model, or nothing can answer at all: no variant is here and no server.
            UnansweredError: All that could answer failed.
        """
        start = time.monotonic()
        with self._using() as hand:
            if self._closing.is_set():
                raise InputError("the runtime is closed", hint="open it again")
            found = hand.model(model)
            interface = found.interface(self._shelf)
            one = interface.method(method)
            body = interface.write(one, arguments)
            request = Request(
                deadline=deadline, min_accuracy=min_accuracy, battery_low=battery_low, max_bytes=0,
                payload=len(body), answer=found.answer_bytes,
            )  # fmt: skip
            answer = self._answered(_Call(found, interface, one, body, request, start))
        remote = answer.place == "server"
        self._tally.request(
            found.name, in_time=answer.seconds <= deadline, remote=remote, fallback=bool(answer.failures)
        )
        return answer

    def _answered(self, call: _Call) -> Answer:
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

    def _chosen(self, call: _Call, out: set[tuple[str, Place]]) -> Choice:
        selector = call.model.selector(self._lessons, out)
        try:
            return selector.choose(call.left, self._link.network)
        except NotFoundError:
            # Perhaps nobody has looked yet whether the server is there: the last thing to try.
            if not any(self._looked(one) for one in call.model.remote if (one.item.variant.name, one.place) not in out):
                raise
            return call.model.selector(self._lessons, out).choose(call.left, self._link.network)

    def _tried(
        self, call: _Call, choice: Choice, out: set[tuple[str, Place]], failures: list[str]
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
        spread = self._link.network.one_way
        overdue = choice.bound + 4 * spread.sd if isfinite(choice.bound) else _LEAST_WAIT
        overdue = max(overdue, _LEAST_WAIT)
        return min(max(overdue, start) if isfinite(start) else _OVERDUE * overdue, self._patience)

    def _run(self, call: _Call, runner: Local | Remote) -> Any:  # noqa: ANN401 - an answer in JSON form
        return self._run_here(call, runner) if isinstance(runner, Local) else self._run_there(call, runner)

    def _run_here(self, call: _Call, runner: Local) -> Any:  # noqa: ANN401 - as above
        variant = runner.item.variant
        loaded, loading = runner.load(self._lessons)
        if loading:
            self._tally.add(variant, "device", "load", loading)
        content, seconds = loaded.call(call.method.name, call.body)
        self._lessons.add(variant, "device", "infer", seconds, runner.item.infer)
        self._tally.add(variant, "device", "infer", seconds)
        return _read(call, content, runner)

    def _run_there(self, call: _Call, runner: Remote) -> Any:  # noqa: ANN401 - as above
        variant = runner.item.variant
        try:
            content, seconds = runner.endpoint.call(call.interface.spec, call.method.name, call.body, self._patience)
        except ServiceError as error:
            if error.kind in _DOWN:
                self._link.failed()
                runner.endpoint.up = False
                self._wake.set()
            raise
        moved = len(call.body) + len(content)
        infer = runner.item.infer.mean if runner.item.infer.known else 0.0
        transfer = self._link.called(seconds, moved, infer)
        self._tally.add(variant, "server", "transfer", transfer)
        value = _read(call, content, runner)
        call.model.answer_bytes = len(content)
        return value

    def update(self, plan: Mapping[str, Any] | Path | None = None) -> bool:
        """Take a newer plan, and return whether it is another one; calls go on meanwhile.

        Its new variants are fetched, verified, loaded and have answered an example before they take the others' place.
        What no plan keeps any longer is removed when the last call with it has ended. When anything fails, all stays
        as it was.

        Args:
            plan: The plan, as for `open`; None asks the server.

        Raises:
            InputError: There is no server to ask.
            ModelportError: The server, a registry or a package failed.
        """
        with self._updating:
            self.report()
            new = _given(plan) or _asked(self._server, self._hand.plan.device)
            if new.document == self._hand.plan.document:
                return False
            hand = Hand(new, self._shelf, self._server)
            hand.take_over(self._hand)
            for item in hand.items():
                self._shelf.fetch(item)
            for model in hand.models.values():
                for one in model.local:
                    one.load(self._lessons)
            self._shelf.write_plan(new.document)
            with self._lock:
                self._retired.append(self._hand)
                self._hand = hand
            self._sweep()
            self._keep_lessons()
            self._wake.set()
            return True

    def report(self) -> bool:
        """Send the edge server what was measured since the last time; return whether it is told all.

        What could not be sent is kept, and sent with the same id: the server counts it once.
        """
        if self._server is None:
            return False
        with self._reporting:
            while True:
                self._untold = self._untold or self._tally.take(self._hand.plan.device)
                if self._untold is None:
                    return True
                try:
                    self._server.tell(self._untold)
                except ServiceError as error:
                    if error.status in _NEVER:
                        self._untold = None
                    return False
                self._untold = None

    def close(self) -> None:
        """Wait for the calls that run, keep what was learned, and close the connections."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.set()
        self._watcher.join()
        while any(hand.uses for hand in (*self._retired, self._hand)):
            time.sleep(0.01)
        self._local_calls.shutdown()
        self._remote_calls.shutdown(wait=False, cancel_futures=True)  # what nobody waits for any longer
        self._keep_lessons()
        for hand in (*self._retired, self._hand):
            hand.close()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _using(self) -> Iterator[Hand]:
        """Give the plan that holds now, and keep its packages until the context ends."""
        with self._lock:
            hand = self._hand
            hand.uses += 1
        try:
            yield hand
        finally:
            with self._lock:
                hand.uses -= 1

    def _sweep(self) -> None:
        """Remove what only plans kept that no call uses any longer."""
        with self._lock:
            gone = [hand for hand in self._retired if not hand.uses]
            self._retired = [hand for hand in self._retired if hand.uses]
            kept = {item.variant.digest for hand in (*self._retired, self._hand) for item in hand.items()}
        for hand in gone:
            hand.close()
        if gone:
            self._shelf.drop(kept)

    def _keep_lessons(self) -> None:
        self._shelf.write_lessons(self._lessons.to_json())

    def _watch(self) -> None:
        """Look again and again whether the server's variants answer; sooner while one does not."""
        reported = time.monotonic()
        while not self._closing.is_set():
            self._wake.clear()
            if time.monotonic() - reported > _REPORT_SECONDS:
                self.report()
                self._keep_lessons()
                reported = time.monotonic()
            with self._using() as hand:
                remotes = [one for model in hand.models.values() for one in model.remote]
                good = [self._looked(one) for one in remotes if not self._closing.is_set()]
            if self._updating.acquire(blocking=False):
                try:
                    self._sweep()
                finally:
                    self._updating.release()
            pause = self._probe_seconds if all(good) else min(self._probe_seconds, 0.5)
            self._wake.wait(pause)
            if self._wake.is_set():
                self._closing.wait(0.05)  # a server that is gone is not asked without a pause

    def _looked(self, one: Remote) -> bool:
        """Probe the server's variant, and return whether it answers."""
        seconds = one.endpoint.probe()
        if seconds is None:
            if one.endpoint.up:
                self._link.failed()
        else:
            if not one.endpoint.up:
                self._link.returned()
            self._link.probed(seconds)
        one.endpoint.up = seconds is not None
        return one.endpoint.up


def _given(plan: Mapping[str, Any] | Path | None) -> DevicePlan | None:
    if plan is None:
        return None
    if isinstance(plan, Path):
        return DevicePlan.read(read_document(plan, "edge-plan"), str(plan))
    return DevicePlan.read(json.loads(json.dumps(plan)), "the plan")  # a copy that nobody changes


def _asked(server: EdgeServer | None, device: str) -> DevicePlan:
    if server is None or not device:
        raise InputError(
            "there is no plan, and nobody to ask for one", hint="give plan=, or server= and the device's class, device="
        )
    return server.plan(device)


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


def _read(call: _Call, content: bytes, runner: Local | Remote) -> Any:  # noqa: ANN401 - an answer in JSON form
    try:
        return call.interface.read(call.method, content)
    except CallError as error:
        where = f"{runner.item.variant.label} on the {runner.place}"
        raise FormatError(f"{where}: its answer is not one of {call.method.name}: {error.problems[0]}") from error


def _said(error: Exception) -> str:
    return error.message if isinstance(error, ModelportError) else str(error)


def _answer(call: _Call, first: Choice, runner: Local | Remote, value: Any, failures: tuple[str, ...]) -> Answer:  # noqa: ANN401 - as above
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
