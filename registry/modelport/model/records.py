"""How a message meets Python: the class of its native values, how one is made, and how its fields are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Record", "UnfitError"]


class UnfitError(ValueError):
    """A class's word on which of its fields do not fit.

    Args:
        problems: Each field's path inside the message (empty for the whole) with what is wrong there.
    """

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {said}" if path else said for path, said in self.problems))


@dataclass(frozen=True, slots=True)
class Record:
    """The Python side of one message.

    Attributes:
        kind: The class of its native values: a NamedTuple, a dataclass, a pydantic model, pandas' DataFrame.
        make: Makes a value of the fields' native values, given by name; it may refuse them with any exception, and say
            which ones by `UnfitError`.
        get: Reads a field of a value, by the field's name; it may raise for a value that was made otherwise.
    """

    kind: type
    make: Callable[..., Any]
    get: Callable[[Any, str], Any] = getattr

    @classmethod
    def of_class(cls, kind: type) -> Record:
        """Return the record of a class that takes its fields by name and has them as attributes."""
        return cls(kind, kind)
