"""Lists of ordinary values, in one go.

Nearly every list holds exact floats, integers, strings or booleans, all right. What is made here finds that out at the
speed of C, and only one way: the list, or *don't know*. Then `scalars` goes through it, and tells what is wrong.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from modelport.model.scalars import FLOATS, INTEGER_RANGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["native_list", "native_lister", "ordinary_doubles", "ordinary_list"]

_EXACT: dict[str, type] = {
    "bool": bool, "string": str, "bytes": bytes, **dict.fromkeys(FLOATS, float), **dict.fromkeys(INTEGER_RANGES, int),
}  # fmt: skip
_ALL_FIT = {"bool", "bytes", "double"}
_LISTS = (list, tuple)
_INTEGERS = {"int8": "b", "int16": "h", "int32": "i", "int64": "q"}
_LAYOUTS = FLOATS | _INTEGERS | {f"u{name}": layout.upper() for name, layout in _INTEGERS.items()}
_HOLD = {
    "double": {"float64", "float32", "float16"},
    "float": {"float32", "float16"},
    "float16": {"float16"},
    "bool": {"bool"},
} | {
    name: {other for other, (least, most) in INTEGER_RANGES.items() if low <= least and most <= high}
    for name, (low, high) in INTEGER_RANGES.items()
}
"""The dtypes whose every element is one of a scalar's values."""


def ordinary_list(values: Sequence[Any], name: str) -> list[Any] | None:
    """Return *values* as a list of what the scalar *name* says, or None if not each is an ordinary one."""
    exact = _EXACT[name]
    if [*map(type, values)].count(exact) == len(values):
        found = list(values)
    elif exact is float and set(map(type, values)) <= {float, int}:
        try:
            found = list(map(float, values))
        except OverflowError:
            return None
    else:
        return None
    return found if name in _ALL_FIT else _told_apart(found, name)


def ordinary_doubles(values: Sequence[Any], name: str) -> list[Any] | None:
    """Return `ordinary_list` of doubles; of one row, the commonest, in half of the time."""
    if len(values) == 1 and values[0].__class__ is float:
        return [values[0]]
    return ordinary_list(values, name)


def native_list(value: Any, name: str) -> list[Any] | None:
    """Return the list that a list, tuple, NumPy array or pandas column is, or None if it may hold anything else."""
    if isinstance(value, _LISTS):
        return ordinary_list(value, name)
    if getattr(value, "ndim", 0) != 1 or not hasattr(value, "tolist"):
        return None
    held = _holds(type(value), value.dtype, name)  # type: ignore[arg-type]  # mypy takes no class for hashable
    return value.tolist() if held else None


def native_lister(name: str) -> Callable[[Any, Any], list[Any] | None]:
    """Return `native_list` for the scalar *name*, which takes an array like the last one without looking it over.

    A model gives arrays of one class and dtype. Asking again what they may hold took half of what an answer of one row
    costs: after a model has run, none of what is asked is in the processor's caches.
    """
    kind = dtype = None

    def listed(value: Any, _: object) -> list[Any] | None:
        nonlocal kind, dtype
        if value.__class__ is kind and value.dtype is dtype and value.ndim == 1:
            return value.tolist()
        found = native_list(value, name)
        if found is not None and not isinstance(value, _LISTS):
            # Of two threads' classes and dtypes any pair will do: what holds of a class holds for each dtype.
            kind, dtype = value.__class__, value.dtype
        return found

    return listed


@lru_cache(maxsize=256)
def _holds(kind: type, dtype: Any, name: str) -> bool:
    # For these dtypes tolist() gives Python's own scalars, but None for what NumPy has masked.
    return dtype.name in _HOLD.get(name, ()) and not hasattr(kind, "fill_value")


def _told_apart(values: list[Any], name: str) -> list[Any] | None:
    """Return strings that have a UTF-8 form, and numbers as their scalar has them, or None."""
    try:
        if name == "string":
            "".join(values).encode()
        else:
            layout = f"<{len(values)}{_LAYOUTS[name]}"
            packed = struct.pack(layout, *values)
            return list(struct.unpack(layout, packed)) if name in FLOATS else values
    except (OverflowError, UnicodeEncodeError, struct.error):
        return None
    return values
