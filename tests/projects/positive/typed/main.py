from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Annotated, Literal, NamedTuple, NewType, Optional

import numpy as np
import pandas as pd

import modelport
from modelport import About, Frame, Image, Model, Tensor

SIDE = 2
LIMITS = About(minimum=0, maximum=255)


class Colour(Enum):
    """What the eye sees."""

    RED = "r"
    BLUE = "b"

    @property
    def short(self) -> str:
        return self.value


Level = IntEnum("Level", {"low": 0, "high": 7})
Score = NewType("Score", float)
Length = Annotated[float, About("a length", unit="cm", minimum=0)]
Mode = Literal["fast", "good"]
Maybe = Optional[Length]
Weights = dict[str, Score]
Flowers = Annotated[
    pd.DataFrame,
    Frame("Flowers", {"petal width (cm)": Length}, kind=("iris", "rose"), colour=Colour, note="category"),
]
Pixels = Annotated[Annotated[np.ndarray, Tensor("uint8", SIDE, SIDE)], LIMITS]
Made = NamedTuple("Made", [("colour", Colour), ("level", Level), ("length", Length), ("maybe", Maybe)])


@dataclass
class Wish:
    """A wish.

    Attributes:
        mode: How to go about it.
    """

    mode: Mode = "fast"
    colour: Colour = Colour.BLUE
    weights: Weights = field(default_factory=dict)
    size: Annotated[float, About(unit="kg"), modelport.About(minimum=1)] = 1.0


def classify(flowers: Flowers) -> list[Colour]:
    """Tell the colours."""
    return [one if width < 1 else Colour.RED for one, width in zip(flowers["colour"], flowers["petal width (cm)"])]


def wish(
    pixels: Pixels, *, one: Wish = Wish(), mode: Mode = "good", picture: Image = b"", made: Optional[Made] = None
) -> Annotated[str, About("what comes of it")]:
    """Wish for something.

    Args:
        pixels: What it looks like.
        mode: How well.
    """
    kind = made.level.name if made else "none"
    return f"{one.mode} {one.colour.short} {mode} {kind} {int(pixels.sum())} {len(picture)}"


model = Model(classify=classify, wish=wish)
model.add_example(
    "classify",
    {"petal_width_cm": [0.5, 2.0], "kind": ["iris", "rose"], "colour": ["BLUE", "BLUE"], "note": ["a", "b"]},
)
model.add_example("wish", {"pixels": [[1, 2], [3, 4]]})
model.add_example(
    "wish",
    {
        "pixels": [[1, 2], [3, 4]],
        "one": {"mode": "good", "weights": {"a": 0.5}},
        "made": {"colour": "RED", "level": "high", "length": 1.0},
    },
)
