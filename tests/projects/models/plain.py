"""A plain function: nothing but Python."""

from modelport import Model

RATES = {"short": 0.5, "long": 0.25}


def price(days: int, kind: str = "short") -> float:
    """Return what a stay costs."""
    return days * RATES.get(kind, 1.0)


model = Model(price=price)
model.add_example("price", {"days": 4, "kind": "long"})
