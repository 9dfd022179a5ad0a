"""Looks after a runtime in the background: whether its server is there, what is to be told, kept and removed.

All of it can wait, and nothing of it may end what calls need: what fails is a line in the log, and done later.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from math import inf
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol

from modelport.edge.mending import one_line
from modelport.errors import ModelportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from modelport.edge.answering import Answering
    from modelport.edge.remote import Endpoint
    from modelport.edge.runners import Remote
    from modelport.edge.serving import Hand

__all__ = ["Duties", "Watch"]

log = logging.getLogger(__name__)

_SOON = 0.05
_AWAY = 0.5
"""Seconds from one look to the next while the server is away."""
_SILENT = 1.0
"""Seconds of a look without an answer after which the other doors of the server are not tried: the network is gone."""


class _Duty(Protocol):
    def __call__(self, *, is_away: bool) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What is done for a runtime now and then.

    Attributes:
        using: Gives what answers now.
        renew: Tells the server, and asks it; in a thread of its own.
        keep: Writes down what the process knows.
        sweep: Removes what nobody needs any longer.
    """

    using: Callable[[], AbstractContextManager[Hand]]
    renew: _Duty
    keep: _Duty
    sweep: Callable[[], None]


class Watch:
    """The background of a runtime: a thread that looks after its server.

    Args:
        answering: Who is told what was seen.
        wake: Set when the server should be looked at.
        duties: What else is done.
        probe: Seconds from one look to the next.
        every: Seconds from one time to the next of the other duties.
        asks: Whether the server is asked for its plan as soon as it is there.
    """

    def __init__(
        self, answering: Answering, wake: Event, duties: Duties, *, probe: float, every: float, asks: bool
    ) -> None:
        self._answering, self._wake, self._duties = answering, wake, duties
        self._probe_seconds, self._every = probe, every
        self._renewed = -inf if asks else time.monotonic()
        self._kept = self._sought = time.monotonic()
        self._ending, self._is_away = Event(), False
        self._thread = Thread(target=self._run, name="edge-watch", daemon=True)
        self._renewing = Thread(target=self._renew, name="edge-renew", daemon=True, args=(False,))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End, when what is being done is done."""
        self._ending.set()
        self._wake.set()
        self._thread.join()
        if self._renewing.is_alive():
            self._renewing.join()

    def _run(self) -> None:
        """Look again and again whether the server's variants answer; sooner while one does not."""
        while not self._ending.is_set():
            was_called = self._wake.is_set()
            self._wake.clear()
            good = False
            try:
                good = self._look(was_called=was_called)
                self._do_duties(good=good)
            except (ModelportError, OSError) as error:  # a full disk, say: it can be done later
                log.warning("what devices do besides failed, and is done later: %s", one_line(error))
            self._pause(good=good)

    def _do_duties(self, *, good: bool) -> None:
        now = time.monotonic()
        since = self._renewed if good else max(self._renewed, self._sought)
        if now - since > self._every and not self._renewing.is_alive():
            if good:
                self._renewed = now
            self._sought = now
            self._renewing = Thread(target=self._renew, name="edge-renew", daemon=True, args=(not good,))
            self._renewing.start()
        if now - self._kept > self._every:  # whether or not there is a server
            self._kept = now
            self._duties.keep(is_away=not good)
        self._duties.sweep()

    def _renew(self, is_away: bool) -> None:  # noqa: FBT001 - a thread's argument
        try:
            self._duties.renew(is_away=is_away)
        except (ModelportError, OSError) as error:
            if not self._ending.is_set():
                log.warning("the edge server's plan is asked for again later: %s", one_line(error))

    def _look(self, *, was_called: bool) -> bool:
        """Look at the server's doors, and return whether all answer; those that just did so are left alone."""
        with self._duties.using() as hand:
            doors = {one.endpoint.url: one for model in hand.models.values() for one in model.remote}
            good = self._looked(list(doors.values()), was_called=was_called)
            if not self._ending.is_set():
                self._tell([one.endpoint for one in doors.values() if not one.endpoint.up])
        return good

    def _looked(self, doors: list[Remote], *, was_called: bool) -> bool:
        good = True
        for one in doors:
            began = time.monotonic()
            is_fresh = one.endpoint.up and began - one.endpoint.answered < self._probe_seconds / 2
            if self._ending.is_set():
                return False
            if is_fresh and not was_called and not self._answering.link.is_surprised:
                continue
            good = self._answering.looked(one) and good
            if not one.endpoint.up and time.monotonic() - began > _SILENT:
                for other in doors:
                    other.endpoint.up = other.endpoint.up and other.endpoint.answered > began
                return False
        return good

    def _tell(self, away: list[Endpoint]) -> None:
        """Say in a line that the server is away, once until it is back."""
        if away and not self._is_away:
            why = away[0].said or "it does not answer"
            log.warning("the edge server at %s is away (%s): the device goes on by itself", away[0].url, why)
        elif self._is_away and not away:
            log.info("the edge server is back")
        self._is_away = bool(away)

    def _pause(self, *, good: bool) -> None:
        pause = self._probe_seconds if good else min(self._probe_seconds, _AWAY)
        self._wake.wait(min(_SOON, pause) if good and self._answering.link.is_surprised else pause)
        if self._wake.is_set():
            self._ending.wait(_SOON)  # a server that is gone is not asked without a pause
