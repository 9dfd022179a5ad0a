"""Protobuf's wire format (protobuf.dev/programming-guides/encoding), read field by field without a schema.

It is for looking into a file before another parser gets it: every occurrence of a field is given, also of one that
protobuf would let a later one overwrite, and what readers might understand differently is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fields"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10  # bytes


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Return the fields of the message in *data*, in order: the number, and an integer or the bytes.

    Raises:
        FormatError: The bytes are no message, or hold a group, which no file of today has.
    """
    place, end = 0, len(data)
    while place < end:
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(data, place)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise FormatError(f"a field of wire type {kind}")
        if not number or size > end - place:
            raise FormatError("a field that ends behind the file" if number else "a field without a number")
        yield number, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """Return the integer at *place* and the place behind it."""
    value = 0
    for i, byte in enumerate(data[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * i)
        if not byte & 0x80:
            return value, place + i + 1
    raise FormatError("an integer that does not end")
