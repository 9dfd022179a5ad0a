"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
import dataclasses

UNIT = 'cm'

@dataclass(frozen=True)
class Box:
    width: float
    height: float = 1.0
    unit: str = UNIT
    tags: list[str] = field(default_factory=list)

    @property
    def area(self) -> float:
        return self.width * self.height

def area(box: Box) -> float:
    """Tell how large a box is."""
    return dataclasses.replace(box, height=2.0).area

METHODS = {
    "area": area,
}
