"""The members of an enumeration: names in JSON, numbers in protobuf, the user's Enum class in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.model.scalars import json_kind, with_article

if TYPE_CHECKING:
    from enum import Enum

    from modelport.model.exchange import Exchange
    from modelport.model.spec import Enumeration

__all__ = ["Members"]

_SHOWN = 128


class Members:
    """Reads and names the members of one enumeration.

    Attributes:
        natives: Each member's native value by its name: the member of the user's class, or without one the name.
        numbers: Each member's number by its name.
    """

    def __init__(self, enum: Enumeration, kind: type[Enum] | None) -> None:
        self._kind = kind
        self._enum = enum
        self.numbers = dict(enum.members)
        self.natives: dict[str, Any] = {name: name if kind is None else kind[name] for name in self.numbers}
        self._by_number = {number: self.natives[name] for name, number in enum.members}

    def from_json(self, value: object, path: str, exchange: Exchange) -> Any:
        """Return the native member that a name or a number stands for, or note why there is none and return None."""
        if isinstance(value, str):
            if value in self.natives:
                return self.natives[value]
            exchange.add(path, f"is {value[:_SHOWN]!r}, not {self._choice()}")
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            exchange.add(path, f"is {json_kind(value)}, not {self._choice()}")
            return None
        return self.from_number(value, path, exchange)

    def from_number(self, number: int, path: str, exchange: Exchange) -> Any:
        """Return the native member that has *number*, or note that none has it and return None."""
        if number in self._by_number:
            return self._by_number[number]
        # An absent field of protobuf is 0, and so is one that nobody set.
        said = "is unspecified" if number == 0 else "is a number that no member has"
        exchange.add(path, f"{said}, not {self._choice()}")
        return None

    def from_native(self, value: Any, path: str, exchange: Exchange) -> str | None:
        """Return the name of the native member *value*, or note that it is none and return None.

        A name is taken as well: text is what a column of choices holds in a data frame.
        """
        if self._kind is not None and isinstance(value, self._kind):
            return value.name
        if isinstance(value, str) and str.__str__(value) in self.natives:
            return str.__str__(value)
        shown = repr(str.__str__(value)[:_SHOWN]) if isinstance(value, str) else with_article(type(value).__name__)
        exchange.add(path, f"is {shown}, not {self._choice()}")
        return None

    def _choice(self) -> str:
        names = list(self.natives)
        listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")  # noqa: PLR2004 - enough for an answer
        return f"{with_article(self._enum.name)}: {listed}"
