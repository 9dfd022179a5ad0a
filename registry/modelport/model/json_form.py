"""Native values <-> their JSON form, as the signature says.

The mapping is our own: a missing or an unknown field is an error that names it; scalars are as `scalars` says; a tensor
is nested lists. All misfits of a call are found at once. How deep a document may be nested is for whoever parses its
text: nothing here follows it deeper than the signature goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from modelport.model.arrays import array_from_json, array_from_native, array_to_json
from modelport.model.exchange import WHOLE, Exchange, join
from modelport.model.scalars import json_kind, scalar_from_json, scalar_from_native, scalar_to_json
from modelport.model.spec import FieldType, ListOf, MessageRef, ModelSpec, Scalar, TensorOf

if TYPE_CHECKING:
    from typing import TypeAlias

    Plain: TypeAlias = dict[str, Any]

__all__ = ["JSON_MAPPING", "message_from_json", "message_to_json", "normalize"]

JSON_MAPPING = "modelport/json/1"
"""The version of this mapping, which packages and services say."""


def message_from_json(document: object, name: str, exchange: Exchange, path: str = "") -> Any:
    """Return the native message in *document*; note every misfit in *exchange* (then the result is None)."""
    fields = exchange.spec.message(name).fields
    before = exchange.count
    if not isinstance(document, dict):
        exchange.add(path or WHOLE, f"is {json_kind(document)}, not an object with {name}'s fields")
        return None
    values = {}
    for one in fields:
        where = f"{path}.{one.name}" if path else one.name
        if one.name not in document:
            exchange.add(where, f"is missing ({one.type})")
        else:
            values[one.name] = _value_from_json(document[one.name], one.type, exchange, where)
    if len(values) < len(document):
        known = [f.name for f in fields]
        for extra in sorted(map(str, set(document) - set(known))):
            exchange.add(join(path, extra[:128]), f"{name} has no such field; it has {', '.join(known) or 'none'}")
    return exchange.make(name, values, path) if exchange.count == before else None


def message_to_json(plain: Plain, name: str, spec: ModelSpec) -> Plain:
    """Return the JSON form of a normalized message (see :func:`normalize`)."""
    return {one.name: _value_to_json(plain[one.name], one.type, spec) for one in spec.message(name).fields}


def normalize(native: object, name: str, exchange: Exchange, path: str = "") -> Plain:
    """Return the fields of *native* as the signature says them: dictionaries, lists, Python scalars, arrays.

    A function may put a NumPy array where its signature says a list, as in the Acumos paper's listing. Every misfit is
    noted in *exchange* (then the result means nothing).
    """
    if not isinstance(native, exchange.records[name].kind):
        exchange.add(path or WHOLE, f"is a {type(native).__name__}, not a {name}")
        return {}
    get = exchange.records[name].get
    return {
        one.name: _normalize_value(
            get(native, one.name), one.type, exchange, f"{path}.{one.name}" if path else one.name
        )
        for one in exchange.spec.message(name).fields
    }


def _value_from_json(value: object, kind: FieldType, exchange: Exchange, path: str) -> Any:
    match kind:
        case Scalar(name):
            return scalar_from_json(value, name, path, exchange)
        case TensorOf():
            return array_from_json(value, kind, path, exchange)
        case MessageRef(name):
            return message_from_json(value, name, exchange, path)
        case ListOf(item):
            if not isinstance(value, list):
                exchange.add(path, f"is {json_kind(value)}, not a {kind}")
                return None
            return [_value_from_json(v, item, exchange, f"{path}[{i}]") for i, v in enumerate(value)]


def _normalize_value(value: Any, kind: FieldType, exchange: Exchange, path: str) -> Any:
    match kind:
        case Scalar(name):
            return scalar_from_native(value, name, path, exchange)
        case MessageRef(name):
            return normalize(value, name, exchange, path)
        case TensorOf():
            return array_from_native(value, kind, path, exchange)
        case ListOf(item):
            return _normalize_list(value, item, exchange, path)


def _normalize_list(value: Any, item: FieldType, exchange: Exchange, path: str) -> list[Any] | None:
    if isinstance(item, Scalar) and getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist"):
        value = value.tolist()
    ordered = hasattr(value, "__len__") and hasattr(value, "__iter__") and getattr(value, "ndim", None) != 0
    if not ordered or isinstance(value, str | bytes | bytearray | memoryview | Mapping | AbstractSet):
        exchange.add(path, f"is a {type(value).__name__}, not a {ListOf(item)}")
        return None
    return [_normalize_value(v, item, exchange, f"{path}[{i}]") for i, v in enumerate(value)]


def _value_to_json(value: Any, kind: FieldType, spec: ModelSpec) -> Any:
    match kind:
        case Scalar(name):
            return scalar_to_json(value, name)
        case MessageRef(name):
            return message_to_json(value, name, spec)
        case TensorOf():
            return array_to_json(value)
        case ListOf(item):
            return [_value_to_json(v, item, spec) for v in value]
