"""Protobuf bytes -> native values, and plain values (see `native`) -> bytes, as the signature says.

proto3 (https://protobuf.dev/programming-guides/proto3/): an absent number, text, list or map is its zero value; a field
that has a default, or is optional, has that; an absent message or tensor is a misfit, because nothing says what it
would be, and so is an enumeration's 0 that no member has. Unknown fields are passed over. Bytes are written with
``deterministic=True``.

Repeated numbers are read and written as bytes, by classes that say so (`proto.packed_classes`). Their bytes are those
of the classes that anybody else has; what such a class reads another way (unknown fields, or numbers that are not
packed) is first brought into our form by one of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from modelport.model.exchange import WHOLE, Exchange
from modelport.model.json_form import Reader, entry_path, unequal_columns
from modelport.model.kinds import CARRIERS, EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.packed import PACKABLE, pack, unpack
from modelport.model.proto import message_classes, packed_classes, tensor_message
from modelport.model.ranges import range_of
from modelport.model.scalars import scalar_from_carrier
from modelport.model.tensor_wire import tensor_from_message, tensor_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.json_form import JsonReaders
    from modelport.model.kinds import Single
    from modelport.model.members import Members
    from modelport.model.ranges import Range
    from modelport.model.records import Record
    from modelport.model.spec import Field, ModelSpec

__all__ = ["BytesReaders", "BytesWriters"]

_ParsedReader: TypeAlias = Callable[[Any, str, Exchange], Any]


class _OtherFormError(Exception):
    """The bytes are not in the form that we write; which does not mean that they are wrong."""


class BytesReaders:
    """Makes the functions that read protobuf bytes into native values."""

    def __init__(
        self, spec: ModelSpec, records: Mapping[str, Record], members: Mapping[str, Members], defaults: JsonReaders
    ) -> None:
        self._spec = spec
        self._records = records
        self._members = members
        self._defaults = defaults
        self._made: dict[str, _ParsedReader] = {}

    def message(self, name: str) -> Callable[[bytes, Exchange], Any]:
        """Return the function that reads the message *name*."""
        read, parse = self._parsed(name), packed_classes(self._spec)[name].FromString
        anybodys = message_classes(self._spec)[name]

        def read_bytes(data: bytes, exchange: Exchange) -> Any:
            found = exchange.copy()
            try:
                native = read(parse(data), "", found)
            except (DecodeError, _OtherFormError):
                pass
            else:
                exchange.become(found)
                return native
            try:
                message: Any = anybodys.FromString(data)
            except DecodeError as error:
                exchange.add(WHOLE, f"is not the protobuf message {self._spec.proto_package}.{name}: {error}")
                return None
            anybodys.DiscardUnknownFields(message)
            return read(parse(anybodys.SerializeToString(message)), "", exchange)

        return read_bytes

    def _parsed(self, name: str) -> _ParsedReader:
        if name not in self._made:
            self._made[name] = self._message(name)
        return self._made[name]

    def _message(self, name: str) -> _ParsedReader:
        message, record = self._spec.message(name), self._records[name]
        has = packed_classes(self._spec)[name].HasField
        fields = [(f.name, self._field(f), self._absent(f)) for f in message.fields]
        any_packed = any(isinstance(f.type, ListOf) and _is_packed(f.type) for f in message.fields)

        def read(parsed: Any, path: str, exchange: Exchange) -> Any:
            if any_packed and len(UnknownFieldSet(parsed)):
                raise _OtherFormError
            before = exchange.count
            values = {}
            for field_name, read_one, absent in fields:
                where = f"{path}.{field_name}" if path else field_name
                if absent is None or has(parsed, field_name):
                    values[field_name] = read_one(getattr(parsed, field_name), where, exchange)
                else:
                    values[field_name] = absent(where, exchange)
            if message.table and exchange.count == before:
                unequal_columns(values, path, exchange)
            return exchange.make(name, record, values, path) if exchange.count == before else None

        return read

    def _absent(self, field: Field) -> Callable[[str, Exchange], Any] | None:
        """Return what stands for *field* when it is absent, or None if protobuf has a zero value for it."""
        if isinstance(field.type, ListOf | MapOf):
            return None
        if isinstance(field.type, OptionalOf):
            return lambda _path, _exchange: None
        if field.has_default:
            return partial(self._defaults.field(field), field.default)
        if isinstance(field.type, MessageRef | TensorOf):
            return lambda path, exchange: exchange.add(path, f"is missing ({field.type})")
        return None

    def _field(self, field: Field) -> Reader:
        kind, limits = field.type, range_of(field.type, field.about)
        read = self._single(single(kind), limits)
        match kind:
            case ListOf(Scalar(name)) if _is_packed(kind):
                return _packed_reader(name, limits, read)
            case ListOf(Scalar()):
                return lambda value, _path, _exchange: list(value)
            case ListOf():
                return lambda value, path, exchange: [read(v, f"{path}[{i}]", exchange) for i, v in enumerate(value)]
            case MapOf():
                return lambda value, path, exchange: {
                    key: read(value[key], entry_path(path, key), exchange) for key in sorted(value)
                }
            case _:
                return read

    def _single(self, kind: Single, limits: Range | None) -> Reader:
        match kind:
            case Scalar(name):
                return partial(_read_scalar, name, limits) if limits or CARRIERS[name] != name else _as_it_is
            case EnumRef(name):
                return self._members[name].from_number
            case MessageRef(name):
                return self._parsed(name)
            case TensorOf():
                return partial(_read_tensor, kind, limits)


def _is_packed(kind: ListOf) -> bool:
    return isinstance(kind.item, Scalar) and CARRIERS[kind.item.name] in PACKABLE


def _as_it_is(value: Any, _path: str, _exchange: Exchange) -> Any:
    return value


def _read_scalar(name: str, limits: Range | None, value: Any, path: str, exchange: Exchange) -> Any:
    found = scalar_from_carrier(value, name, path, exchange)
    return found if limits is None else limits.check(found, path, exchange)


def _unpacked(chunks: Any, carrier: str) -> list[Any]:
    try:
        return unpack(b"".join(chunks), carrier)
    except (ValueError, DecodeError) as error:
        raise _OtherFormError from error


def _packed_reader(name: str, limits: Range | None, read_one: Reader) -> Reader:
    carrier = CARRIERS[name]

    def read(chunks: Any, path: str, exchange: Exchange) -> Any:
        values = _unpacked(chunks, carrier)
        if carrier == name and (limits is None or limits.holds_all(values)):
            return values
        return [read_one(v, f"{path}[{i}]", exchange) for i, v in enumerate(values)]

    return read


def _read_tensor(kind: TensorOf, limits: Range | None, parsed: Any, path: str, exchange: Exchange) -> Any:
    if len(UnknownFieldSet(parsed)):
        raise _OtherFormError
    try:
        array = tensor_from_message(parsed, kind, path, exchange)
    except (ValueError, DecodeError) as error:
        raise _OtherFormError from error
    if array is None or limits is None:
        return array
    return array if limits.check_array(array, path, exchange) else None


_Filler: TypeAlias = Callable[[Any, Any], None]


class BytesWriters:
    """Makes the functions that write plain values as protobuf bytes."""

    def __init__(self, spec: ModelSpec, members: Mapping[str, Members]) -> None:
        self._spec = spec
        self._members = members
        self._made: dict[str, Callable[[dict[str, Any]], Any]] = {}

    def message(self, name: str) -> Callable[[dict[str, Any]], bytes]:
        """Return the function that writes the message *name*."""
        make = self._message(name)
        # Called on the class, here as everywhere: a field may be called SerializeToString.
        write = packed_classes(self._spec)[name].SerializeToString
        return lambda plain: write(make(plain), deterministic=True)

    def _message(self, name: str) -> Callable[[dict[str, Any]], Any]:
        if name not in self._made:
            kind: Any = packed_classes(self._spec)[name]
            fields = [(f.name, self._filler(f)) for f in self._spec.message(name).fields]

            def make(plain: dict[str, Any]) -> Any:
                made = kind()
                for field, fill in fields:
                    fill(made, plain[field])
                return made

            self._made[name] = make
        return self._made[name]

    def _filler(self, field: Field) -> _Filler:
        """Return the function that puts a plain value into the field of a message."""
        name, kind, inner = field.name, field.type, single(field.type)
        convert = self._converter(inner)
        whole = isinstance(inner, MessageRef | TensorOf)
        match kind:
            case ListOf(Scalar(scalar)) if _is_packed(kind):
                return partial(_fill_packed, name, CARRIERS[scalar])
            case ListOf():
                return lambda made, values: getattr(made, name).extend(
                    values if convert is None else map(convert, values)
                )
            case MapOf() if whole:
                return partial(_fill_map_of_messages, name, convert)
            case MapOf():
                return lambda made, values: getattr(made, name).update(
                    values if convert is None else {key: convert(value) for key, value in values.items()}
                )
            case _ if whole:
                return partial(_fill_message, name, convert)
            case _:
                return partial(_fill_scalar, name, convert)

    def _converter(self, kind: Single) -> Callable[[Any], Any] | None:
        """Return what makes a plain value what protobuf takes; None if it is that already."""
        match kind:
            case Scalar():
                return None
            case EnumRef(name):
                return self._members[name].numbers.__getitem__
            case MessageRef(name):
                return self._message(name)
            case TensorOf(dtype, _):
                made = packed_classes(self._spec)[tensor_message(dtype)]
                return lambda array: made(**tensor_parts(array, dtype))


def _fill_packed(name: str, carrier: str, made: Any, values: list[Any]) -> None:
    if values:
        getattr(made, name).append(pack(values, carrier))


def _fill_scalar(name: str, convert: Callable[[Any], Any] | None, made: Any, value: Any) -> None:
    if value is not None:
        setattr(made, name, value if convert is None else convert(value))


def _fill_message(name: str, convert: Any, made: Any, value: Any) -> None:
    if value is not None:
        part = getattr(made, name)
        type(part).CopyFrom(part, convert(value))
        type(part).SetInParent(part)


def _fill_map_of_messages(name: str, convert: Any, made: Any, values: dict[str, Any]) -> None:
    held = getattr(made, name)
    for key, value in values.items():
        part = held[key]
        type(part).CopyFrom(part, convert(value))
