from enum import Enum
from typing import Annotated, Optional

from pydantic import BaseModel, Field, field_validator

from modelport import About, Model

LONGEST = 9.0


class Colour(Enum):
    RED = 1
    BLUE = 2


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


model = Model(grow=grow)
model.add_example("grow", {"length": 2.0, "name": " iris "})
