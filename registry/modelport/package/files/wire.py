"""Protobuf's wire format (protobuf.dev/programming-guides/encoding), read field by field without a schema.

It is for looking into a file before another parser gets it: every occurrence of a field is given, also of one that
protobuf would let a later one overwrite, and what readers might understand differently is refused. Protobuf's C++
parser, for one, drops the bits of a key above the 32nd: a key that is too wide is one field to it, another to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fields"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_KEYS, _SIZES, _VALUES = 2**32, 2**31, 2**64  # what each is smaller than


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Return the fields of the message in *data*, in order: the number, and the bytes or an integer.

    Raises:
        FormatError: The bytes are no message, are written in a way that no writer has, or hold a group, which no file
            of today has.
    """
    place, end = 0, len(data)
    while place < end:
        key, place = _varint(data, place, _KEYS)
        number, kind = key >> 3, key & 7
        if not number:
            raise FormatError("a field without a number")
        if kind == _VARINT:
            value, place = _varint(data, place, _VALUES)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(data, place, _SIZES)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise FormatError(f"a field of wire type {kind}")
        if size > end - place:
            raise FormatError("a field that ends behind the file")
        part = data[place : place + size]
        yield number, part if kind == _BYTES else int.from_bytes(part, "little")
        place += size


def _varint(data: memoryview, place: int, limit: int) -> tuple[int, int]:
    """Return the integer below *limit* at *place*, and the place behind it."""
    value, longest = 0, -(-limit.bit_length() // 7)
    for i, byte in enumerate(data[place : place + longest]):
        value |= (byte & 0x7F) << (7 * i)
        if not byte & 0x80:
            if value >= limit or (i and not byte):
                raise FormatError("an integer that is written too wide")
            return value, place + i + 1
    raise FormatError("an integer that does not end")
