"""Tensors in protobuf: the shape and the elements of a ``Tensor<Dtype>`` message <-> a NumPy array.

Repeated numbers are bytes here, in their packed form: see `wire`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelport.model.arrays import check_array
from modelport.model.packed import pack, unpack
from modelport.model.proto import TENSOR_DATA
from modelport.model.scalars import INTEGER_RANGES

if TYPE_CHECKING:
    import numpy as np

    from modelport.model.exchange import Exchange
    from modelport.model.spec import TensorOf

__all__ = ["tensor_from_message", "tensor_parts"]

_SMALL = 128  # such a number is one byte of a packed field


def tensor_from_message(parsed: Any, kind: TensorOf, path: str, exchange: Exchange) -> np.ndarray[Any, Any] | None:
    """Return the array in a tensor message, or note why there is none and return None.

    Raises:
        ValueError: The elements are not in packed form; or protobuf's DecodeError, for the same reason.
    """
    shape = tuple(parsed.shape)
    flat = _elements(parsed, kind, path, exchange)
    if len(shape) != len(kind.shape):
        exchange.add(path, f"has {len(shape)} dimensions, {kind} has {len(kind.shape)}")
        return None
    if flat is None:
        return None
    if any(d < 0 for d in shape) or math.prod(shape) != flat.size:
        exchange.add(path, f"has {flat.size} elements, its shape {list(shape)} says {math.prod(shape)}")
        return None
    try:
        array = flat.reshape(shape)
    except ValueError:
        exchange.add(path, f"has no elements in a shape too big for any array: {list(shape)}")
        return None
    return array if check_array(array, kind, path, exchange) else None


def tensor_parts(array: np.ndarray[Any, Any], dtype: str) -> dict[str, Any]:
    """Return the fields of the message that carries *array*, by name."""
    flat = array.astype(array.dtype.newbyteorder("<")).ravel()
    carrier = TENSOR_DATA[dtype]
    if carrier == "bytes":
        return {"shape": array.shape, "data": flat.tobytes()}
    if not flat.size:
        return {"shape": array.shape}
    if carrier in {"float", "double"}:
        return {"shape": array.shape, "data": [flat.tobytes()]}
    small = dtype == "bool" or (flat.min() >= 0 and flat.max() < _SMALL)
    return {"shape": array.shape, "data": [flat.astype("u1").tobytes() if small else pack(flat.tolist(), carrier)]}


def _elements(parsed: Any, kind: TensorOf, path: str, exchange: Exchange) -> np.ndarray[Any, Any] | None:
    import numpy as np

    carrier = TENSOR_DATA[kind.dtype]
    data = parsed.data if carrier == "bytes" else b"".join(parsed.data)
    if carrier in {"bytes", "float", "double"}:
        stored = np.dtype(kind.dtype).newbyteorder("<")
        if carrier == "bytes" and len(data) % stored.itemsize:
            exchange.add(path, f"has {len(data)} bytes of data, not whole {kind.dtype} elements")
            return None
        return np.frombuffer(data, dtype=stored).astype(kind.dtype)
    if data.isascii():
        return np.frombuffer(data, dtype="u1").astype(kind.dtype)
    values = unpack(data, carrier)
    if kind.dtype in {"int16", "uint16"}:
        # protobuf has no 16-bit scalar: the carrier can hold more than the dtype.
        low, high = INTEGER_RANGES[kind.dtype]
        if min(values) < low or max(values) > high:
            exchange.add(path, f"has an element outside {low} to {high}, the range of {kind.dtype}")
            return None
    return np.array(values, dtype=kind.dtype)
