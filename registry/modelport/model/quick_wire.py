"""The quick way (see `quick`) of a call by protobuf bytes: small messages, read and written without protobuf's library.

What takes part has one wire type, bytes with their length: packed numbers and tensors, in any order. What protobuf
allows besides (parts of a field apart, unknown fields, keys of two bytes, single numbers, text) is not known here.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from modelport.model.compiled import Step
from modelport.model.kinds import CARRIERS, ListOf, Scalar, TensorOf
from modelport.model.ordinary import native_lister
from modelport.model.packed import PACKABLE, packer, unpacker, varint
from modelport.model.proto import TENSOR_DATA
from modelport.model.quick import fits, reader, tensor_checker, writer
from modelport.model.ranges import range_of

if TYPE_CHECKING:
    from modelport.model.quick import Quick, Sizes
    from modelport.model.ranges import Range
    from modelport.model.records import Record
    from modelport.model.spec import Field, Message

__all__ = ["bytes_reader", "bytes_writer", "pieces"]

_LENGTH = 2  # the wire type of what has its length before it
_SHAPE, _DATA = 1 << 3 | _LENGTH, 2 << 3 | _LENGTH  # the keys of a tensor message's fields
_DATA_KEY = bytes((_DATA,))
_MORE = 0x80  # of a varint's bytes all but the last have this bit
_LONG = 2**16  # bytes, from which on copies cost more than protobuf's library
_FEW = 2**10  # elements, from which on NumPy is quicker than Python
_pack_sizes = packer("int64")
_RAW = {"bytes", "float", "double"}
"""What carries a tensor's elements just as they are in memory."""


def bytes_reader(message: Message, record: Record) -> Quick:
    """Return the quick way from a message's bytes to its native value."""
    reads = {number << 3 | _LENGTH: _from_bytes(f) for number, f in enumerate(message.fields, 1)}
    doubles = all(key < _MORE and step is not None and step.function is _doubles for key, step in reads.items())
    return reader(message, record, reads, pieces, doubles=doubles)


def bytes_writer(message: Message, record: Record) -> Quick:
    """Return the quick way from a message's native value to its bytes."""
    writes = [_to_bytes(f, number << 3 | _LENGTH) for number, f in enumerate(message.fields, 1)]
    return writer(message, record, writes, b"".join)


def pieces(data: Any) -> dict[int, bytes] | None:
    """Return the fields in *data* by their keys, or None if it is not all fields with a length, each of them once."""
    found: dict[int, bytes] = {}
    place = 0
    if type(data) is not bytes or len(data) > _LONG:
        return None
    try:
        while place < len(data):
            key, size = data[place], data[place + 1]
            place += 2
            if size >= _MORE:
                size, place = _long(data, place - 1)
            piece = data[place : place + size]
            if key & 7 != _LENGTH or key >= _MORE or key in found or len(piece) != size:
                return None
            found[key] = piece
            place += size
    except IndexError:  # it ends within a key or a length
        return None
    return found


def _long(data: bytes, place: int) -> tuple[int, int]:
    """Return the length that stands at *place*, of up to four bytes, and the place behind it."""
    size = 0
    for shift in (0, 7, 14, 21):
        part = data[place]
        place += 1
        size |= (part & (_MORE - 1)) << shift
        if part < _MORE:
            return size, place
    raise IndexError(place)


def _piece(key: int, data: bytes) -> bytes:
    size = len(data)
    return (bytes((key, size)) if size < _MORE else bytes((key,)) + varint(size)) + data


def _from_bytes(field: Field) -> Step | None:
    limits = range_of(field.type, field.about)
    match field.type:
        case ListOf(Scalar(name)) if name in PACKABLE:
            return _numbers_from_bytes(name, limits)
        case TensorOf(_, shape) as kind if shape and limits is None and sys.byteorder == "little":
            return Step(_tensor_from_bytes(field.name, kind))
        case _:
            return None


def _numbers_from_bytes(name: str, limits: Range | None) -> Step:
    unpack = unpacker(name)

    def read(piece: bytes | None, _sizes: Sizes) -> list[Any] | None:
        try:
            found = unpack(piece or b"")
        except (ValueError, DecodeError):
            return None
        return found if limits is None or limits.holds_all(found) else None

    if name == "double" and limits is None and sys.byteorder == "little":
        return Step(_doubles, b"")
    return Step(read)


def _doubles(piece: bytes | None, nothing: bytes) -> list[float] | None:
    try:
        return array("d", piece or nothing).tolist()
    except ValueError:  # it ends within a number
        return None


def _tensor_from_bytes(field: str, kind: TensorOf) -> Quick:
    import numpy as np

    raw = TENSOR_DATA[kind.dtype] in _RAW
    dtype, dimensions, array_class = np.dtype(kind.dtype), kind.shape, np.ndarray
    stored = dtype if raw else np.dtype("u1")
    head = bytes((_SHAPE, len(dimensions)))
    start = 2 + len(dimensions)

    def read(piece: bytes | None, sizes: Sizes) -> Any:
        if piece and piece.startswith(head) and len(piece) < _MORE and piece[start:].startswith(_DATA_KEY):
            shape, data = piece[2:start], piece[start + 2 :]
            if piece[start + 1 : start + 2] != bytes((len(data),)):
                return None
        elif (parts := pieces(piece)) and len(parts) == 2 and _SHAPE in parts and _DATA in parts:  # noqa: PLR2004 - these
            shape, data = parts[_SHAPE], parts[_DATA]
        else:
            return None
        # Sizes and whole numbers below 128 are one byte each.
        if not shape.isascii() or not fits(shape, dimensions, field, sizes) or not (raw or data.isascii()):
            return None
        try:
            found = array_class(tuple(shape), stored, bytearray(data))
        except (TypeError, ValueError):  # too few bytes, or too many dimensions
            return None
        if found.nbytes != len(data):
            return None
        return found if raw else found.astype(dtype)

    return read


def _to_bytes(field: Field, key: int) -> Step | None:
    if key >= _MORE:
        return None
    match field.type:
        case ListOf(Scalar(name)) if CARRIERS[name] in PACKABLE:
            return Step(_numbers_to_bytes(name, key))
        case TensorOf(_, shape) as kind if shape and sys.byteorder == "little":
            return Step(_tensor_to_bytes(field.name, kind, key))
        case _:
            return None


def _numbers_to_bytes(name: str, key: int) -> Quick:
    pack, listed, is_whole = packer(CARRIERS[name]), native_lister(name), CARRIERS[name] not in _RAW
    heads = [bytes((key, size)) for size in range(_MORE)]
    one = heads[1]

    def write(value: Any, sizes: Sizes) -> bytes | None:
        found = listed(value, sizes)
        if not found:
            return None if found is None else b""
        if is_whole and len(found) == 1 and -1 < found[0] < _MORE:
            return one + bytes(found)
        data = pack(found)
        return heads[len(data)] + data if len(data) < _MORE else _piece(key, data)

    return write


def _tensor_to_bytes(field: str, kind: TensorOf, key: int) -> Quick:
    is_tensor, carrier = tensor_checker(field, kind), TENSOR_DATA[kind.dtype]
    raw, pack = carrier in _RAW, packer("int64" if carrier in _RAW else carrier)

    def write(value: Any, sizes: Sizes) -> bytes | None:
        if not is_tensor(value, sizes) or (value.size > _FEW and not raw):
            return None
        data = value.tobytes() if raw else pack(value.ravel().tolist())
        return _piece(key, _piece(_SHAPE, _pack_sizes(value.shape)) + _piece(_DATA, data))

    return write
