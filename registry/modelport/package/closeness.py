"""How close two answers must be: the one rule, for whoever compares them.

Numbers may differ by the tolerance that an example gives; all else is equal and of one type. Where an answer is
computed in another way than the first (many rows in one call, a second form), a float may differ by 1e-5 of its
size, too, or by 1e-6 next to nothing: see `alike`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["alike", "close", "differences"]

_RELATIVE, _ABSOLUTE = 1e-5, 1e-6


def differences(expected: object, answer: object, tolerance: float, path: str) -> list[str]:
    """Return where *answer*, as JSON, is not *expected*; *path* is the name of the whole."""
    return [f"{path}{place} is {two!r}, not {one!r}" for place, one, two in _apart(expected, answer, tolerance, 0, 0)]


def alike(expected: object, answer: object, tolerance: float) -> bool:
    """Tell whether *answer*, as JSON, is *expected*, which was computed in another way."""
    return next(_apart(expected, answer, tolerance, _RELATIVE, _ABSOLUTE), None) is None


def close(one: Any, other: Any) -> Any:
    """Tell which floats of two arrays of one shape are alike, as in `alike` without a tolerance; NaN is like NaN."""
    import numpy as np

    with np.errstate(all="ignore"):
        apart = np.abs(one - other)
        near = apart <= np.maximum(_RELATIVE * np.maximum(np.abs(one), np.abs(other)), _ABSOLUTE)
        return (np.isfinite(apart) & near) | (one == other) | (np.isnan(one) & np.isnan(other))


def _apart(
    one: object, other: object, tolerance: float, relative: float, absolute: float
) -> Iterator[tuple[str, object, object]]:
    """Yield the parts that are too far apart, each with its place."""
    parts: Iterable[tuple[str, object, object]]
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        parts = ((f".{key}", one[key], other[key]) for key in one)
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        parts = ((f"[{n}]", one[n], other[n]) for n in range(len(one)))
    else:
        if not _equal(one, other, tolerance, relative, absolute):
            yield "", one, other
        return
    for place, part, another in parts:
        for inner, *values in _apart(part, another, tolerance, relative, absolute):
            yield f"{place}{inner}", values[0], values[1]


def _equal(one: Any, other: Any, tolerance: float, relative: float, absolute: float) -> bool:
    if not (_is_number(one) and _is_number(other)):
        return type(one) is type(other) and bool(one == other)
    if one == other:
        return True
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=relative, abs_tol=max(tolerance, absolute))
    try:
        return bool(abs(one - other) <= tolerance)
    except OverflowError:  # a whole number that is too large for a float
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
