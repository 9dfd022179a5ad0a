from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import numpy as np

from modelport import Model, Tensor

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")
SIDE = 2
Image = Annotated[np.ndarray, Tensor("uint8", "Batch", SIDE, SIDE)]
Levels = list[float] | None


class Pictures(NamedTuple):
    """Pictures, with as many labels."""

    images: Image
    labels: "list[str]"


def first(values: list[T], price: Decimal | None = None, levels: Levels = None) -> "T":
    return values[0]


def brightest(pictures: "Pictures") -> Annotated[np.ndarray, Tensor("uint8", "Batch")]:
    """Give the brightest point of each picture."""
    found: Decimal | np.ndarray = pictures.images.max(axis=(1, 2))
    return first([found])


model = Model(brightest=brightest)
model.add_example("brightest", {"images": [[[1, 2], [3, 4]]], "labels": ["a"]})
