"""What a runtime answers with while one plan holds: each model's variants, at both places, as candidates.

A `Hand` is never changed into another plan's: an update makes a new one, and calls that run end with the old one.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from modelport.client.errors import ServiceError
from modelport.edge.learning import WHATEVER, Kind
from modelport.edge.messages import Interface
from modelport.edge.runners import BARRED, Local, Remote
from modelport.edge.select import Selector
from modelport.errors import InputError, ModelportError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from modelport.edge.documents import DevicePlan, Item
    from modelport.edge.learning import Lessons
    from modelport.edge.local import Shelf
    from modelport.edge.remote import EdgeServer, Endpoint
    from modelport.edge.types import Place
    from modelport.model import ModelSpec

__all__ = ["Hand", "ServedModel"]

log = logging.getLogger(__name__)

_SECONDS = 5.0


@dataclass(slots=True)
class _Kept:
    """What chooses, and what it was told: after how many lessons, and in which state each of them was."""

    selector: Selector
    count: int
    states: list[int]


class ServedModel:
    """A model of the plan: its variants at both places."""

    def __init__(self, name: str, local: Iterable[Local], remote: Iterable[Remote]) -> None:
        self.name = name
        all_of_them: list[Local | Remote] = [*local, *remote]
        self.runners = {(one.item.variant.name, one.place): one for one in all_of_them}
        self._all = list(self.runners.values())
        self._places: dict[str, list[int]] = {}
        for place, one in enumerate(self._all):
            self._places.setdefault(one.item.variant.digest, []).append(place)
        self.answer_bytes = 0
        self._interface: Interface | None = None
        self._shelf_lock, self._choosing = Lock(), Lock()
        self._kept: dict[tuple[str, int], _Kept] = {}

    @property
    def local(self) -> list[Local]:
        """The variants on the device."""
        return [one for one in self.runners.values() if isinstance(one, Local)]

    @property
    def remote(self) -> list[Remote]:
        """The variants on the server."""
        return [one for one in self.runners.values() if isinstance(one, Remote)]

    def brought(self) -> list[ModelportError]:
        """Bring the packages here, and read the signature off one: a first call has no time for it.

        Return why some cannot be had; these are barred.
        """
        lost = [error for one in self.local if (error := one.bring()) is not None]
        with self._shelf_lock:
            self._interface, more = self._read_here()
        return [*lost, *more]

    def interface(self) -> Interface:
        """Return the signature: a package's on the device, else what the server says.

        Raises:
            NotFoundError: Nothing is on the device, and no server answers.
        """
        with self._shelf_lock:
            if self._interface is None:
                self._interface, _ = self._read_here()
            if self._interface is None:
                self._interface = Interface.of(self._said())
            return self._interface

    def _read_here(self) -> tuple[Interface | None, list[ModelportError]]:
        """Return the signature by a package on the device, and why those before it cannot be had."""
        lost: list[ModelportError] = []
        for one in self.local:
            if not one.is_lost:
                try:
                    return Interface.of(one.package().spec), lost
                except ModelportError as error:
                    one.bar = one.bar or error
                    lost.append(error)
        return None, lost

    def _said(self) -> ModelSpec:
        said = []
        for one in self.remote:
            try:
                return one.endpoint.spec(_SECONDS)
            except ServiceError as error:
                said.append(error.message)
        lost = [one.bar for one in self.local if one.bar is not None]
        raise NotFoundError(
            f"no variant of {self.name} is on this device, and no edge server answers:"
            f" {'; '.join([*said, *(error.message for error in lost)]) or 'none is named'}",
            hint=next((error.hint for error in lost if error.hint), "")
            or "keep at least one variant on the device, or see to the network",
        )

    @property
    def bars(self) -> list[tuple[Local, ModelportError]]:
        """The variants that are not chosen, and why not."""
        return [(one, one.bar) for one in self.local if one.bar is not None]

    def selector(
        self, lessons: Lessons, out: Collection[tuple[str, Place]], kind: Kind = WHATEVER, watts: float | None = None
    ) -> Selector:
        """Return what chooses among all variants but those that are *out*, for calls of a *kind*.

        That among all of them is kept, and told what has changed.
        """
        if out:
            here = [one for key, one in self.runners.items() if key not in out and one.bar is None]
            return Selector((one.candidate(lessons, kind, watts) for one in here), explore=True)
        with self._choosing:
            count, states = lessons.count, [one.state for one in self._all]
            kept = self._kept.get((kind.method, kind.size))
            if kept is None or _barred(kept.states) != _barred(states):
                fit = [one for one, state in zip(self._all, states, strict=True) if state != BARRED]
                found = Selector((one.candidate(lessons, kind, watts) for one in fit), explore=True)
                kept = self._kept[kind.method, kind.size] = _Kept(found, count, states)
            for one in self._changed(kept, lessons, count, states):
                kept.selector.update(one.candidate(lessons, kind, watts))
            kept.count, kept.states = count, states
            return kept.selector

    def _changed(self, kept: _Kept, lessons: Lessons, count: int, states: list[int]) -> Iterable[Local | Remote]:
        """Return those of which a kept selector knows what is no longer so."""
        places: set[int] = set()
        if kept.states != states:
            places.update(n for n, (old, new) in enumerate(zip(kept.states, states, strict=True)) if old != new)
        if kept.count != count:
            digests = lessons.changed(kept.count)
            places.update(
                n for one in (self._places if digests is None else digests) for n in self._places.get(one, ())
            )
        return [self._all[place] for place in places if states[place] != BARRED]


def _barred(states: list[int]) -> list[int]:
    return [place for place, state in enumerate(states) if state == BARRED] if BARRED in states else []


class Hand:
    """The models of one plan.

    Attributes:
        plan: The plan.
        models: The models by name.
        uses: How many calls run with it; the runtime counts.
    """

    def __init__(self, plan: DevicePlan, shelf: Shelf, server: EdgeServer | None) -> None:
        self.plan = plan
        self.shelf = shelf
        self.uses = 0
        self.endpoints: dict[int, Endpoint] = {}
        self.models: dict[str, ServedModel] = {}
        for served in plan.models.values():
            remote = [Remote(item, self._endpoint(server, item.port)) for item in served.server] if server else []
            self.models[served.name] = ServedModel(served.name, [Local(item, shelf) for item in served.keep], remote)

    def _endpoint(self, server: EdgeServer, port: int) -> Endpoint:
        if port not in self.endpoints:
            self.endpoints[port] = server.endpoint(port)
        return self.endpoints[port]

    def model(self, name: str | None) -> ServedModel:
        """Return a model of the plan, the only one when *name* is None.

        Raises:
            NotFoundError: The plan has no such model, or none at all.
            InputError: It has several, and *name* is None.
        """
        names = ", ".join(self.models) or "none"
        if name is None and not self.models:
            raise NotFoundError(
                "the plan has no models", hint="see to what the edge server serves, or give another plan"
            )
        if name is None and len(self.models) > 1:
            raise InputError(f"the plan has several models: {names}", hint="say which one: model=NAME")
        found = next(iter(self.models.values())) if name is None else self.models.get(name)
        if found is None:
            raise NotFoundError(f"the plan has no model {name!r}", hint=f"its models are: {names}")
        return found

    def items(self) -> Iterator[Item]:
        """Yield the variants that the device keeps."""
        for served in self.plan.models.values():
            yield from served.keep

    def runners(self) -> Iterator[Local | Remote]:
        """Yield all that may answer, at both places."""
        for model in self.models.values():
            yield from model.runners.values()

    def local(self) -> Iterator[Local]:
        """Yield those on the device."""
        for model in self.models.values():
            yield from model.local

    def digests(self) -> set[str]:
        """Return those of the variants that the device keeps."""
        return {item.variant.digest for item in self.items()}

    def bring(self) -> list[ModelportError]:
        """Bring the packages here; return why some cannot be had."""
        return [error for model in self.models.values() for error in model.brought()]

    def load_all(self, lessons: Lessons) -> None:
        """Load what is here; what cannot be is told, and barred."""
        for one in self.local():
            if one.bar is None:
                with suppress(ModelportError):
                    one.load(lessons)

    def look_for_lost(self, lessons: Lessons) -> None:
        """Bring here, or load, what could not be before, if it can be now."""
        for one in self.local():
            if one.is_lost:
                one.try_again(lessons)

    def take_over(self, old: Hand) -> None:
        """Go on with what *old* has in memory of the same packages, and with what it knows of the server's doors."""
        doors = {one.url: one for one in old.endpoints.values()}
        for endpoint in self.endpoints.values():
            if (known := doors.get(endpoint.url)) is not None:
                endpoint.up, endpoint.answered = known.up, known.answered
        before = {one.item.variant.digest: one for one in old.local()}
        for one in self.local():
            if (there := before.get(one.item.variant.digest)) is not None:
                one.adopt(there)

    def close(self) -> None:
        """Close the connections."""
        for endpoint in self.endpoints.values():
            endpoint.close()
