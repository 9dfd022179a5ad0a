import math

from modelport import Model


def make(nothing, count):
    def first(x: float) -> bool:
        """Tell whether nothing is no number."""
        return math.isnan(nothing) and count == 3

    return first


def make_other(nothing, count):
    def second(x: float) -> bool:
        """Tell whether nothing is no number."""
        return math.isnan(nothing) and count == 3

    return second


model = Model(first=make(float("nan"), 3), second=make_other(float("nan"), 3))
model.add_example("first", {"x": 1.0})
model.add_example("second", {"x": 1.0})
