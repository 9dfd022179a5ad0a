"""Flatbuffers (flatbuffers.dev/internals), read with every offset checked: what is looked at lies inside of the bytes.

It is for looking into a file before another reader gets it, which follows offsets without looking.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from modelport.errors import FormatError

__all__ = ["Table", "root"]

_SIZES = {"b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}
_FIRST_FIELD, _OFFSET = 4, 4  # bytes


def root(data: bytes, identifier: bytes) -> Table:
    """Return the outermost table of *data*; FormatError where it does not have the four bytes of *identifier*."""
    if data[4:8] != identifier:
        raise FormatError(f"a beginning that is not {identifier.decode()}")
    return Table.at(data, _read(data, 0, "I"))


@dataclass(frozen=True, slots=True)
class Table:
    """One table: where it begins, and where each of its fields does (0 where it is not there)."""

    data: bytes
    place: int
    fields: tuple[int, ...]

    @classmethod
    def at(cls, data: bytes, place: int) -> Table:
        """Return the table at *place*; FormatError where one of its fields would not lie in it."""
        fields = place - _read(data, place, "i")
        size, length = _read(data, fields, "H"), _read(data, fields + 2, "H")
        if size < _FIRST_FIELD or size % 2 or place + length > len(data) or place % 4 or fields % 2:
            raise FormatError("a table that does not lie in the file")
        found = [_read(data, fields + i, "H") for i in range(_FIRST_FIELD, size, 2)]
        if any(one >= length or 0 < one < _FIRST_FIELD for one in found):
            raise FormatError("a field that does not lie in its table")
        return cls(data, place, tuple(found))

    def has(self, number: int) -> bool:
        """Tell whether the field is there."""
        return number < len(self.fields) and self.fields[number] > 0

    def scalar(self, number: int, form: str, default: int = 0) -> int:
        """Return a number, by the letter of its form in `struct`."""
        if not self.has(number):
            return default
        return int(_read(self.data, self._place(number, form), form))

    def table(self, number: int) -> Table | None:
        """Return a table."""
        return Table.at(self.data, self._follow(number)) if self.has(number) else None

    def tables(self, number: int) -> list[Table]:
        """Return the tables of a vector."""
        starts = list(self._vector(number, _OFFSET))
        return [Table.at(self.data, one + _read(self.data, one, "I")) for one in starts]

    def numbers(self, number: int, form: str) -> list[int]:
        """Return a vector of numbers."""
        return [_read(self.data, one, form) for one in self._vector(number, _SIZES[form])]

    def size(self, number: int, width: int) -> int:
        """Return the length of a vector whose parts have *width* bytes."""
        return len(self._vector(number, width))

    def text(self, number: int) -> str:
        """Return a text, which ends with a zero."""
        places = self._vector(number, 1)
        if not self.has(number):
            return ""
        if self.data[places.stop : places.stop + 1] != b"\0":
            raise FormatError("a text that does not end")
        return self.data[places.start : places.stop].decode("utf-8", "backslashreplace")

    def _place(self, number: int, form: str) -> int:
        place = self.place + self.fields[number]
        if place % _SIZES[form]:
            raise FormatError("a number that stands between two places")
        return place

    def _follow(self, number: int) -> int:
        place = self._place(number, "I")
        return place + int(_read(self.data, place, "I"))

    def _vector(self, number: int, width: int) -> range:
        """Return where the parts of a vector begin; its ``stop`` is where it ends."""
        if not self.has(number):
            return range(0)
        start = self._follow(number)
        end = start + 4 + _read(self.data, start, "I") * width
        if start % 4 or end > len(self.data) or (width > 4 and (start + 4) % width):  # noqa: PLR2004 - bytes of an offset
            raise FormatError("a vector that does not lie in the file")
        return range(start + 4, end, width)


def _read(data: bytes, place: int, form: str) -> Any:
    if place < 0 or place + _SIZES[form] > len(data):
        raise FormatError("an offset that leads out of the file")
    return struct.unpack_from(f"<{form}", data, place)[0]
