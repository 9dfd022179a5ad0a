"""What a runtime answers with while one plan holds: each model's variants, at both places, as candidates.

A `Hand` is never changed into another plan's: an update makes a new one, and calls that run end with the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from modelport.client.calls import lenient
from modelport.edge.learning import WHATEVER, Kind
from modelport.edge.select import Selector
from modelport.edge.types import Candidate, Spread
from modelport.errors import InputError, NotFoundError
from modelport.model import Codec
from modelport.model.spec import TensorOf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

    from modelport.edge.documents import DevicePlan, Item
    from modelport.edge.learning import Lessons
    from modelport.edge.local import Loaded, Shelf
    from modelport.edge.remote import EdgeServer, Endpoint
    from modelport.edge.types import Place
    from modelport.model import ModelSpec
    from modelport.model.spec import MethodSpec

__all__ = ["Hand", "Interface", "Local", "Remote", "ServedModel"]

_SECONDS = 5.0


class Local:
    """A variant on the device: loaded when it is first needed, by one thread while others wait."""

    place: Place = "device"

    def __init__(self, item: Item, shelf: Shelf) -> None:
        self.item = item
        self._shelf, self._lock = shelf, Lock()
        self._loaded: Loaded | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it is in memory."""
        return self._loaded is not None

    def load(self, lessons: Lessons) -> tuple[Loaded, float]:
        """Return it in memory, and the seconds that loading took now; the errors are those of `Shelf.load`."""
        with self._lock:
            if self._loaded is not None:
                return self._loaded, 0.0
            loaded = self._shelf.load(self.item)
            lessons.add(self.item.variant, "device", "load", loaded.seconds, self.item.load)
            self._learn_first(loaded, lessons)
            self._loaded = loaded
            return loaded, loaded.seconds

    def _learn_first(self, loaded: Loaded, lessons: Lessons) -> None:
        """Take the time of its first answer where nobody has said anything of its times."""
        known = lessons.spread(self.item.variant, "device", "infer", self.item.infer).known
        if loaded.first is not None and not known:
            example, seconds = loaded.first
            kind = Interface.of(loaded.model.spec).kind(example.method, example.input)
            lessons.add(self.item.variant, "device", "infer", seconds, self.item.infer, kind)

    def adopt(self, other: Local) -> None:
        """Be in memory as *other* is, which is the same package."""
        self._loaded = other._loaded

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


class Remote:
    """A variant on the edge server."""

    place: Place = "server"

    def __init__(self, item: Item, endpoint: Endpoint) -> None:
        self.item, self.endpoint = item, endpoint

    @property
    def is_ready(self) -> bool:
        """Whether it answered when it was asked last."""
        return self.endpoint.up

    def candidate(self, lessons: Lessons, kind: Kind = WHATEVER, _: float | None = None) -> Candidate:
        """Return what is known of it, for calls of a kind: the server does not offer what does not answer."""
        infer = lessons.spread(self.item.variant, "server", "infer", self.item.infer, kind)
        infer = infer if infer.known else Spread(0.0)
        return Candidate(variant=self.item.variant, place="server", infer=infer, stored=self.endpoint.up)


@dataclass(frozen=True, slots=True)
class Interface:
    """A model's signature, with what reads and writes its messages."""

    spec: ModelSpec
    codec: Codec
    answers: Codec

    @classmethod
    def of(cls, spec: ModelSpec) -> Interface:
        """Return the interface of a signature."""
        codec = Codec.bare(spec)
        return cls(spec, codec, lenient(codec))

    def method(self, name: str) -> MethodSpec:
        """Return a method that takes and gives single messages.

        Raises:
            FormatError: There is no such method.
            InputError: It streams.
        """
        method = self.spec.method(name)
        if method.streams:
            raise InputError(f"{name} takes or gives a stream", hint="call it at a service: modelport.connect(url)")
        return method

    def write(self, method: MethodSpec, arguments: object) -> bytes:
        """Return JSON *arguments* as protobuf; raise CallError, naming every misfit, when they do not fit."""
        return self.written(method, arguments)[0]

    def written(self, method: MethodSpec, arguments: object) -> tuple[bytes, Kind]:
        """Return what `write` does, and of what kind it is."""
        exchange = self.codec.exchange()
        native = self.codec.from_json(arguments, method.input, exchange)
        return self.codec.to_bytes(native, method.input, exchange), self._kind(method, native)

    def kind(self, method: str, arguments: object) -> Kind:
        """Return of what kind JSON *arguments* are; raise CallError when they do not fit."""
        one = self.spec.method(method)
        return self._kind(one, self.codec.from_json(arguments, one.input, self.codec.exchange()))

    def _kind(self, method: MethodSpec, native: object) -> Kind:
        for field in self.spec.message(method.input).fields:
            if isinstance(field.type, TensorOf) and field.type.shape and not isinstance(field.type.shape[0], int):
                shape = getattr(getattr(native, field.name), "shape", ())
                return Kind(method.name, shape[0] if shape else 1)
        return Kind(method.name)

    def read(self, method: MethodSpec, body: bytes) -> dict[str, Any]:
        """Return a protobuf answer in JSON form; raise CallError when it is none of the method's."""
        native = self.answers.from_bytes(body, method.output)
        return self.answers.to_json(native, method.output)


