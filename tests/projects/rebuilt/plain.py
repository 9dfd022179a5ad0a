"""Plain functions of many types: an enumeration, messages, defaults, sets, a closure, arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np

from modelport import About, Model, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


class Colour(Enum):
    """What there is."""

    RED = 1
    GREEN = 7


class Point(NamedTuple):
    """Where something is."""

    x: float
    y: float


@dataclass
class Named:
    """What something is called, and where it is."""

    name: str
    at: Point


STOP = {"und", "the", "a", "Öl"}
WEIGHTS = np.arange(6.0).reshape(3, 2)
LIMITS = (np.float32(0.1), [np.arange(3)], {"deep": {"er": WEIGHTS}})


def distance(scale: float) -> Callable[[Named], float]:
    """Return a function that knows its scale."""

    def measure(to: Named) -> float:
        """Measure how far away something is."""
        return scale * math.hypot(to.at.x, to.at.y) + float(LIMITS[0])

    return measure


measure = distance(0.1 + 0.2)


def words(text: str) -> list[str]:
    """Return the words that say something."""
    return [one for one in text.split() if one not in STOP]


def mixed(
    colour: Colour, amount: Annotated[int, About(unit="l", minimum=0)] = 3, note: str | None = None
) -> dict[str, Point]:
    """Give a colour and an amount a place."""
    return {f"{colour.name} {note}": Point(amount, WEIGHTS.sum())}


def scaled(x: Annotated[np.ndarray, Tensor("float64", "n", 3)]) -> Annotated[np.ndarray, Tensor("float64", "n", 2)]:
    """Multiply by the weights."""
    return x @ WEIGHTS


model = Model(measure=measure, words=words, mixed=mixed, scaled=scaled)
model.add_example("measure", {"name": "there", "at": {"x": 3.0, "y": 4.0}}, tolerance=1e-9)
model.add_example("mixed", {"colour": "GREEN", "amount": 5})
model.add_example("mixed", {"colour": "RED", "note": "dark"})
model.add_example("words", {"text": "the oil und Öl"})
model.add_example("scaled", {"x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]})
