"""What is read and written where: small things on the event loop, the others in a thread.

Handing work to a thread costs more than reading a small body. What takes longer than another request would notice goes
there, and what that is, is told by its size before the work begins: of a body its bytes, of an answer what its fields
hold, because a few bytes may ask for a million numbers.
"""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["INLINE", "answer_size", "off_loop"]

INLINE = 16 * 1024
"""Bytes that are read, or written, before another request would notice."""

T = TypeVar("T")
_VALUE = 8  # bytes that a number counts, and whatever else has no size of its own
_SMALL = frozenset({int, float, bool, type(None), complex})
_TEXT = (str, bytes, bytearray, memoryview)
_UNKNOWN = INLINE + 1


async def off_loop(size: int, work: Callable[[], T]) -> T:
    """Return what *work* returns: at once where it has to do with few bytes, else in a thread."""
    return work() if size <= INLINE else await asyncio.to_thread(work)


def answer_size(answer: Any) -> int:  # noqa: ANN401 - the user's own classes
    """Return about how many bytes a native answer holds, or any number above ``INLINE`` if it is more than that.

    It takes no longer for a large answer than for one of ``INLINE`` bytes. What cannot be looked into is large.
    """
    size, left = 0, [answer]
    while left and size <= INLINE:
        value = left.pop()
        kind = type(value)
        if kind in _SMALL:
            size += _VALUE
        elif kind is str or isinstance(value, _TEXT):
            size += _VALUE + len(value)
        elif isinstance(value, enum.Enum | type):
            size += _VALUE
        else:
            held, inner = _inside(value)
            size += held
            if size <= INLINE:
                left.extend(inner)
    return size


def _inside(value: Any) -> tuple[int, Any]:  # noqa: ANN401 - the user's own classes
    """Return how many bytes a value takes by itself, and the values in it, which are then few."""
    if isinstance(value, list | tuple | set | frozenset):
        return _VALUE * (1 + len(value)), value
    if isinstance(value, dict):
        return 2 * _VALUE * (1 + len(value)), () if len(value) > INLINE else [*value, *value.values()]
    if hasattr(value, "iloc"):  # a data frame, or a column of one
        return _VALUE * (1 + value.size), () if value.size > INLINE else value.to_numpy().ravel().tolist()
    if isinstance(nbytes := getattr(value, "nbytes", None), int):
        holds_objects = getattr(getattr(value, "dtype", None), "hasobject", False)
        return nbytes, value.ravel().tolist() if holds_objects and nbytes <= INLINE else ()
    names = getattr(value, "__dataclass_fields__", None) or getattr(value, "__dict__", None)
    if names is None:
        return _UNKNOWN, ()
    return _VALUE * (1 + len(names)), [getattr(value, name, None) for name in names]
