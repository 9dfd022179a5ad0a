"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from typing import NamedTuple

Answer = NamedTuple("Answer", [("kind", list[int])])

IrisInput = NamedTuple("IrisInput", [("width", list[float]), ("note", str)])

def classify(flowers: IrisInput) -> Answer:
    """Tell the kind of each flower."""
    return Answer(kind=[int(w > 1) for w in flowers.width])

METHODS = {
    "classify": classify,
}
