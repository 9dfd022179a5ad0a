"""Native values <-> protobuf bytes, as the signature says (proto3: https://protobuf.dev/programming-guides/proto3/).

An absent scalar or list is its zero value, as proto3 has it; an absent message or tensor is a misfit, because nothing
says what it would be. Unknown fields are passed over. Bytes are written with ``deterministic=True``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelport.model.arrays import check_array
from modelport.model.exchange import WHOLE, Exchange
from modelport.model.proto import TENSOR_DATA, message_classes, tensor_message
from modelport.model.scalars import INTEGER_RANGES
from modelport.model.spec import FieldType, ListOf, MessageRef, ModelSpec, Scalar, TensorOf

if TYPE_CHECKING:
    import numpy as np

__all__ = ["message_from_bytes", "message_to_bytes"]


def message_from_bytes(data: bytes, name: str, exchange: Exchange) -> Any:
    """Return the native message in *data*; note every misfit in *exchange* (then the result is None)."""
    from google.protobuf.message import DecodeError

    try:
        parsed = message_classes(exchange.spec)[name].FromString(data)
    except DecodeError as error:
        exchange.add(WHOLE, f"is not the protobuf message {exchange.spec.proto_package}.{name}: {error}")
        return None
    return _read(parsed, name, exchange, "")


def message_to_bytes(plain: dict[str, Any], name: str, spec: ModelSpec) -> bytes:
    """Return the protobuf bytes of a normalized message (see `json_form.normalize`)."""
    made = _write(plain, name, spec)
    # Called on the class, here as everywhere: a field may be called SerializeToString.
    return type(made).SerializeToString(made, deterministic=True)  # type: ignore[no-any-return]


def _read(parsed: Any, name: str, exchange: Exchange, path: str) -> Any:
    before = exchange.count
    values = {}
    for one in exchange.spec.message(name).fields:
        where = f"{path}.{one.name}" if path else one.name
        if isinstance(one.type, MessageRef | TensorOf) and not type(parsed).HasField(parsed, one.name):
            exchange.add(where, f"is missing ({one.type})")
        else:
            values[one.name] = _read_value(getattr(parsed, one.name), one.type, exchange, where)
    return exchange.make(name, values, path) if exchange.count == before else None


def _read_value(value: Any, kind: FieldType, exchange: Exchange, path: str) -> Any:
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

    if len(value.shape) != len(kind.shape):
        exchange.add(path, f"has {len(value.shape)} dimensions, {kind} has {len(kind.shape)}")
        return None
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
    try:
        array = flat.astype(kind.dtype).reshape(shape)
    except ValueError:
        exchange.add(path, f"has no elements in a shape too big for any array: {list(shape)}")
        return None
    return array if check_array(array, kind, path, exchange) else None


def _flat(data: Any, kind: TensorOf, exchange: Exchange, path: str) -> np.ndarray[Any, Any] | None:
    import numpy as np

    if kind.dtype in {"int16", "uint16"}:
        # protobuf has no 16-bit scalar: the carrier can hold more than the dtype.
        wide = np.array(data, dtype=np.int64)
        low, high = INTEGER_RANGES[kind.dtype]
        if wide.size and (wide.min() < low or wide.max() > high):
            exchange.add(path, f"has an element outside {low} to {high}, the range of {kind.dtype}")
            return None
    return np.array(data, dtype=kind.dtype)


def _write(plain: dict[str, Any], name: str, spec: ModelSpec) -> Any:
    made = message_classes(spec)[name]()
    for one in spec.message(name).fields:
        value = plain[one.name]
        match one.type:
            case Scalar():
                setattr(made, one.name, value)
            case ListOf(Scalar()):
                getattr(made, one.name).extend(value)
            case ListOf(item):
                getattr(made, one.name).extend([_write_value(v, item, spec) for v in value])
            case inner:
                part = getattr(made, one.name)
                type(part).CopyFrom(part, _write_value(value, inner, spec))
                type(part).SetInParent(part)
    return made


def _write_value(value: Any, kind: FieldType, spec: ModelSpec) -> Any:
    if isinstance(kind, MessageRef):
        return _write(value, kind.name, spec)
    if not isinstance(kind, TensorOf):
        raise TypeError(f"{kind} is neither a message nor a tensor")
    flat = value.astype(value.dtype.newbyteorder("<")).ravel()
    data = flat.tobytes() if TENSOR_DATA[kind.dtype] == "bytes" else flat.tolist()
    return message_classes(spec)[tensor_message(kind.dtype)](shape=value.shape, data=data)
