from typing import NamedTuple

import numpy as np

from modelport import Model


class Line(NamedTuple):
    """Points on a line."""

    x: list[float]


def fit():
    slope = np.polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1)
    names = {"unit": "cm"}

    def predict(line: Line) -> list[float]:
        """Give y for each x."""
        # A comment stays.
        text = """flush left,
    and indented: inside of a text over many lines nothing moves"""
        assert text.splitlines()[1].startswith("    and")
        return [round(float(np.polyval(slope, x)), 6) for x in line.x if names["unit"]]

    return predict


model = Model(predict=fit())
model.add_example("predict", {"x": [0.0, 4.0]})
