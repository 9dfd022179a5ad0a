"""The model's code, written by `modelport pack`."""

from __future__ import annotations

import math

count = 3

nothing = float("nan")

def first(x: float) -> bool:
    """Tell whether nothing is no number."""
    return math.isnan(nothing) and count == 3

def second(x: float) -> bool:
    """Tell whether nothing is no number."""
    return math.isnan(nothing) and count == 3

METHODS = {
    "first": first,
    "second": second,
}
