"""The model's code, written by `modelport pack`."""

from __future__ import annotations

import functools

def twice(function):
    """Call a function on its own answer."""

    @functools.wraps(function)
    def wrapper(value):
        return function(function(value))

    return wrapper

@twice
def add_one(value):
    return value + 1

@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

@functools.lru_cache(maxsize=8)
def grow(n: int) -> int:
    """Add two to the n-th Fibonacci number."""
    return add_one(fibonacci(n))

METHODS = {
    "grow": grow,
}
