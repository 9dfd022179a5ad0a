"""Whether an answer is the right one: two values in plain form (see `native`) that may differ a little in floats."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["right_rows", "same"]


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Tell whether two plain values are equal, or their floats at most *tolerance* apart; NaN is like NaN."""
    if hasattr(one, "dtype") and hasattr(other, "dtype"):
        return one.shape == other.shape and bool(_near(one, other, tolerance).all())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key], tolerance) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other, [tolerance] * len(one)))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or abs(one - other) <= tolerance or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def right_rows(given: Any, wanted: Any, count: int, tolerance: float) -> int:
    """Return how many of the *count* rows of a field are the same in *given* and *wanted*."""
    if hasattr(given, "dtype"):
        if given.shape != wanted.shape or not count:
            return 0
        return int(_near(given, wanted, tolerance).reshape(count, -1).all(axis=1).sum())
    if isinstance(given, dict):  # a table: its columns
        rows = [list(zip(*table.values(), strict=True)) for table in (given, wanted)]
        return sum(same(list(a), list(b), tolerance) for a, b in zip(*rows, strict=True))
    return sum(same(a, b, tolerance) for a, b in zip(given, wanted, strict=True))


def _near(one: Any, other: Any, tolerance: float) -> Any:
    """Return, as an array, which elements of two arrays of one shape are alike."""
    equal = one == other
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return equal
    import numpy as np

    with np.errstate(all="ignore"):  # of infinities, and what a model has asked NumPy to raise
        # As float64: the difference of two halves has a half's few digits.
        apart = abs(one.astype("f8") - other.astype("f8"))
    return equal | (apart <= tolerance) | ((one != one) & (other != other))  # noqa: PLR0124 - NaN alone is unlike itself
