"""Protobuf's wire format (protobuf.dev/programming-guides/encoding), read field by field without a schema.

It is for looking into a file before another parser gets it: every occurrence of a field is given, also of one that
protobuf would let a later one overwrite, and what readers might understand differently is refused. Protobuf's C++
parser, for one, drops the bits of a key above the 32nd: a key that is too wide is one field to it, another to others.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fields", "passing"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_KEYS, _SIZES, _VALUES = 2**32, 2**31, 2**64  # what each is smaller than
_FEW = 16  # bytes: fewer are passed over
_RUN = 65_536  # fields that are passed over at once


@cache
def passing(wanted: frozenset[int]) -> re.Pattern[bytes]:
    """Return the look of a run of fields that are none of *wanted*: :func:`fields` passes over it at once.

    Only of such as stand side by side in great numbers, like the integers and the names in a tree ensemble: the key is
    one byte, and bytes are few. A field that any reader could understand differently has no such look.
    """
    numbers = sorted(set(range(1, 16)) - wanted)
    if not numbers:
        return re.compile(b"(?!)")  # nothing looks like it
    keys = [b"[%s]" % re.escape(bytes(number << 3 | kind for number in numbers)) for kind in range(6)]
    integer = rb"(?:[\x80-\xff]{0,8}[\x01-\x7f]|\x00|[\x80-\xff]{9}\x01)"
    few = b"|".join(re.escape(bytes([size])) + b".{%d}" % size for size in range(_FEW))
    one = b"%s%s|%s.{4}|%s.{8}|%s(?:%s)" % (keys[_VARINT], integer, keys[_FIXED32], keys[_FIXED64], keys[_BYTES], few)
    return re.compile(b"(?:%s){1,%d}+" % (one, _RUN), re.DOTALL)


def fields(data: memoryview, passed: re.Pattern[bytes] | None = None) -> Iterator[tuple[int, int | memoryview]]:
    """Return the fields of the message in *data*, in order: the number, and the bytes or an integer.

    Those that *passed*, which is of :func:`passing`, looks like are left out.

    Raises:
        FormatError: The bytes are no message, are written in a way that no writer has, or hold a group, which no file
            of today has.
    """
    place, end = 0, len(data)
    while place < end:
        if passed and (run := passed.match(data, place)):
            place = run.end()
            continue
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
