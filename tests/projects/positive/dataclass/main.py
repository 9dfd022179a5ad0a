import dataclasses
from dataclasses import dataclass, field

from modelport import Model

UNIT = "cm"


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


model = Model(area=area)
model.add_example("area", {"width": 2.0, "height": 3.0, "unit": "m", "tags": []})
