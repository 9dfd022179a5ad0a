"""How a message meets Python: the class of its native values, how one is made, and how its fields are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """The Python side of one message.

    Attributes:
        kind: The class of its native values: a NamedTuple, a dataclass, a pydantic model, pandas' DataFrame.
        make: Makes a value of the fields' native values, given by name; it may refuse them with any exception.
        get: Reads a field of a value, by the field's name; it may raise for a value that was made otherwise.
    """

    kind: type
    make: Callable[..., Any]
    get: Callable[[Any, str], Any] = getattr

    @classmethod
    def of_class(cls, kind: type) -> Record:
        """Return the record of a class that takes its fields by name and has them as attributes."""
        return cls(kind, kind)
