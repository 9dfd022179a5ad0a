"""`Runtime`: models on a device that has an edge server beside it, or not.

For each call it measures what is to be sent, asks `Selector` with what it knows now of the network and of each
variant, and runs the choice. What goes wrong is not the caller's concern as long as anything can answer:

- The network dies in the middle, or the server refuses: the best of the others answers, in the time that is left.
- The server's answer is late: the local variant starts beside it when it can just be in time. The server's better
  answer is taken if it comes by the deadline, else the device's. Without a deadline the local variant starts when the
  answer is overdue, and the first one is taken.
- A variant cannot be loaded: the next one is chosen.

Only the caller's own mistakes end a call at once. What was measured goes into the next decision (`learning`, `link`),
and in batches to the server. A new plan is fetched, verified and loaded beside the old one, and then takes its place
(`serving.Hand`); a call that runs ends with the variants that it began with.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from math import inf
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Self

from modelport.edge.answering import Answering, Call, UnansweredError
from modelport.edge.learning import Lessons
from modelport.edge.limits import call_problems, check_opening, refused
from modelport.edge.local import Shelf
from modelport.edge.mending import Complaint, one_line
from modelport.edge.notes import Notes
from modelport.edge.opening import asked, begun, given, of_class, put_in_order, renewed
from modelport.edge.remote import EdgeServer
from modelport.edge.reports import Reports
from modelport.edge.types import Request
from modelport.edge.watching import Duties, Watch
from modelport.errors import CallError, InputError, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from modelport.edge.answering import Answer
    from modelport.edge.documents import DevicePlan
    from modelport.edge.serving import Hand
    from modelport.package.store import Access

__all__ = ["Runtime"]

_LAST_REPORT_SECONDS = 2.0
"""How long a runtime that is closed waits for its server at most."""


class Runtime:
    """The device side of edge variants; any number of threads may call it. Made by `open`."""

    def __init__(
        self, shelf: Shelf, notes: Notes, hand: Hand, server: EdgeServer | None, lessons: Lessons, *, device: str,
        patience: float, probe: float, every: float, asks: bool, watts: float | None,
    ) -> None:  # fmt: skip
        self._shelf, self._notes, self._hand, self._server = shelf, notes, hand, server
        self._device, self._asks, self._lessons = device, asks, lessons
        self._lock, self._updating, self._unkept = Lock(), Lock(), Complaint()
        self._retired: list[Hand] = []
        self._closing, self._wake = Event(), Event()
        self._answering = Answering(lessons, patience, self._wake, watts)
        self._reports = Reports(self._answering.tally, notes if server else None, self._class)
        duties = Duties(using=self._using, renew=self._renew, keep=self._keep, sweep=self._sweep)
        self._watch = Watch(self._answering, self._wake, duties, probe=probe, every=every, asks=asks)

    @property
    def _class(self) -> str:
        """The class that this device is of, as far as anybody says."""
        return self._device or self._hand.plan.device

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
        probe: float = 3.0,
        every: float = 300.0,
        watts: float | None = None,
    ) -> Self:
        """Return a runtime whose packages lie in *folder*.

        Args:
            folder: The runtime's own, until it is closed; what it holds is used again.
            server: The edge server's address; None: the device is on its own.
            plan: What to keep, a document of the schema ``edge-plan`` or its file. None: what held here last, else what
                the server says.
            device: The class of this device, for the server's plan. With it and without *plan* the server is asked for
                a newer one now and then, and at once where the plan that held here last is another class's.
            source: A store that has packages, beside the registries that the plan names.
            access: How registries are reached.
            allow_code: Whether the code of packages may run; without it only packages without code do.
            preload: Whether what is kept is loaded now, and not when it is first needed. What cannot be loaded is told
                when it is.
            patience: Seconds for which the server is waited for at most.
            probe: Seconds from one look at the server to the next; a call that it answers is a look, too. Below 4 the
                connection is kept.
            every: Seconds from one time to the next that the server is told what was measured and asked for its plan,
                and that what was learned is kept.
            watts: What the device draws while it computes, over idle, as its file in the catalog may say; without it
                ``battery_low`` cannot tell one variant from another.

        Raises:
            InputError: An argument cannot be; another runtime has the folder; there is no plan, and neither a server
                nor a device's class to ask for one; or the plan is another class's.
            FormatError: The plan is none.
            NotFoundError: A package is nowhere, and nothing else can answer; else that is a warning.
            ServiceError: The server has no plan, does not know the class, or does not answer.
            SetupError: The folder cannot be made, or the plan there cannot be read.
        """
        check_opening(
            folder, server=server, plan=plan, device=device, source=source, patience=patience, probe=probe,
            every=every, watts=watts,
        )  # fmt: skip
        own, stock = Path(folder), None if source is None else Path(source)
        shelf, notes = Shelf(own, source=stock, access=access, allow_code=allow_code), Notes(own)
        with ExitStack() as closing:
            notes.hold()
            closing.callback(notes.release)
            asked_one = EdgeServer(server) if server else None
            if asked_one is not None:
                closing.callback(asked_one.close)
            lessons = Lessons(notes.read_lessons())
            hand = begun(notes, shelf, asked_one, plan, device.lower())
            closing.callback(hand.close)
            if preload:
                hand.load_all(lessons)
            asks = asked_one is not None and plan is None and bool(device)
            runtime = cls(
                shelf, notes, hand, asked_one, lessons, device=device.lower(), patience=patience, probe=probe,
                every=every, asks=asks, watts=watts,
            )  # fmt: skip
            closing.pop_all()  # nothing failed: it is the runtime that closes them
        runtime._watch.start()
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
            battery_low: Whether equally accurate variants are told apart by their energy first; for that the runtime is
                opened with the device's *watts*.

        Raises:
            CallError: The arguments do not fit, the deadline or the accuracy is none; every misfit is named.
            NotFoundError: There is no such model, or nothing can answer at all: no variant is here and no server.
            UnansweredError: All that could answer failed.
        """
        start = time.monotonic()
        with self._using() as hand:
            self._check_open()
            found = hand.model(model)
            interface = found.interface()
            one = interface.method(method)
            problems = call_problems(deadline, min_accuracy)
            try:
                body, kind = interface.written(one, arguments)
            except CallError as error:
                raise (refused(problems, error) if problems else error) from None
            if problems:
                raise refused(problems, None)
            request = Request(
                deadline=deadline, min_accuracy=min_accuracy, battery_low=battery_low, max_bytes=0,
                payload=len(body), answer=found.answer_bytes,
            )  # fmt: skip
            answer = self._answered(Call(found, interface, one, body, kind, request, start))
        remote, choice = answer.place == "server", answer.choice
        fallback = (answer.place, answer.variant) != (choice.place, choice.variant)
        in_time = answer.seconds <= deadline
        self._answering.tally.request(found.name, in_time=in_time, remote=remote, fallback=fallback, deadline=deadline)
        return answer

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise InputError("the runtime is closed", hint="open it again")

    def _answered(self, call: Call) -> Answer:
        try:
            return self._answering.answer(call)
        except UnansweredError:
            due = call.request.deadline
            self._answering.tally.request(call.model.name, in_time=False, remote=False, fallback=True, deadline=due)
            raise

    def update(self, plan: Mapping[str, Any] | Path | None = None) -> bool:
        """Take a newer plan, and return whether it is another one; calls go on meanwhile.

        Its new variants are fetched, verified, loaded and have answered an example before they take the others' place.
        One that fails there holds up nothing else, as for `open`: it is told in a warning, and tried again later. What
        no plan keeps any longer is removed when the last call with it has ended. When an error is raised, all stays as
        it was.

        Args:
            plan: The plan, as for `open`; None asks the server.

        Raises:
            InputError: There is no server to ask, the plan is another class's, or the runtime is closed.
            ModelportError: The server failed; or a model would have nothing left that can answer, or nothing on the
                device where it has something now.
        """
        with self._updating:
            self._check_open()
            self.report()
            self._hand.look_for_lost(self._lessons)
            self._check_open()  # else who ends it would wait for the server's answer
            new = of_class(given(plan) or asked(self._server, self._class), self._class)
            if new.document == self._hand.plan.document:
                return False
            with ExitStack() as closing:
                hand = renewed(new, self._hand, self._shelf, self._server, self._lessons)
                closing.callback(hand.close)
                self._notes.write_plan(new.document)
                closing.pop_all()
            with self._lock:
                self._retired.append(self._hand)
                self._hand = hand
            self._sweep_now()
            self._keep_lessons()
            self._wake.set()
            return True

    def report(self) -> bool:
        """Send the edge server what was measured since the last time; return whether it is told all.

        What could not be sent is kept in the folder; what the server will never take is dropped
        (`modelport.edge.reports`).
        """
        return self._report(10.0)

    def _report(self, seconds: float) -> bool:
        if self._server is None:
            return False
        return self._reports.send(self._server, self._class, seconds)

    def close(self) -> None:
        """Wait for the calls that run, tell and keep what was learned, and close the connections."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
        self._watch.end(self._server.cut if self._server else None)
        with self._updating:  # an update that runs comes to its end
            while self._is_used():
                time.sleep(0.01)
        with ExitStack() as ending:  # the last one first; none leaves out the others
            ending.callback(self._notes.release)
            ending.callback(self._keep_lessons)
            if self._server is not None:
                ending.callback(self._server.close)
                ending.callback(self._reports.end, self._class, self._server.url)
            for hand in (*self._retired, self._hand):
                ending.callback(hand.close)
            if self._server is not None:
                self._server.is_cut = False
                ending.callback(self._report, _LAST_REPORT_SECONDS)
            ending.callback(self._answering.close)  # what still runs in the background is in the last report

    def _is_used(self) -> bool:
        with self._lock:
            return any(hand.uses for hand in (*self._retired, self._hand))

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

    def _sweep_now(self) -> None:
        """Remove what only plans kept that no call uses any longer."""
        with self._lock:
            gone = [hand for hand in self._retired if not hand.uses]
            self._retired = [hand for hand in self._retired if hand.uses]
            kept = {item.variant.digest for hand in (*self._retired, self._hand) for item in hand.items()}
        for hand in gone:
            hand.close()
        if gone:
            put_in_order(self._shelf, kept)

    def _keep_lessons(self) -> None:
        self._lessons.forget_all_but({one.item.variant.digest for one in self._hand.runners()})
        try:
            self._notes.write_lessons(self._lessons.to_json())
        except SetupError as error:  # a full disk, say
            self._unkept.say(f"what was learned is not kept: {one_line(error)}")
        else:
            self._unkept.is_over()

    def _keep(self) -> None:
        """Keep what was learned, unless an update runs, which does so itself when it knows which plan holds."""
        if self._updating.acquire(blocking=False):
            try:
                self._keep_lessons()
            finally:
                self._updating.release()

    def _renew(self) -> None:
        """Tell the server what was measured, ask it for a newer plan, and look for packages that could not be had."""
        if self._asks:
            self.update()
        else:
            self.report()
            self._hand.look_for_lost(self._lessons)

    def _sweep(self) -> None:
        """Remove what only plans kept that no call uses any longer, unless an update runs."""
        if self._updating.acquire(blocking=False):
            try:
                self._sweep_now()
            finally:
                self._updating.release()
