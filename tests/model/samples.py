"""One model with every annotation that a signature can hold, used by all the laws."""

from __future__ import annotations

import collections.abc  # noqa: TC003 - the annotations are read when the tests run
import typing
from dataclasses import dataclass, field
from typing import Annotated, Any, List, NamedTuple, Sequence  # noqa: UP035 - the old spellings are what is tried

import numpy as np

from modelport.model import Model, Tensor
from modelport.model.spec import DTYPES

Images = Annotated[np.ndarray, Tensor("uint8", "h", 2)]
Halves = Annotated[np.ndarray, Tensor("float16", "n")]


def tensor(dtype: object, *shape: str | int | None) -> Any:
    """Return ``Tensor[dtype, ...]``, the notebook's spelling, which type checkers do not follow."""
    return Tensor[(dtype, *shape)]  # type: ignore[misc]


class Point(NamedTuple):
    """A point in the plane."""

    x: float
    y: float


Flower = NamedTuple("Flower", [("sepal_length", float), ("petal_width", np.float32)])  # noqa: UP014 - the Acumos paper's way


@dataclass
class Shape:
    """Points with a name."""

    name: str
    points: list[Point]
    closed: bool = False
    flower: Flower = field(default_factory=lambda: Flower(0.0, np.float32(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalars:
    truth: bool
    whole: int
    number: float
    text: str
    raw: bytes
    np_truth: np.bool_
    np_int32: np.int32
    np_int64: np.int64
    np_uint32: np.uint32
    np_uint64: np.uint64
    np_float32: np.float32
    np_float64: np.float64


class Lists(NamedTuple):
    truths: list[bool]
    wholes: List[int]  # noqa: UP006 - as above
    numbers: Sequence[float]
    texts: collections.abc.Sequence[str]
    raws: list[bytes]
    singles: list[np.float32]
    longs: list[np.uint64]
    points: list[Point]
    images: list[Images]
    noted: Annotated[list[int], "of no meaning here", {"not": "hashable"}]


class Nothing(NamedTuple):
    pass


Tensors = NamedTuple(  # type: ignore[misc]
    "Tensors",
    [(f"t_{dtype}", Annotated[np.ndarray, Tensor(dtype, "n", None, 2)]) for dtype in DTYPES]
    + [
        ("single", tensor("float32")),
        ("bracketed", tensor(np.uint8, "n", None)),
        ("fixed", Annotated[Any, "a note", Tensor(np.int64, 0, 3)]),
    ],
)


def scalars(one: Scalars) -> Scalars:
    return one


def lists(one: Lists) -> Lists:
    return one


def tensors(one: Tensors) -> Tensors:
    return one


def shapes(one: Shape, *, scale: float, again: Shape) -> list[Shape]:
    return [one, again] * int(scale)


def spread(a: int, /, b: Annotated[str, "note"], c: Halves, *, d: Point) -> Annotated[Point, "note"]:  # noqa: ARG001 - the signature is what is tried
    return d


def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


def empty() -> None:
    """Do nothing."""


def nothing(one: Nothing) -> Nothing:
    return one


def typed(flower: Flower) -> typing.List[Flower]:  # noqa: UP006 - as above
    return [flower]


EVERYTHING = Model(
    scalars=scalars,
    lists=lists,
    tensors=tensors,
    shapes=shapes,
    spread=spread,
    add=add,
    empty=empty,
    nothing=nothing,
    typed=typed,
)
