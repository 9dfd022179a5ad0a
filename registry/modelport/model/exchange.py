"""One call on its way through the codec."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError
from modelport.model.records import UnfitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.records import Record

__all__ = ["WHOLE", "Exchange", "RefusedError", "join"]

WHOLE = "(the message)"
"""The path of a misfit that is not inside any field."""

_LISTED = 100


class RefusedError(Exception):
    """A function's word that it is its arguments which it cannot take, though they fit the signature."""


@dataclass(slots=True)
class Exchange:
    """What one call has shown so far; the input's and the output's messages share it.

    Attributes:
        problems: The first hundred misfits, as ``path: message``.
        count: How many misfits there were in all.
        sizes: The size that each named dimension stands for in this call, and where it was first met.
        guessed: The size of a named dimension was made up, because JSON's ``[]`` has no inner dimensions.
    """

    problems: list[str] = field(default_factory=list)
    count: int = 0
    sizes: dict[str, tuple[int, str]] = field(default_factory=dict)
    guessed: bool = False

    def copy(self) -> Exchange:
        """Return another exchange that has seen the same."""
        return Exchange(self.problems.copy(), self.count, self.sizes.copy(), self.guessed)

    def become(self, other: Exchange) -> None:
        """Have seen what *other* has."""
        self.problems, self.count, self.sizes, self.guessed = other.problems, other.count, other.sizes, other.guessed

    def add(self, path: str, message: str) -> None:
        """Note a misfit at *path*."""
        self.count += 1
        if self.count <= _LISTED:
            # A key of the caller's may hold what no UTF-8 answer can.
            self.problems.append(f"{path}: {message}".encode("utf-8", "backslashreplace").decode())

    def make(self, name: str, record: Record, values: Mapping[str, Any], path: str) -> Any:
        """Return the native message *name*, or note that its class refuses the values (as a ``__post_init__`` may)."""
        try:
            return record.make(**values)
        except UnfitError as error:
            for field, said in error.problems:
                where = join(path, field) if field else path or WHOLE
                self.add(where, said if field else f"{name} refuses these values: {said}")
            return None
        except Exception as error:  # noqa: BLE001 - the class is the user's and may raise anything
            kind, said = type(error).__name__, str(error)
            # The kinds that mean a value and nothing else tell the caller nothing.
            why = said if said and kind in {"ValueError", "TypeError"} else f"{kind}: {said}".removesuffix(": ")
            self.add(path or WHOLE, f"{name} refuses these values: {why}")
            return None

    def settle(self) -> None:
        """Raise CallError if anything did not fit."""
        if self.count:
            unlisted = self.count - len(self.problems)
            raise CallError([*self.problems, *([f"{WHOLE}: has {unlisted} more misfits"] if unlisted else [])])


def join(path: str, name: str) -> str:
    """Return the path of field *name* in the message at *path*."""
    return f"{path}.{name}" if path else name
