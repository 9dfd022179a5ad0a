"""The model's code, written by `modelport pack`."""

from __future__ import annotations

def odd(n: int) -> bool:
    """Tell whether a number is odd."""
    return n != 0 and even(n - 1)

def even(n: int) -> bool:
    """Tell whether a number is even."""
    return n == 0 or odd(n - 1)

def factorial(n: int) -> int:
    """Multiply the first numbers."""
    return 1 if n < 2 else n * factorial(n - 1)

METHODS = {
    "even": even,
    "factorial": factorial,
    "odd": odd,
}
