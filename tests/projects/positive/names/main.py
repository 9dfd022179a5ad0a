import logging

import numpy as np

from modelport import Model

größe = np.array([1, 2])
Größe = np.array([3])
aux = np.array([4.0, 5.0])
LABELS = ["a", "b"]
KINDS = LABELS
log = None
steps = []
for factor in (2, 3):

    def step(x, factor=factor, *, plus=1):
        return x * factor + plus

    steps.append(step)
triple = steps[-1]
STEPS = {"triple": triple}
factor = "something else by now"


def compute(x: float) -> float:
    """Use names that are hard to keep."""
    global log
    log = logging.getLogger(__name__)
    assert __name__ != "__main__" and KINDS is LABELS
    return triple(x) - 1 + STEPS["triple"](0) - 1 + float(größe.sum() + Größe.sum() + aux.sum())


model = Model(compute=compute)
model.add_example("compute", {"x": 1.0})
