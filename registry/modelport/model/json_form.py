"""A message's JSON form -> its native value, as the signature says; `to_json` is the way back.

The mapping is our own: a missing or an unknown field is an error that names it; scalars are as `scalars` says; a member
of an enumeration is its name; a tensor is nested lists; an optional field without a value is null, or absent. All
misfits of a call are found at once. How deep a document may be nested is for whoever parses its text: nothing here
follows it deeper than the signature goes.

Each message becomes a function, once. Lists of ordinary values go through it in one go (`ordinary`), others one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from modelport.model.arrays import array_from_json
from modelport.model.exchange import WHOLE, Exchange, join
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.ordinary import ordinary_list
from modelport.model.ranges import range_of
from modelport.model.scalars import json_kind, scalar_from_json, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.kinds import Single
    from modelport.model.members import Members
    from modelport.model.ranges import Range
    from modelport.model.records import Record
    from modelport.model.spec import Field, ModelSpec

__all__ = ["JSON_MAPPING", "JsonReaders", "Reader", "all_at_once", "entry_path", "unequal_columns"]

JSON_MAPPING = "modelport/json/1"
"""The version of this mapping, which packages and services say."""

Reader: TypeAlias = Callable[[Any, str, Exchange], Any]
"""Turns a value at a path into another form; a misfit is noted in the exchange, and the result is None then."""

_Quick: TypeAlias = Callable[[list[Any]], "list[Any] | None"]
"""Turns all values of a list at once; None says that they must be gone through."""

_MISSING: Final = object()


class JsonReaders:
    """Makes the functions that read JSON forms into native values."""

    def __init__(self, spec: ModelSpec, records: Mapping[str, Record], members: Mapping[str, Members]) -> None:
        self._spec = spec
        self._records = records
        self._members = members
        self._made: dict[str, Reader] = {}

    def message(self, name: str) -> Reader:
        """Return the function that reads the message *name*."""
        if name not in self._made:
            self._made[name] = self._message(name)
        return self._made[name]

    def _message(self, name: str) -> Reader:
        message, record = self._spec.message(name), self._records[name]
        fields = [(f.name, _absent(f), self.field(f), f.type) for f in message.fields]
        known = frozenset(f.name for f in message.fields)

        def read(document: Any, path: str, exchange: Exchange) -> Any:
            if not isinstance(document, dict):
                exchange.add(path or WHOLE, f"is {json_kind(document)}, not an object with {name}'s fields")
                return None
            before = exchange.count
            values = {}
            for field, absent, read_one, kind in fields:
                value = document.get(field, absent)
                where = f"{path}.{field}" if path else field
                if value is _MISSING:
                    exchange.add(where, f"is missing ({kind})")
                else:
                    values[field] = read_one(value, where, exchange)
            if not document.keys() <= known:
                listed = ", ".join(f.name for f in message.fields) or "none"
                for extra in sorted(map(str, document.keys() - known)):
                    exchange.add(join(path, extra[:128]), f"{name} has no such field; it has {listed}")
            if message.table and exchange.count == before:
                unequal_columns(values, path, exchange)
            return exchange.make(name, record, values, path) if exchange.count == before else None

        return read

    def field(self, field: Field) -> Reader:
        """Return the function that reads the value of *field*."""
        kind, limits = field.type, range_of(field.type, field.about)
        inner = single(kind)
        read = self._single(inner, limits)
        match kind:
            case ListOf():
                return _list_reader(kind, read, all_at_once(inner, self._members, limits))
            case MapOf():
                return _map_reader(kind, read, all_at_once(inner, self._members, limits))
            case OptionalOf():
                return lambda value, path, exchange: None if value is None else read(value, path, exchange)
            case _:
                return read

    def _single(self, kind: Single, limits: Range | None) -> Reader:
        match kind:
            case Scalar(name):
                return _scalar_reader(name, limits)
            case EnumRef(name):
                return self._members[name].from_json
            case MessageRef(name):
                return self.message(name)
            case TensorOf():
                return _tensor_reader(kind, limits)


def unequal_columns(values: Mapping[str, Any], path: str, exchange: Exchange) -> None:
    """Note that the columns of a table differ in length, if they do."""
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        exchange.add(path or WHOLE, f"columns differ in length: {told}")


def entry_path(path: str, key: object) -> str:
    """Return the path of the entry *key* in the map at *path*."""
    return f"{path}[{json.dumps(str(key)[:128], ensure_ascii=False)}]"


def _scalar_reader(name: str, limits: Range | None) -> Reader:
    def read(value: Any, path: str, exchange: Exchange) -> Any:
        return scalar_from_json(value, name, path, exchange)

    def read_within(value: Any, path: str, exchange: Exchange) -> Any:
        return limits.check(scalar_from_json(value, name, path, exchange), path, exchange)  # type: ignore[union-attr]  # only made with limits

    return read if limits is None else read_within


def _absent(field: Field) -> Any:
    """Return the JSON form that an absent *field* has."""
    if field.has_default:
        return field.default
    return None if isinstance(field.type, OptionalOf) else _MISSING


def all_at_once(kind: Single, members: Mapping[str, Members], limits: Range | None) -> _Quick:
    """Return the quick way for a list: the native values, or None where they must be gone through."""
    if isinstance(kind, EnumRef):
        natives = members[kind.name].natives

        def choose(values: list[Any]) -> list[Any] | None:
            try:
                return [natives[value] for value in values]
            except (KeyError, TypeError):
                return None

        return choose
    if not isinstance(kind, Scalar) or kind.name == "bytes":  # which are text in JSON
        return lambda _: None
    name = kind.name
    if limits is None:
        return lambda values: ordinary_list(values, name)

    def within(values: list[Any]) -> list[Any] | None:
        found = ordinary_list(values, name)
        return found if found is not None and limits.holds_all(found) else None

    return within


def _list_reader(kind: ListOf, read_one: Reader, all_at_once: _Quick) -> Reader:
    def read(value: Any, path: str, exchange: Exchange) -> Any:
        if not isinstance(value, list):
            exchange.add(path, f"is {json_kind(value)}, not a {kind}")
            return None
        found = all_at_once(value)
        return found if found is not None else [read_one(v, f"{path}[{i}]", exchange) for i, v in enumerate(value)]

    return read


def _map_reader(kind: MapOf, read_one: Reader, all_at_once: _Quick) -> Reader:
    def read(value: Any, path: str, exchange: Exchange) -> Any:
        if not isinstance(value, dict):
            exchange.add(path, f"is {json_kind(value)}, not an object, a {kind}")
            return None
        if ordinary_list(list(value), "string") is None and not _keys_fit(value, path, exchange):
            return None
        found = all_at_once(list(value.values()))
        if found is not None:
            return dict(zip(value, found, strict=True))
        return {key: read_one(one, entry_path(path, key), exchange) for key, one in value.items()}

    return read


def _keys_fit(value: dict[Any, Any], path: str, exchange: Exchange) -> bool:
    before = exchange.count
    for key in value:
        if isinstance(key, str):
            text(key, entry_path(path, key), exchange)
        else:
            exchange.add(entry_path(path, key), f"has {json_kind(key)} for a key, not a string")
    return exchange.count == before


def _tensor_reader(kind: TensorOf, limits: Range | None) -> Reader:
    def read(value: Any, path: str, exchange: Exchange) -> Any:
        array = array_from_json(value, kind, path, exchange)
        held = array is None or limits is None or limits.check_array(array, path, exchange)
        return array if held else None

    return read