@dataclass(slots=True)
class _Kept:
    """What chooses, and what it knows of each variant: the lessons' version, and whether it is ready."""

    selector: Selector
    states: list[tuple[int, bool]]


class ServedModel:
    """A model of the plan: its variants at both places."""

    def __init__(self, name: str, local: Iterable[Local], remote: Iterable[Remote]) -> None:
        self.name = name
        all_of_them: list[Local | Remote] = [*local, *remote]
        self.runners = {(one.item.variant.name, one.place): one for one in all_of_them}
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

    def interface(self, shelf: Shelf) -> Interface:
        """Return the signature: a package's on the device, else what the server says.

        Raises:
            NotFoundError: Nothing is on the device, and no server answers.
        """
        with self._shelf_lock:
            if self._interface is None:
                self._interface = Interface.of(self._spec(shelf))
            return self._interface

    def _spec(self, shelf: Shelf) -> ModelSpec:
        from modelport.client.errors import ServiceError

        if self.local:
            return shelf.package(self.local[0].item).spec
        said = []
        for one in self.remote:
            try:
                return one.endpoint.spec(_SECONDS)
            except ServiceError as error:
                said.append(error.message)
        raise NotFoundError(
            f"no variant of {self.name} is on this device, and no edge server answers:"
            f" {'; '.join(said) or 'none is named'}",
            hint="keep at least one variant on the device, or see to the network",
        )

    def selector(
        self, lessons: Lessons, out: Collection[tuple[str, Place]], kind: Kind = WHATEVER, watts: float | None = None
    ) -> Selector:
        """Return what chooses among all variants but those that are *out*, for calls of a *kind*.

        That among all of them is kept, and told what has changed.
        """
        if out:
            here = [one for key, one in self.runners.items() if key not in out]
            return Selector((one.candidate(lessons, kind, watts) for one in here), explore=True)
        with self._choosing:
            kept = self._kept.get((kind.method, kind.size))
            states = [(lessons.version(one.item.variant), one.is_ready) for one in self.runners.values()]
            if kept is None:
                found = Selector((one.candidate(lessons, kind, watts) for one in self.runners.values()), explore=True)
                kept = self._kept[kind.method, kind.size] = _Kept(found, states)
            elif kept.states != states:
                for one, old, new in zip(self.runners.values(), kept.states, states, strict=True):
                    if old != new:
                        kept.selector.update(one.candidate(lessons, kind, watts))
                kept.states = states
            return kept.selector


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
            NotFoundError: The plan has no such model.
            InputError: It has several, and *name* is None.
        """
        names = ", ".join(self.models) or "none"
        if name is None and len(self.models) != 1:
            raise InputError(f"the plan has several models, or none: {names}", hint="say which one: model=NAME")
        found = next(iter(self.models.values())) if name is None else self.models.get(name)
        if found is None:
            raise NotFoundError(f"the plan has no model {name!r}", hint=f"its models are: {names}")
        return found

    def items(self) -> Iterator[Item]:
        """Yield the variants that the device keeps."""
        for served in self.plan.models.values():
            yield from served.keep

    def take_over(self, old: Hand) -> None:
        """Go on with what *old* has in memory of the same packages, and with what it knows of the server's doors."""
        doors = {one.url: one for one in old.endpoints.values()}
        for endpoint in self.endpoints.values():
            if (known := doors.get(endpoint.url)) is not None:
                endpoint.up, endpoint.answered = known.up, known.answered
        before = {one.item.variant.digest: one for model in old.models.values() for one in model.local}
        for model in self.models.values():
            for one in model.local:
                there = before.get(one.item.variant.digest)
                if there is not None:
                    one.adopt(there)

    def close(self) -> None:
        """Close the connections."""
        for endpoint in self.endpoints.values():
            endpoint.close()
