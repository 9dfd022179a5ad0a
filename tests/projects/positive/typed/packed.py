"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from enum import Enum
from enum import IntEnum
from modelport.model.about import About
from modelport.model.frame import Frame
from modelport.model.tensor import Tensor
from numpy import ndarray
from pandas import DataFrame
from typing import Annotated
from typing import Literal
from typing import NamedTuple
from typing import NewType
from typing import Optional
import modelport

class Colour(Enum):
    """What the eye sees."""

    RED = "r"
    BLUE = "b"

    @property
    def short(self) -> str:
        return self.value

Flowers = Annotated[DataFrame, Frame('Flowers', {'petal width (cm)': Annotated[float, About(doc='a length', unit='cm', minimum=0)], 'kind': ('iris', 'rose'), 'colour': Colour, 'note': 'category'})]

def classify(flowers: Flowers) -> list[Colour]:
    """Tell the colours."""
    return [one if width < 1 else Colour.RED for one, width in zip(flowers["colour"], flowers["petal width (cm)"])]

Image = Annotated[bytes, About(media_types=('image/png', 'image/jpeg'))]

Level = IntEnum("Level", {'low': 0, 'high': 7})

Made = NamedTuple("Made", [("colour", Colour), ("level", Level), ("length", Annotated[float, About(doc='a length', unit='cm', minimum=0)]), ("maybe", Annotated[float, About(doc='a length', unit='cm', minimum=0)] | None)])

Mode = Literal['fast', 'good']

Pixels = Annotated[ndarray, Tensor('uint8', 2, 2), About(minimum=0, maximum=255)]

Weights = dict[str, NewType('Score', float)]

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

METHODS = {
    "classify": classify,
    "wish": wish,
}
