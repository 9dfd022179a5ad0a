"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from modelport.package.state import load_state
import logging

Größe = load_state(__file__, "state/Gr__e.npy")

KINDS = ['a', 'b']

LABELS = KINDS

factor = 3

def step(x, factor=factor, *, plus=1):
    return x * factor + plus

STEPS = {'triple': step}

aux = load_state(__file__, "state/aux-1.npy")

größe = load_state(__file__, "state/gr__e-2.npy")

triple = step

def compute(x: float) -> float:
    """Use names that are hard to keep."""
    global log
    log = logging.getLogger(__name__)
    assert __name__ != "__main__" and KINDS is LABELS
    return triple(x) - 1 + STEPS["triple"](0) - 1 + float(größe.sum() + Größe.sum() + aux.sum())

METHODS = {
    "compute": compute,
}
