"""The packed form of protobuf's repeated numbers, to and from lists at the speed of memory.

Protobuf's own containers turn a list into bytes one element at a time. What is packed is an array (floats), or one byte
for each number below 128, so Python's `array` and `bytes` do it in one go; other numbers go through protobuf.
https://protobuf.dev/programming-guides/encoding/#packed
"""

from __future__ import annotations

import sys
from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

__all__ = ["PACKABLE", "pack", "packer", "unpack", "unpacker", "varint"]

PACKABLE = ("double", "float", "int32", "int64", "uint32", "uint64", "bool")
"""The protobuf scalars that are packed when repeated."""

_LAYOUTS = {"double": "d", "float": "f"}
_FIELD = descriptor_pb2.FieldDescriptorProto
_ONE_FIELD = b"\x0a"  # the key of field 1 with a length
_MORE = 0x80  # of a varint's bytes all but the last have this bit


def pack(values: Sequence[Any], carrier: str) -> bytes:
    """Return the packed form of *values*, which fit the protobuf scalar *carrier*."""
    return packer(carrier)(values)


def unpack(data: bytes, carrier: str) -> list[Any]:
    """Return the values whose packed form is *data*.

    Raises:
        ValueError: It is none; or protobuf's DecodeError, for the same reason.
    """
    return unpacker(carrier)(data)


@cache
def packer(carrier: str) -> Callable[[Sequence[Any]], bytes]:
    """Return `pack` for one *carrier*."""

    def pack_whole(values: Sequence[Any]) -> bytes:
        try:
            small = bytes(values)
        except ValueError:  # one is negative, or above 255
            return _packed(values, carrier)
        return small if small.isascii() else _packed(values, carrier)

    if carrier not in _LAYOUTS:
        return pack_whole
    layout = _LAYOUTS[carrier]
    if sys.byteorder == "big":
        return lambda values: _swapped(array(layout, values)).tobytes()
    return lambda values: array(layout, values).tobytes()


@cache
def unpacker(carrier: str) -> Callable[[bytes], list[Any]]:
    """Return `unpack` for one *carrier*."""

    def unpack_whole(data: bytes) -> list[Any]:
        if not data.isascii():
            message: Any = _repeated(carrier).FromString(_ONE_FIELD + varint(len(data)) + data)
            return message.values[:]  # type: ignore[no-any-return]
        return list(map(bool, data)) if carrier == "bool" else list(data)

    if carrier not in _LAYOUTS:
        return unpack_whole
    layout = _LAYOUTS[carrier]
    if sys.byteorder == "big":
        return lambda data: _swapped(array(layout, data)).tolist()
    return lambda data: array(layout, data).tolist()


def _swapped(values: array[float]) -> array[float]:
    values.byteswap()
    return values


def varint(number: int) -> bytes:
    """Return a number that is not negative in the form that keys and lengths have."""
    made = bytearray()
    while number >= _MORE:
        made.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    made.append(number)
    return bytes(made)


def _packed(values: Sequence[Any], carrier: str) -> bytes:
    data = _repeated(carrier)(values=values).SerializeToString()
    place = 1
    while data[place] & _MORE:
        place += 1
    return data[place + 1 :]


@cache
def _repeated(carrier: str) -> type[Message]:
    """Return the class of a message with one field, ``values``, that repeats *carrier*."""
    file = descriptor_pb2.FileDescriptorProto(name="repeated.proto", package="modelport.repeated", syntax="proto3")
    kind = getattr(_FIELD, f"TYPE_{carrier.upper()}")
    file.message_type.add(name="Repeated").field.add(name="values", number=1, label=_FIELD.LABEL_REPEATED, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("modelport.repeated.Repeated"))
