"""Looks after a runtime in the background: whether its server is there, what is to be told, kept and removed.

Whether the server's variants answer is one thing, whether the server itself does is another: a plan may name doors
where nobody is any longer, and a newer one would mend that. So the server is told, and asked, whatever its doors do.
All of it can wait, and nothing of it may end what calls need: what fails is a line in the log, and done later.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from math import inf
from threading import Event, Thread
from typing import TYPE_CHECKING

from modelport.edge.mending import Complaint, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from modelport.edge.answering import Answering
    from modelport.edge.runners import Remote
    from modelport.edge.serving import Hand

__all__ = ["Duties", "Watch"]

log = logging.getLogger(__name__)

_SOON = 0.05
_AWAY = 0.5
"""Seconds from one look to the next while the server is away."""
_SILENT = 1.0
"""Seconds of a look without an answer after which the other doors of the server are not tried: the network is gone."""


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
    renew: Callable[[], object]
    keep: Callable[[], object]
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
        self._kept = time.monotonic()
        self._tried = self._renewed = -inf if asks else self._kept
        self._was_good = False
        self._ending, self._unrenewed = Event(), Complaint()
        self._away: set[str] = set()
        self._thread = Thread(target=self._run, name="edge-watch", daemon=True)
        self._renewing = Thread(target=self._renew, name="edge-renew", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self, cut: Callable[[], object] | None = None) -> None:
        """End, when what is being done is done; *cut* ends what the server is asked meanwhile."""
        self._ending.set()
        self._wake.set()
        self._thread.join()
        if self._renewing.is_alive():
            if cut is not None:
                cut()
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
            except Exception as error:  # noqa: BLE001 - a full disk, no thread left: it can be done later
                log.warning("what devices do besides failed, and is done later: %s", one_line(error))
            self._pause(good=good)

    def _do_duties(self, *, good: bool) -> None:
        now = time.monotonic()
        is_back, self._was_good = good and not self._was_good, good
        since = self._renewed if is_back else self._tried  # at once where its doors answer again
        if now - since > self._every and not self._renewing.is_alive():
            self._tried = now
            self._renewing = Thread(target=self._renew, name="edge-renew", daemon=True)
            self._renewing.start()
        if now - self._kept > self._every:  # whether or not there is a server
            self._kept = now
            self._duties.keep()
        self._duties.sweep()

    def _renew(self) -> None:
        began = time.monotonic()
        try:
            self._duties.renew()
        except Exception as error:  # noqa: BLE001 - as above
            if not self._ending.is_set():
                self._unrenewed.say(f"the edge server's plan is asked for again later: {one_line(error)}")
        else:
            self._renewed = began
            self._unrenewed.is_over("the edge server's plan was asked for again")

    def _look(self, *, was_called: bool) -> bool:
        """Look at the server's doors, and return whether all answer; those that just did so are left alone."""
        with self._duties.using() as hand:
            doors = {one.endpoint.url: one for model in hand.models.values() for one in model.remote}
            good = self._looked(list(doors.values()), was_called=was_called)
            if not self._ending.is_set():
                self._tell(doors)
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

    def _tell(self, doors: Mapping[str, Remote]) -> None:
        """Say in a line which of the server's variants are away, once until they are back, and that they are."""
        away = {url for url, one in doors.items() if not one.endpoint.up}
        if new := sorted(away - self._away):
            why = doors[new[0]].endpoint.said or "no answer"
            log.warning("%s away (%s): calls go elsewhere meanwhile", _named(doors, new), why)
        if back := sorted((self._away - away) & doors.keys()):
            log.warning("%s back", _named(doors, back))
        self._away = away

    def _pause(self, *, good: bool) -> None:
        pause = self._probe_seconds if good else min(self._probe_seconds, _AWAY)
        self._wake.wait(min(_SOON, pause) if good and self._answering.link.is_surprised else pause)
        if self._wake.is_set():
            self._ending.wait(_SOON)  # a server that is gone is not asked without a pause


def _named(doors: Mapping[str, Remote], urls: Sequence[str]) -> str:
    variants = " and ".join(f"{doors[url].item.variant.label} at {url}" for url in urls)
    return f"the edge server's {variants} {'is' if len(urls) == 1 else 'are'}"
