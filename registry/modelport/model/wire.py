"""Native values <-> protobuf bytes, as the signature says (proto3: https://protobuf.dev/programming-guides/proto3/).

An absent scalar or list is its zero value, as proto3 has it; an absent message or tensor is a misfit, because nothing
says what it would be. Bytes are written with ``deterministic=True``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelport.model.arrays import Exchange, check_array
from modelport.model.proto import TENSOR_DATA, message_classes, tensor_message
from modelport.model.spec import FieldType, ListOf, MessageRef, ModelSpec, Scalar, TensorOf

if TYPE_CHECKING:
    import numpy as np

__all__ = ["message_from_bytes", "message_to_bytes"]


def message_from_bytes(data: bytes, name: str, exchange: Exchange) -> Any:
    """Return the native message in *data*; note every misfit in *exchange* (then the result is None)."""
    from google.protobuf.message import DecodeError

    parsed = message_classes(exchange.spec)[name]()
    try:
        parsed.ParseFromString(data)
    except DecodeError as error:
        exchange.add("(the arguments)", f"are not the protobuf message {exchange.spec.proto_package}.{name}: {error}")
        return None
    return _read(parsed, name, exchange, "")


def message_to_bytes(native: object, name: str, spec: ModelSpec) -> bytes:
    """Return the protobuf bytes of a normalized native message."""
    return _write(native, name, spec).SerializeToString(deterministic=True)  # type: ignore[no-any-return]


def _read(parsed: Any, name: str, exchange: Exchange, path: str) -> Any:
    before = len(exchange.problems)
    values = {}
    for one in exchange.spec.message(name).fields:
        where = f"{path}.{one.name}" if path else one.name
        if isinstance(one.type, MessageRef | TensorOf) and not parsed.HasField(one.name):
            exchange.add(where, f"is missing ({one.type})")
        else:
            values[one.name] = _read_value(getattr(parsed, one.name), one.type, exchange, where)
    return exchange.types[name](**values) if len(exchange.problems) == before else None


def _read_value(
    value: Any,
    kind: FieldType,
    exchange: Exchange,
    path: str,
) -> Any:
    match kind:
        case Scalar():
            return value
        case MessageRef(name):
            return _read(value, name, exchange, path)
        case TensorOf():
            return _read_tensor(value, kind, exchange, path)
        case ListOf(Scalar()):
            return list(value)
        case ListOf(item):
            return [_read_value(v, item, exchange, f"{path}[{i}]") for i, v in enumerate(value)]


def _read_tensor(value: Any, kind: TensorOf, exchange: Exchange, path: str) -> np.ndarray[Any, Any] | None:
    import numpy as np

    shape = tuple(value.shape)
    stored = np.dtype(kind.dtype).newbyteorder("<")
    if TENSOR_DATA[kind.dtype] == "bytes":
        if len(value.data) % stored.itemsize:
            exchange.add(path, f"has {len(value.data)} bytes of data, not whole {kind.dtype} elements")
            return None
        flat = np.frombuffer(value.data, dtype=stored)
    else:
        scalars = _flat(value.data, kind, exchange, path)
        if scalars is None:
            return None
        flat = scalars
    if any(d < 0 for d in shape) or math.prod(shape) != flat.size:
        exchange.add(path, f"has {flat.size} elements, its shape {list(shape)} says {math.prod(shape)}")
        return None
    array = flat.astype(kind.dtype).reshape(shape)
    return array if check_array(array, kind, path, exchange) else None


def _flat(data: Any, kind: TensorOf, exchange: Exchange, path: str) -> np.ndarray[Any, Any] | None:
    import numpy as np

    if kind.dtype in {"int16", "uint16"}:
        # protobuf has no 16-bit scalar: the carrier can hold more than the dtype.
        wide = np.array(data, dtype=np.int64)
        limits = np.iinfo(kind.dtype)
        if wide.size and (wide.min() < limits.min or wide.max() > limits.max):
            exchange.add(path, f"has an element outside {limits.min} to {limits.max}, the range of {kind.dtype}")
            return None
    return np.array(data, dtype=kind.dtype)


def _write(native: object, name: str, spec: ModelSpec) -> Any:
    made = message_classes(spec)[name]()
    for one in spec.message(name).fields:
        value = getattr(native, one.name)
        match one.type:
            case Scalar():
                setattr(made, one.name, value)
            case ListOf(Scalar()):
                getattr(made, one.name).extend(value)
            case ListOf(item):
                getattr(made, one.name).extend([_write_value(v, item, spec) for v in value])
            case inner:
                part = getattr(made, one.name)
                part.CopyFrom(_write_value(value, inner, spec))
                part.SetInParent()
    return made


def _write_value(value: Any, kind: FieldType, spec: ModelSpec) -> Any:
    if isinstance(kind, MessageRef):
        return _write(value, kind.name, spec)
    if not isinstance(kind, TensorOf):
        raise TypeError(f"{kind} is neither a message nor a tensor")
    flat = value.astype(value.dtype.newbyteorder("<")).ravel()
    data = flat.tobytes() if TENSOR_DATA[kind.dtype] == "bytes" else flat.tolist()
    return message_classes(spec)[tensor_message(kind.dtype)](shape=value.shape, data=data)
