"""The codec: a message of a signature in its native, its JSON and its protobuf form."""

from __future__ import annotations

import keyword
import types
from collections import namedtuple
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.model.exchange import Exchange
from modelport.model.json_form import JsonReaders
from modelport.model.members import Members
from modelport.model.native import Plainers
from modelport.model.quick import json_reader, json_writer
from modelport.model.records import Record
from modelport.model.to_json import JsonWriters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import Enum

    from modelport.model.json_form import Reader
    from modelport.model.quick import Quick
    from modelport.model.spec import Field, Message, MethodSpec, ModelSpec
    from modelport.model.to_json import Writer

__all__ = ["Codec", "Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """How one method's arguments and answers pass in one form: first quickly, then explained (see `quick`)."""

    quick_read: Quick
    quick_write: Quick
    read: Callable[[Any, str, Exchange], Any]
    write: Callable[[Any, str, Exchange], Any]


@dataclass(frozen=True, slots=True, repr=False)
class Codec:
    """Reads and writes the messages of one signature, with a Python class for each.

    Without a model's own classes (:meth:`bare`) it serves a client that only has the signature. What reads and writes
    a message is made when it is first needed.

    Attributes:
        spec: The signature.
        records: The Python side of each message.
        enums: The Python class of each enumeration; a member of one without is its name.
    """

    spec: ModelSpec
    records: Mapping[str, Record]
    enums: Mapping[str, type[Enum]] = field(default_factory=dict)
    _ways: _Ways = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ways", _Ways(self.spec, self.records, self.enums))

    def __repr__(self) -> str:
        # A signature is long, and says less than its name.
        return f"Codec({self.spec.proto_package!r})"

    @property
    def types(self) -> dict[str, type]:
        """The Python class of each message."""
        return {name: record.kind for name, record in self.records.items()}

    @classmethod
    def bare(cls, spec: ModelSpec) -> Codec:
        """Return a codec whose messages are plain named tuples, and whose enumerations' members are their names."""
        return cls(spec, {m.name: Record.of_class(_plain_class(m)) for m in spec.messages})

    def exchange(self) -> Exchange:
        """Return a fresh exchange, to be shared by the two directions of one call."""
        return Exchange()

    def misfits(self, value: object, field: Field, path: str) -> list[str]:
        """Return why *value*, which stands at *path*, is not the JSON form of a value of *field*."""
        found = Exchange()
        self._ways.field(field)(value, path, found)
        return found.problems

    def native(self, value: object, field: Field) -> Any:
        """Return the native value of *field* whose JSON form *value* is; raise CallError with every misfit."""
        found = Exchange()
        native = self._ways.field(field)(value, field.name, found)
        found.settle()
        return native

    def from_json(self, document: object, message: str, exchange: Exchange | None = None) -> Any:
        """Return the native message; raise CallError with every misfit."""
        found = exchange or Exchange()
        read = self._ways.from_json(message)
        native = read(document, "", found)
        if found.guessed and not found.count:
            # A later field may have told the size: now it is known from the beginning.
            native = read(document, "", found)
        found.settle()
        return native

    def to_json(self, native: object, message: str, exchange: Exchange | None = None) -> dict[str, Any]:
        """Return the JSON form of a native message; raise CallError with every misfit."""
        plain = self.plain(native, message, exchange)
        return self._ways.to_json(message)(plain)  # type: ignore[no-any-return]

    def from_bytes(self, data: bytes, message: str, exchange: Exchange | None = None) -> Any:
        """Return the native message in protobuf bytes; raise CallError with every misfit."""
        found = exchange or Exchange()
        native = self._ways.from_bytes(message)(data, found)
        found.settle()
        return native

    def to_bytes(self, native: object, message: str, exchange: Exchange | None = None) -> bytes:
        """Return the protobuf bytes of a native message; raise CallError with every misfit."""
        plain = self.plain(native, message, exchange)
        return self.plain_to_bytes(plain, message)

    def plain(self, native: object, message: str, exchange: Exchange | None = None) -> Any:
        """Return the plain form (see `native`) of a native message; raise CallError with every misfit."""
        found = exchange or Exchange()
        plain = self._ways.plain(message)(native, "", found)
        found.settle()
        return plain

    def plain_to_bytes(self, plain: object, message: str) -> bytes:
        """Return the protobuf bytes of a message in its plain form."""
        return self._ways.to_bytes(message)(plain)  # type: ignore[no-any-return]

    def json_way(self, method: MethodSpec) -> Way:
        """Return how JSON arguments and answers of *method* pass."""
        read, write = self._ways.quick_json(method)
        return Way(read, write, self.from_json, self.to_json)

    def bytes_way(self, method: MethodSpec) -> Way:
        """Return how protobuf arguments and answers of *method* pass."""
        read, write = self._ways.quick_bytes(method)
        return Way(read, write, self.from_bytes, self.to_bytes)


def _quick_wire() -> Any:
    from modelport.model import quick_wire

    return quick_wire


def _wire() -> Any:
    from modelport.model import wire

    return wire


_QuickWays: TypeAlias = "Callable[[MethodSpec], tuple[Quick, Quick]]"


class _Ways:
    """The functions between the forms of each message, made when first asked for."""

    def __init__(self, spec: ModelSpec, records: Mapping[str, Record], enums: Mapping[str, type[Enum]]) -> None:
        members = {e.name: Members(e, enums.get(e.name)) for e in spec.enums}
        readers = JsonReaders(spec, records, members)
        self.field: Callable[[Field], Reader] = readers.field
        self.from_json: Callable[[str], Reader] = readers.message
        self.to_json: Callable[[str], Writer] = JsonWriters(spec).message
        self.plain: Callable[[str], Reader] = Plainers(spec, records, members).message
        self.quick_json: _QuickWays = lambda method: (
            json_reader(spec.message(method.input), records[method.input], members),
            json_writer(spec.message(method.output), records[method.output]),
        )
        self.quick_bytes: _QuickWays = lambda method: (
            _quick_wire().bytes_reader(spec.message(method.input), records[method.input]),
            _quick_wire().bytes_writer(spec.message(method.output), records[method.output]),
        )
        # protobuf takes a while to import, and JSON does without it.
        self.from_bytes = cache(lambda name: _wire().BytesReaders(spec, records, members, readers).message(name))
        self.to_bytes = cache(lambda name: _wire().BytesWriters(spec, members).message(name))


def _plain_class(message: Message) -> type:
    names = [f.name for f in message.fields]
    if any(keyword.iskeyword(n) for n in (message.name, *names)):
        # Another language's model may call a field `class`: a named tuple cannot, getattr() and ** can.
        return types.new_class(message.name, (types.SimpleNamespace,))
    return namedtuple(message.name, names)  # noqa: PYI024 - the fields are known only now
