"""The model's code, written by `modelport pack`."""

from __future__ import annotations

from enum import Enum
from modelport.model.about import About
from pydantic import BaseModel
from pydantic import Field
from pydantic import field_validator
from typing import Annotated
from typing import Optional

class Colour(Enum):
    RED = 1
    BLUE = 2

LONGEST = 9.0

class Petal(BaseModel):
    length: float = Field(ge=0, le=LONGEST, description="from end to end")

class Flower(Petal):
    """A flower."""

    colour: Colour = Colour.RED
    petals: list[Petal] = Field(default_factory=list)
    name: Annotated[Optional[str], About("what people call it")] = None

    @field_validator("name")
    @classmethod
    def tidy(cls, name):
        return name and name.strip()

def grow(flower: Flower) -> Flower:
    """Let it grow."""
    return flower.model_copy(update={"petals": [*flower.petals, Petal(length=flower.length)]})

METHODS = {
    "grow": grow,
}
