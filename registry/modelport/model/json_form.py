"""Native values <-> their JSON form, as the signature says.

The mapping is our own: a missing or an unknown field is an error that names it; 64-bit integers are numbers and are
accepted as strings too; bytes are base64 (RFC 4648, section 4); NaN and the infinities are the strings of the protobuf
JSON mapping; a tensor is nested lists. All misfits of a call are found at once.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
import numbers
import operator
import struct
from typing import Any

from modelport.model.arrays import SPECIAL_FLOATS, Exchange, array_from_json, array_to_json, check_array
from modelport.model.spec import FieldType, ListOf, MessageRef, ModelSpec, Scalar, TensorOf

__all__ = ["INTEGER_RANGES", "message_from_json", "message_to_json", "normalize"]

INTEGER_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
_EXACT = 2**53


def message_from_json(document: object, name: str, exchange: Exchange, path: str = "") -> Any:
    """Return the native message in *document*; note every misfit in *exchange* (then the result is None)."""
    message = exchange.spec.message(name)
    before = len(exchange.problems)
    if not isinstance(document, dict):
        exchange.add(path or "(the arguments)", f"is {_json_kind(document)}, not an object with {name}'s fields")
        return None
    known = {f.name: f for f in message.fields}
    for extra in sorted(set(document) - set(known), key=str):
        exchange.add(_join(path, str(extra)), f"{name} has no such field; it has {', '.join(known) or 'none'}")
    values = {}
    for one in message.fields:
        where = _join(path, one.name)
        if one.name not in document:
            exchange.add(where, f"is missing ({one.type})")
        else:
            values[one.name] = _value_from_json(document[one.name], one.type, exchange, where)
    return exchange.types[name](**values) if len(exchange.problems) == before else None


def message_to_json(native: object, name: str, spec: ModelSpec) -> dict[str, Any]:
    """Return the JSON form of a normalized native message (see :func:`normalize`)."""
    return {one.name: _value_to_json(getattr(native, one.name), one.type, spec) for one in spec.message(name).fields}


def normalize(native: object, name: str, exchange: Exchange, path: str = "") -> Any:
    """Return *native* with every field as the signature says it: lists, Python numbers, arrays.

    A function may put a NumPy array where its signature says a list, as in the Acumos paper's listing. Every misfit is
    noted in *exchange* (then the result is None).
    """
    kind = exchange.types[name]
    if not isinstance(native, kind):
        exchange.add(path or "(the answer)", f"is a {type(native).__name__}, not a {name}")
        return None
    before = len(exchange.problems)
    values = {
        one.name: _normalize_value(getattr(native, one.name), one.type, exchange, _join(path, one.name))
        for one in exchange.spec.message(name).fields
    }
    return kind(**values) if len(exchange.problems) == before else None


def _value_from_json(value: object, kind: FieldType, exchange: Exchange, path: str) -> Any:
    match kind:
        case Scalar(name):
            return _scalar_from_json(value, name, path, exchange)
        case TensorOf():
            return array_from_json(value, kind, path, exchange)
        case MessageRef(name):
            return message_from_json(value, name, exchange, path)
        case ListOf(item):
            if not isinstance(value, list):
                exchange.add(path, f"is {_json_kind(value)}, not a {kind}")
                return None
            return [_value_from_json(v, item, exchange, f"{path}[{i}]") for i, v in enumerate(value)]


def _scalar_from_json(value: object, name: str, path: str, exchange: Exchange) -> object:
    if name in INTEGER_RANGES:
        return _integer_from_json(value, name, path, exchange)
    if name in {"double", "float"}:
        return _float_from_json(value, name, path, exchange)
    if name == "bool" and isinstance(value, bool):
        return value
    if name == "string" and isinstance(value, str):
        return _text(value, path, exchange)
    if name == "bytes" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            exchange.add(path, "is not base64 (RFC 4648, with padding)")
            return None
    exchange.add(path, f"is {_json_kind(value)}, not a {name}" + (" (as a base64 string)" if name == "bytes" else ""))
    return None


def _integer_from_json(value: object, name: str, path: str, exchange: Exchange) -> int | None:
    low, high = INTEGER_RANGES[name]
    if isinstance(value, str) and name.endswith("64") and len(value) <= 20:  # noqa: PLR2004 - digits of -2**63
        with contextlib.suppress(ValueError):  # it stays a string and is refused below
            value = int(value) if value.isascii() and "_" not in value and value.strip() == value else value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        exchange.add(path, f"is {_json_kind(value)}, not a whole number ({name})")
        return None
    if not low <= value <= high:
        exchange.add(path, f"is outside {low} to {high}, the range of {name}")
        return None
    return value


def _float_from_json(value: object, name: str, path: str, exchange: Exchange) -> float | None:
    if isinstance(value, str) and value in SPECIAL_FLOATS:
        return SPECIAL_FLOATS[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        exchange.add(path, f"is {_json_kind(value)}, not a number ({name})")
        return None
    return _rounded(value, name, path, exchange)


def _rounded(value: float, name: str, path: str, exchange: Exchange) -> float | None:
    """Return *value* as the float that protobuf would carry: a ``float`` has 32 bits."""
    try:
        number = float(value)
        if name == "float":
            number = float(struct.unpack("<f", struct.pack("<f", number))[0])
    except (OverflowError, struct.error):
        exchange.add(path, f"is beyond the range of {name}")
        return None
    return number


def _normalize_value(
    value: Any,
    kind: FieldType,
    exchange: Exchange,
    path: str,
) -> Any:
    match kind:
        case Scalar(name):
            return _normalize_scalar(value, name, path, exchange)
        case MessageRef(name):
            return normalize(value, name, exchange, path)
        case TensorOf():
            import numpy as np

            array = np.asarray(value)
            if array.dtype.name != kind.dtype and array.dtype.kind in "biuf" and np.can_cast(array.dtype, kind.dtype):
                array = array.astype(kind.dtype)
            return array if check_array(array, kind, path, exchange) else None
        case ListOf(item):
            value = value.tolist() if hasattr(value, "tolist") and isinstance(item, Scalar) else value
            if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
                exchange.add(path, f"is a {type(value).__name__}, not a {kind}")
                return None
            return [_normalize_value(v, item, exchange, f"{path}[{i}]") for i, v in enumerate(value)]


def _normalize_scalar(value: Any, name: str, path: str, exchange: Exchange) -> object:
    truth = isinstance(value, bool) or type(value).__name__ in {"bool_", "bool"}
    if name == "bool" and truth:
        return bool(value)
    if name in {"double", "float"} and isinstance(value, numbers.Real) and not truth:
        return _rounded(float(value), name, path, exchange)
    if name in INTEGER_RANGES and hasattr(value, "__index__") and not truth:
        return _integer_from_json(operator.index(value), name, path, exchange)
    if name == "string" and isinstance(value, str):
        return _text(str(value), path, exchange)
    if name == "bytes" and isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    exchange.add(path, f"is a {type(value).__name__}, not a {name}")
    return None


def _value_to_json(value: Any, kind: FieldType, spec: ModelSpec) -> Any:
    match kind:
        case Scalar(name):
            return _scalar_to_json(value, name)
        case MessageRef(name):
            return message_to_json(value, name, spec)
        case TensorOf():
            return array_to_json(value)
        case ListOf(item):
            return [_value_to_json(v, item, spec) for v in value]


def _scalar_to_json(value: Any, name: str) -> object:
    if name in {"double", "float"}:
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return _shortest(value) if name == "float" else value
    return base64.b64encode(value).decode() if name == "bytes" else value


def _shortest(value: float) -> float:
    """Return the float with the fewest digits that is the same 32-bit float."""
    for digits in range(6, 10):
        short = float(f"{value:.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", value):
            return short
    return value


def _text(value: str, path: str, exchange: Exchange) -> str | None:
    try:
        value.encode()
    except UnicodeEncodeError:
        exchange.add(path, "is not Unicode text: it holds half of a surrogate pair")
        return None
    return value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")
