"""Who may answer a call: a variant on the device, which has to be loaded for that, or one on the edge server."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

from modelport.edge.learning import WHATEVER, Kind
from modelport.edge.mending import Complaint, one_line
from modelport.edge.messages import Interface
from modelport.edge.types import Candidate, Spread
from modelport.errors import FormatError, IntegrityError, ModelportError, NotFoundError, SetupError, TrustError

if TYPE_CHECKING:
    from modelport.edge.documents import Item
    from modelport.edge.learning import Lessons
    from modelport.edge.local import Loaded, Shelf
    from modelport.edge.remote import Endpoint
    from modelport.edge.types import Place
    from modelport.package import Package

__all__ = ["BARRED", "Local", "Remote"]

log = logging.getLogger(__name__)

BARRED: Final = 2
"""The state of a variant that is not chosen."""

_FIRST_WAIT, _LONGEST_WAIT = 30.0, 6 * 3600.0
"""Seconds before what failed to load is tried again: the first time, twice as long each time, and at most."""


class Local:
    """A variant on the device: loaded when it is first needed, by one thread while others wait.

    Attributes:
        item: Which.
        bar: Why it cannot be loaded, where that will be the same the next time: it is not chosen. None: it can.
    """

    place: Place = "device"

    def __init__(self, item: Item, shelf: Shelf) -> None:
        self.item = item
        self.bar: ModelportError | None = None
        self._shelf, self._lock = shelf, Lock()
        self._loaded: Loaded | None = None
        self._complaint, self._tries, self._next_try = Complaint(), 0, 0.0

    @property
    def is_ready(self) -> bool:
        """Whether it is in memory."""
        return self._loaded is not None

    @property
    def state(self) -> int:
        """What a choice has to know of it, as a number: `BARRED`, or whether it is ready."""
        return BARRED if self.bar is not None else self._loaded is not None

    @property
    def is_distrusted(self) -> bool:
        """Whether it is here, and has code that may not run."""
        return isinstance(self.bar, TrustError)

    @property
    def is_lost(self) -> bool:
        """Whether its package could not be had."""
        return self.bar is not None and not self.is_distrusted

    def bring(self) -> ModelportError | None:
        """Bring its package here unless it is; return why it cannot be had, if so, with which it is then barred."""
        if self._tries:
            return None  # it is here, and cannot be loaded
        try:
            self._shelf.fetch(self.item)
            try:
                self.bar = self._shelf.refusal(self.item)
            except (FormatError, IntegrityError):  # what is damaged was set aside
                self._shelf.fetch(self.item)
                self.bar = self._shelf.refusal(self.item)
        except ModelportError as error:
            self.bar = error
        except OSError as error:
            self.bar = SetupError(f"{self.item.variant.label} cannot be kept: {error}", hint="see to the disk")
        return self.bar if self.is_lost else None

    def package(self) -> Package:
        """Return its package, verified; where it is damaged, it is brought here again.

        Raises:
            ModelportError: It cannot be had, and is barred.
        """
        try:
            return self._shelf.package(self.item)
        except (FormatError, IntegrityError, NotFoundError):
            if (error := self.bring()) is not None:
                raise error from None
            return self._shelf.package(self.item)

    def load(self, lessons: Lessons) -> tuple[Loaded, float]:
        """Return it in memory, and the seconds that loading took now; the errors are those of `Shelf.load`."""
        with self._lock:
            if self._loaded is not None:
                return self._loaded, 0.0
            try:
                loaded = self._shelf.load(self.item)
            except (TrustError, IntegrityError, NotFoundError) as error:
                self._bar(error)
                raise
            except (ModelportError, OSError, MemoryError) as error:
                failed = _failure(self.item, error)
                self._next_try = time.monotonic() + min(_FIRST_WAIT * 2**self._tries, _LONGEST_WAIT)
                self._tries += 1
                self._bar(failed)
                raise failed from error
            lessons.add(self.item.variant, "device", "load", loaded.seconds, self.item.load)
            self._learn_first(loaded, lessons)
            self._loaded, self._tries, self.bar = loaded, 0, None
            self._complaint.is_over(f"{self.item.variant.label} runs on this device again")
            return loaded, loaded.seconds

    def _bar(self, error: ModelportError) -> None:
        self.bar = error
        # What an error of the store's proposes is for who has a store of packages: a device brings them by itself.
        is_theirs = isinstance(error, TrustError) or self._tries
        said = one_line(error) if is_theirs else f"{error.message.splitlines()[0]} (it is brought here again)"
        self._complaint.say(f"{self.item.variant.label} is not run on this device: {said}")

    def try_again(self, lessons: Lessons) -> None:
        """Bring its package here, or load it, where that failed before; what fails again is tried later each time."""
        if not self._tries:
            if self.bring() is None:
                log.info("%s is on this device again", self.item.variant.label)
        elif time.monotonic() >= self._next_try:
            with suppress(ModelportError):  # it has been said
                self.load(lessons)

    def _learn_first(self, loaded: Loaded, lessons: Lessons) -> None:
        """Take the time of its first answer where nobody has said anything of its times."""
        known = lessons.spread(self.item.variant, "device", "infer", self.item.infer).known
        if loaded.first is not None and not known:
            example, seconds = loaded.first
            kind = Interface.of(loaded.model.spec).kind(example.method, example.input)
            lessons.add(self.item.variant, "device", "infer", seconds, self.item.infer, kind)

    def adopt(self, other: Local) -> None:
        """Be in memory as *other* is, which is the same package, and as little trusted."""
        self._loaded, self._complaint = other._loaded, other._complaint
        self._tries, self._next_try = other._tries, other._next_try
        self.bar = other.bar if other.is_distrusted or other._tries else None

    def candidate(self, lessons: Lessons, kind: Kind = WHATEVER, watts: float | None = None) -> Candidate:
        """Return what is known of it, for calls of a kind, on a device that draws so many watts while it computes."""
        infer = lessons.spread(self.item.variant, "device", "infer", self.item.infer, kind)
        return Candidate(
            variant=self.item.variant,
            infer=infer,
            load=lessons.spread(self.item.variant, "device", "load", self.item.load),
            loaded=self.is_ready,
            energy=watts * infer.mean if watts is not None and infer.known else None,
        )


def _failure(item: Item, error: Exception) -> ModelportError:
    if isinstance(error, ModelportError):
        return error
    why = str(error) or type(error).__name__
    return SetupError(f"{item.variant.label} cannot be loaded: {why}", hint="see to the device's memory and disk")


class Remote:
    """A variant on the edge server."""

    place: Place = "server"
    bar: ModelportError | None = None
    is_distrusted = False

    def __init__(self, item: Item, endpoint: Endpoint) -> None:
        self.item, self.endpoint = item, endpoint

    @property
    def is_ready(self) -> bool:
        """Whether it answered when it was asked last."""
        return self.endpoint.up

    @property
    def state(self) -> int:
        """The same as a number."""
        return self.endpoint.up

    def candidate(self, lessons: Lessons, kind: Kind = WHATEVER, _: float | None = None) -> Candidate:
        """Return what is known of it, for calls of a kind: the server does not offer what does not answer."""
        infer = lessons.spread(self.item.variant, "server", "infer", self.item.infer, kind)
        infer = infer if infer.known else Spread(0.0)
        return Candidate(variant=self.item.variant, place="server", infer=infer, stored=self.endpoint.up)
