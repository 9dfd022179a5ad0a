"""The types of a signature in words, for whoever shows one: made from its JSON form alone, so that nothing is imported.

``optional double (cm), 0 to 10``, ``list of int32``, ``one of red, green, default red``, ``float32[n, 4]``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Words", "about_words", "range_words"]

_MEMBERS = 8
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Words:
    """Says the types of one signature.

    Attributes:
        members: The names that each enumeration may be, by the enumeration's name.
        tables: The messages whose fields are columns.
    """

    members: Mapping[str, Sequence[str]]
    tables: frozenset[str] = frozenset()

    @classmethod
    def of(cls, signature: Mapping[str, Any]) -> Words:
        """Return the words for a signature in JSON form."""
        members = {e["name"]: [m["name"] for m in e["members"]] for e in signature.get("enums", ())}
        return cls(members, frozenset(m["name"] for m in signature["messages"] if m.get("table")))

    def type(self, kind: Mapping[str, Any], *, column: bool = False) -> str:
        """Return a type; *column* says that it is a list which is a column of a table."""
        match kind:
            case {"list": item}:
                return self._several(item, "column of" if column else "list of", ", each ")
            case {"map": item}:
                return self._several(item, "map of text to", ", each ")
            case {"optional": item}:
                return self._several(item, "optional", ", ")
            case _:
                return self._single(kind)

    def field(self, field: Mapping[str, Any], *, column: bool = False) -> str:
        """Return a field's type with all that is said of its values: unit, range, default, media types."""
        unit = f" ({field['unit']})" if field.get("unit") else ""
        return ", ".join([f"{self.type(field['type'], column=column)}{unit}", *about_words(field)])

    def stream(self, message: str) -> str:
        """Return a stream of the messages called *message*."""
        return f"a stream of {self._single({'message': message})}"

    def _several(self, item: Mapping[str, Any], of: str, comma: str) -> str:
        """Return what holds *item*: ``list of double``, ``list, each one of red, green``."""
        word = self._single(item)
        return f"{of.partition(' ')[0]}{comma}{word}" if "enum" in item else f"{of} {word}"

    def _single(self, kind: Mapping[str, Any]) -> str:
        match kind:
            case {"enum": str() as name}:
                return self._choice(name)
            case {"tensor": {"dtype": dtype, "shape": shape}}:
                return f"{dtype}[{', '.join('?' if size is None else str(size) for size in shape)}]"
            case {"message": str() as name}:
                return f"table {name}" if name in self.tables else name
            case _:
                return str(kind.get("scalar"))

    def _choice(self, name: str) -> str:
        members = self.members.get(name, ())
        more = f" and {len(members) - _MEMBERS} more" if len(members) > _MEMBERS else ""
        return f"one of {', '.join(members[:_MEMBERS])}{more}" if members else name


def about_words(field: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of a field's values besides type and unit: range, default, media types."""
    if words := range_words(field.get("minimum"), field.get("maximum")):
        yield words
    if "default" in field:
        yield f"default {_value_words(field)}"
    if field.get("media_types"):
        yield " or ".join(field["media_types"])


def range_words(minimum: float | None, maximum: float | None) -> str:
    """Return a range: ``0 to 10``, ``at least 0``, ``at most 10``; empty without one."""
    if minimum is None:
        return "" if maximum is None else f"at most {_number(maximum)}"
    return f"at least {_number(minimum)}" if maximum is None else f"{_number(minimum)} to {_number(maximum)}"


def _number(value: float) -> str:
    return str(value).removesuffix(".0")


def _value_words(field: Mapping[str, Any]) -> str:
    value = field["default"]
    if isinstance(value, str) and "enum" in field["type"]:
        return value
    if isinstance(value, float):
        return _number(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
