from modelport import Model


def even(n: int) -> bool:
    """Tell whether a number is even."""
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    """Tell whether a number is odd."""
    return n != 0 and even(n - 1)


def factorial(n: int) -> int:
    """Multiply the first numbers."""
    return 1 if n < 2 else n * factorial(n - 1)


model = Model(even=even, odd=odd, factorial=factorial)
model.add_example("even", {"n": 7})
model.add_example("odd", {"n": 7})
model.add_example("factorial", {"n": 5})
