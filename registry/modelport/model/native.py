"""A native value -> its plain form: dictionaries, lists, Python scalars, members' names and arrays.

JSON and protobuf are written from the plain form. A function may give what its signature does not literally say, where
nothing is lost: a NumPy array for a list, as in the Acumos paper's listing, a column of a data frame, NumPy's scalars.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from modelport.model.arrays import array_from_native
from modelport.model.exchange import WHOLE, Exchange
from modelport.model.json_form import entry_path, unequal_columns
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.ordinary import native_list
from modelport.model.records import UnfitError
from modelport.model.scalars import scalar_from_native, text, with_article

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.model.json_form import Reader
    from modelport.model.kinds import FieldType, Single
    from modelport.model.members import Members
    from modelport.model.records import Record
    from modelport.model.spec import ModelSpec

__all__ = ["Plainers"]

_NO_LISTS = (str, bytes, bytearray, memoryview, Mapping, AbstractSet)


class Plainers:
    """Makes the functions that turn native values into plain ones."""

    def __init__(self, spec: ModelSpec, records: Mapping[str, Record], members: Mapping[str, Members]) -> None:
        self._spec = spec
        self._records = records
        self._members = members
        self._made: dict[str, Reader] = {}

    def message(self, name: str) -> Reader:
        """Return the function for the message *name*."""
        if name not in self._made:
            self._made[name] = self._message(name)
        return self._made[name]

    def _message(self, name: str) -> Reader:
        message, record = self._spec.message(name), self._records[name]
        fields = [(f.name, _getter(record, f.name), self._field(f.type)) for f in message.fields]

        def read(native: Any, path: str, exchange: Exchange) -> dict[str, Any] | None:
            if not isinstance(native, record.kind):
                exchange.add(path or WHOLE, f"is {with_article(type(native).__name__)}, not {with_article(name)}")
                return None
            before = exchange.count
            plain = {}
            for field, get, read_one in fields:
                where = f"{path}.{field}" if path else field
                try:
                    value = get(native)
                except UnfitError as error:
                    exchange.add(where, str(error))
                    continue
                except Exception as error:  # noqa: BLE001 - the class is the user's, and its value may be half made
                    exchange.add(where, f"cannot be read: {type(error).__name__}: {error}")
                    continue
                plain[field] = read_one(value, where, exchange)
            if message.table and exchange.count == before:
                unequal_columns(plain, path, exchange)
            return plain

        return read

    def _field(self, kind: FieldType) -> Reader:
        read = self._single(single(kind))
        match kind:
            case ListOf():
                return partial(_list, kind, read)
            case MapOf():
                return partial(_map, kind, read)
            case OptionalOf():
                return lambda value, path, exchange: None if value is None else read(value, path, exchange)
            case _:
                return read

    def _single(self, kind: Single) -> Reader:
        match kind:
            case Scalar(name):
                return lambda value, path, exchange: scalar_from_native(value, name, path, exchange)
            case EnumRef(name):
                return self._members[name].from_native
            case MessageRef(name):
                return self.message(name)
            case TensorOf():
                return lambda value, path, exchange: array_from_native(value, kind, path, exchange)


def _getter(record: Record, field: str) -> Callable[[Any], Any]:
    return attrgetter(field) if record.get is getattr else lambda native: record.get(native, field)


def _list(kind: ListOf, read: Reader, value: Any, path: str, exchange: Exchange) -> list[Any] | None:
    found = None
    if isinstance(kind.item, Scalar):
        found = native_list(value, kind.item.name)
        if found is None and getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist"):
            value = value.tolist()
            found = native_list(value, kind.item.name)
    if found is not None:
        return found
    ordered = hasattr(value, "__len__") and hasattr(value, "__iter__") and getattr(value, "ndim", None) != 0
    if not ordered or isinstance(value, _NO_LISTS):
        exchange.add(path, f"is {with_article(type(value).__name__)}, not a {kind}")
        return None
    return [read(v, f"{path}[{i}]", exchange) for i, v in enumerate(value)]


def _map(kind: MapOf, read: Reader, value: Any, path: str, exchange: Exchange) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        exchange.add(path, f"is {with_article(type(value).__name__)}, not a {kind}")
        return None
    plain = {}
    for key, one in value.items():
        where = entry_path(path, key)
        if not isinstance(key, str):
            exchange.add(where, f"has a {type(key).__name__} for a key, not text")
        elif text(str.__str__(key), where, exchange) is not None:
            plain[str.__str__(key)] = read(one, where, exchange)
    return plain
