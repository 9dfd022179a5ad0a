import functools

from modelport import Model


def twice(function):
    """Call a function on its own answer."""

    @functools.wraps(function)
    def wrapper(value):
        return function(function(value))

    return wrapper


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@twice
def add_one(value):
    return value + 1


@functools.lru_cache(maxsize=8)
def grow(n: int) -> int:
    """Add two to the n-th Fibonacci number."""
    return add_one(fibonacci(n))


model = Model(grow=grow)
model.add_example("grow", {"n": 30})
