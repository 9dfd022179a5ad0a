"""Every annotation that is no type of a signature is refused in words that lead out: golden/refusals.txt has them."""

from __future__ import annotations

import collections
import collections.abc
import functools
import itertools
import typing
from collections import namedtuple
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import date, datetime, timedelta
from enum import Enum, Flag, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, Optional, Protocol, TypedDict, TypeVar, Union

import annotated_types
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from pydantic import AliasPath, BaseModel, ConfigDict, Field

from modelport.errors import SignatureError
from modelport.model import About, Frame, Model, Tensor
from modelport.model.names import is_reserved

if TYPE_CHECKING:
    from collections.abc import Callable

    from elsewhere import Missing  # type: ignore[import-not-found]

GOLDEN = Path(__file__).parent / "golden" / "refusals.txt"


class Point(NamedTuple):
    x: float


Untyped = namedtuple("Untyped", ["a", "b"])  # noqa: PYI024 - what is refused


@dataclass
class Tree:
    left: list[Tree]


@dataclass
class Husband:
    wife: Wife


@dataclass
class Wife:
    husband: Husband


@dataclass
class Dangling:
    missing: Missing


@dataclass
class BadTensor:
    image: 'Tensor["float33", 2]'  # type: ignore[type-arg,name-defined,valid-type]  # noqa: F821, UP037 - as users write


@dataclass
class Computed:
    x: float
    area: float = field(init=False)


@dataclass
class Seeded:
    x: float
    seed: InitVar[int]


@dataclass
class Cased:
    petal_width: float
    petalWidth: float  # noqa: N815 - what is refused


@dataclass
class Deep:
    tables: list[list[float]]


class Colour(Enum):
    RED = 1
    BLUE = 2


class Flags(Flag):
    A = 1
    B = 2


class Husks(Enum):
    pass


class Reversed(IntEnum):
    up_down = 1
    upDown = 2  # noqa: N815 - what is refused


T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    content: T


class Boxed(TypedDict):
    content: float


class Sized(Protocol):
    size: int


@dataclass
class Fixed:
    x: typing.Final[int]


_COUNT = itertools.count()


@dataclass
class Counted:
    number: int = field(default_factory=lambda: next(_COUNT))


@dataclass
class Failing:
    number: int = field(default_factory=lambda: 1 // 0)


@dataclass
class Unfit:
    number: int = "one"  # type: ignore[assignment]  # what is refused


class Nested(BaseModel):
    number: int = Field(validation_alias=AliasPath("a", 0))


class Crate(BaseModel, Generic[T]):
    content: T


class Odd(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    place: Path


def frame(*args: Any, **columns: Any) -> Any:
    return Annotated[pd.DataFrame, Frame(*args, **columns)]


def with_default(annotation: Any, default: object) -> Callable[..., Any]:
    """Return a function of one parameter with a default."""
    function = taking(annotation)
    function.__defaults__ = (default,)
    return function


def plain(x: float) -> float:
    return x


def one_by_one(x: float) -> list[float]:  # type: ignore[misc]  # what is refused
    yield x


def one_by_one_of(returns: Any) -> Callable[..., Any]:
    """Return a generator function of that return annotation."""

    def function(x: float) -> Any:
        yield x

    function.__qualname__ = "function"
    function.__annotations__ = {"x": float, "return": returns}
    return function


def later_of(returns: Any) -> Callable[..., Any]:
    """Return an asynchronous generator function of that return annotation."""

    async def function(x: float) -> Any:
        yield x

    function.__qualname__ = "function"
    function.__annotations__ = {"x": float, "return": returns}
    return function


async def awaited(x: float) -> typing.AsyncIterator[float]:
    return later_of(typing.AsyncIterator[float])(x)  # type: ignore[no-any-return]


def taking(*annotations: Any, names: str = "x", returns: Any = float) -> Callable[..., Any]:
    """Return a function of that signature."""
    function = eval(f"lambda {names}: None")  # noqa: S307 - our own text
    function.__name__ = function.__qualname__ = "function"
    function.__annotations__ = dict(zip(names.split(", "), annotations, strict=True)) | {"return": returns}
    return function  # type: ignore[no-any-return]


def no_annotations(x, y: float):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return x + y


def no_return(x: float):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return x


def many(*xs: float) -> float:
    return xs[0]


def options(**xs: float) -> float:
    return xs["x"]


def forward(x: Missing) -> float:
    return float(x)


def not_an_attribute(x: np.foat32) -> float:  # type: ignore[name-defined]
    return float(x)


def not_an_expression(x: "1 +") -> float:  # type: ignore[valid-type]  # noqa: F722
    return float(x)


async def waits(x: float) -> float:
    return x


class Callable_:  # noqa: N801 - a class of objects that can be called
    def __call__(self, x: float) -> float:
        return x


def another(name: str) -> type:
    return make_dataclass(name, [("y", int)])


WIDE = make_dataclass("Wide", [(f"x{i}", float) for i in range(4097)])


def nested(depth: int) -> type:
    made: type = Point
    for i in range(depth):
        made = make_dataclass(f"Level{i}", [("inner", made)])
    return made


REFUSED: dict[str, Callable[[], object]] = {
    "no methods": Model,
    "nothing annotated": lambda: Model(f=no_annotations),
    "no return annotated": lambda: Model(f=no_return),
    "Any": lambda: Model(f=taking(Any)),
    "object": lambda: Model(f=taking(object)),
    "no type at all": lambda: Model(f=taking([1])),
    "Union": lambda: Model(f=taking(Union[int, str])),  # noqa: UP007 - the old spelling is what is tried
    "types with a bar": lambda: Model(f=taking(int | str | None)),
    "optional list": lambda: Model(f=taking(Optional[list[int]])),  # noqa: UP045 - as above
    "optional map": lambda: Model(f=taking(dict[str, int] | None)),
    "None among parameters": lambda: Model(f=taking(None)),
    "dict": lambda: Model(f=taking(dict)),
    "keys that are numbers": lambda: Model(f=taking(dict[int, float])),
    "keys that are Enum members": lambda: Model(f=taking(typing.Mapping[Colour, float])),
    "map of lists": lambda: Model(f=taking(dict[str, list[float]])),
    "map of maps": lambda: Model(f=taking(dict[str, dict[str, float]])),
    "map of optional values": lambda: Model(f=taking(dict[str, float | None])),
    "list of maps": lambda: Model(f=taking(list[dict[str, float]])),
    "list of optional values": lambda: Model(f=taking(list[float | None])),
    "defaultdict": lambda: Model(f=taking(collections.defaultdict[str, int])),
    "tuple": lambda: Model(f=taking(tuple[float, float])),
    "tuple of any length": lambda: Model(f=taking(tuple[float, ...])),
    "bare tuple": lambda: Model(f=taking(tuple)),
    "set": lambda: Model(f=taking(set[int])),
    "bare list": lambda: Model(f=taking(list)),
    "bare typing.List": lambda: Model(f=taking(typing.List)),  # noqa: UP006 - as above
    "bare Sequence": lambda: Model(f=taking(typing.Sequence)),
    "list of lists": lambda: Model(f=taking(list[list[float]])),
    "list of lists in a message": lambda: Model(f=taking(Deep)),
    "list of Any as the result": lambda: Model(f=taking(float, returns=list[Any])),
    "ndarray": lambda: Model(f=taking(np.ndarray)),
    "annotated ndarray without a Tensor": lambda: Model(f=taking(Annotated[np.ndarray, "float32"])),
    "numpy.typing": lambda: Model(f=taking(npt.NDArray[np.float32])),
    "long double scalar": lambda: Model(f=taking(np.longdouble)),
    "data frame": lambda: Model(f=taking(pd.DataFrame)),
    "series": lambda: Model(f=taking(pd.Series)),
    "datetime": lambda: Model(f=taking(datetime)),
    "date": lambda: Model(f=taking(date)),
    "timedelta": lambda: Model(f=taking(timedelta)),
    "complex": lambda: Model(f=taking(complex)),
    "any class": lambda: Model(f=taking(Path)),
    "Literal of numbers": lambda: Model(f=taking(typing.Literal[1, 2])),
    "Literal of other texts": lambda: Model(f=taking(typing.Literal["a b"])),
    "TypeVar": lambda: Model(f=taking(T)),
    "generic class": lambda: Model(f=taking(Box[int])),
    "generic class without a type": lambda: Model(f=taking(Box)),
    "TypedDict": lambda: Model(f=taking(Boxed)),
    "Protocol": lambda: Model(f=taking(Sized)),
    "Callable": lambda: Model(f=taking(collections.abc.Callable[[int], str])),
    "bare Callable": lambda: Model(f=taking(typing.Callable)),
    "Final": lambda: Model(f=taking(Fixed)),
    "ClassVar": lambda: Model(f=taking(typing.ClassVar[int])),
    "generator of a list": lambda: Model(f=one_by_one),
    "generator of an asynchronous stream": lambda: Model(f=one_by_one_of(collections.abc.AsyncIterator[float])),
    "asynchronous generator of a list": lambda: Model(f=later_of(list[float])),
    "asynchronous generator of a stream": lambda: Model(f=later_of(typing.Iterator[float])),
    "stream that has to be awaited": lambda: Model(f=awaited),
    "asynchronous stream for a plain function": lambda: Model(f=taking(typing.AsyncIterator[float])),
    "stream beside another parameter": lambda: Model(f=taking(Point, typing.Iterator[float], names="a, xs")),
    "two streams": lambda: Model(f=taking(typing.Iterator[float], typing.Iterator[float], names="xs, ys")),
    "stream with a default": lambda: Model(f=with_default(typing.Iterable[float], ())),
    "optional stream": lambda: Model(f=taking(typing.Iterator[float] | None)),
    "list of streams": lambda: Model(f=taking(float, returns=list[typing.Iterator[float]])),
    "stream in a message": lambda: Model(f=taking(make_dataclass("Holder", [("xs", typing.Iterable[float])]))),
    "stream of streams": lambda: Model(f=taking(typing.Iterator[collections.abc.Iterator[float]])),
    "stream of nothing": lambda: Model(f=taking(float, returns=typing.Iterator[None])),
    "stream of anything": lambda: Model(f=taking(float, returns=typing.Iterator[Any])),
    "stream of tuples": lambda: Model(f=taking(typing.Iterator[tuple[float, float]])),
    "bare Iterator": lambda: Model(f=taking(typing.Iterator)),
    "bare Iterator of collections.abc": lambda: Model(f=taking(float, returns=collections.abc.AsyncIterator)),
    "Generator as a parameter": lambda: Model(f=taking(collections.abc.Generator[float, None, None])),
    "Generator that is sent values": lambda: Model(f=taking(float, returns=typing.Generator[float, int, None])),
    "Generator that returns a value": lambda: Model(f=taking(float, returns=typing.Generator[float, None, str])),
    "AsyncGenerator that is sent values": lambda: Model(f=taking(float, returns=typing.AsyncGenerator[float, int])),
    "flags": lambda: Model(f=taking(Flags)),
    "enumeration without members": lambda: Model(f=taking(Husks)),
    "enumeration with a bad name": lambda: Model(f=taking(Enum("Größe", "A"))),
    "enumeration with a reserved name": lambda: Model(f=taking(Enum("Model", "A"))),
    "enumeration with a bad member": lambda: Model(f=taking(Enum("Size", {"größe": 1}))),
    "enumeration with members equal but for case": lambda: Model(f=taking(Reversed)),
    "two enumerations of one name": lambda: Model(f=taking(Colour, Enum("Colour", "A"), names="a, b")),
    "an enumeration and a message of one name": lambda: Model(f=taking(Colour, another("Colour"), names="a, b")),
    "a message called like the one that holds it": lambda: Model(f=taking(another("FIn"), int, names="a, b")),
    "default for an optional field": lambda: Model(f=with_default(float | None, 1.0)),
    "default None": lambda: Model(f=with_default(float, None)),
    "default of a list": lambda: Model(f=with_default(list[int], [1])),
    "default of a map": lambda: Model(f=with_default(dict[str, int], {"a": 1})),
    "default of another type": lambda: Model(f=with_default(int, 1.5)),
    "default of another type in a message": lambda: Model(f=taking(Unfit)),
    "default outside of the range": lambda: Model(f=with_default(Annotated[float, About(minimum=0)], -1.0)),
    "default that is no member": lambda: Model(f=with_default(Colour, 1)),
    "default for the whole input": lambda: Model(f=with_default(Point, Point(0))),
    "default that is never the same": lambda: Model(f=taking(Counted)),
    "default that is long": lambda: Model(f=with_default(Annotated[Any, Tensor("int8", 2)], np.arange(99))),
    "default that fails": lambda: Model(f=taking(Failing)),
    "range of a text": lambda: Model(f=taking(Annotated[str, About(minimum=0)])),
    "range that is none": lambda: Model(f=taking(Annotated[float, About(minimum=0), annotated_types.Le(-1)])),
    "bound that leaves itself out": lambda: Model(f=taking(Annotated[float, annotated_types.Gt(0)])),
    "bound that is no number": lambda: Model(f=taking(Annotated[str, annotated_types.Ge("a")])),
    "media type of a number": lambda: Model(f=taking(Annotated[int, About(media_types="image/png")])),
    "media type that is none": lambda: About(media_types="png"),
    "alias that is a path": lambda: Model(f=taking(Nested)),
    "generic pydantic model": lambda: Model(f=taking(Crate[int])),
    "any class in a pydantic model": lambda: Model(f=taking(Odd)),
    "frame without columns": Frame,
    "frame on something else": lambda: Model(f=taking(Annotated[list, Frame(a=int)])),
    "frame of datetimes": lambda: Model(f=taking(frame(when=datetime))),
    "frame of objects": lambda: Frame.of(pd.DataFrame({"a": [1, "x"]}, dtype=object)),
    "frame of a datetime column": lambda: Frame.of(pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])})),
    "frame of categories of numbers": lambda: Frame.of(pd.DataFrame({"a": pd.Categorical([1, 2])})),
    "frame with numbered columns": lambda: Frame.of(pd.DataFrame([[1, 2]])),
    "frame with columns alike": lambda: Frame.of(pd.DataFrame([[1, 2]], columns=["a b", "a-b"])),
    "frame with columns equal but for case": lambda: Model(f=taking(frame(a=int, A=int))),
    "two frames of one name": lambda: Model(f=taking(frame("X", a=int), frame("X", b=int), names="a, b")),
    "bare Tensor": lambda: Model(f=taking(Tensor)),
    "Tensor in parentheses": lambda: Model(f=taking(Tensor("float32", 3))),
    "any number of values": lambda: Model(f=many),
    "any number of names": lambda: Model(f=options),
    "a message that holds itself": lambda: Model(f=taking(Tree)),
    "messages that hold each other": lambda: Model(f=taking(Husband)),
    "two types of one name": lambda: Model(f=taking(Point, another("Point"), names="a, b")),
    "a type called like a generated one": lambda: Model(f=taking(another("FIn"), names="a", returns=another("FIn"))),
    "a type of a generated name": lambda: Model(f=taking(float), g=taking(another("FIn"))),
    "two methods of one generated name": lambda: Model(add_up=plain, addUp=plain),
    "reserved: Model": lambda: Model(f=taking(another("Model"))),
    "reserved: TensorUInt8": lambda: Model(f=taking(another("TensorUInt8"))),
    "reserved: protobuf's word": lambda: Model(f=taking(another("string"))),
    "a method with a hyphen": lambda: Model(**{"do-it": plain}),
    "a method of other letters": lambda: Model(größe=plain),
    "a method that starts with _": lambda: Model(_f=plain),
    "a method that ends in a line break": lambda: Model(**{"f\n": plain}),
    "a long method": lambda: Model(**{"f" * 129: plain}),
    "a parameter of other letters": lambda: Model(f=taking(float, names="größe")),
    "a parameter that starts with _": lambda: Model(f=taking(float, names="_x")),
    "a class of other letters": lambda: Model(f=taking(another("Größe"))),
    "parameters equal but for case": lambda: Model(f=taking(float, float, names="x, X")),
    "fields equal but for _ and case": lambda: Model(f=taking(Cased)),
    "unknown dtype": lambda: Tensor("float33", 3),
    "text dtype": lambda: Tensor(str, 3),
    "negative dimension": lambda: Tensor("float32", -1),
    "huge dimension": lambda: Tensor("float32", 2**31),
    "fractional dimension": lambda: Tensor("float32", 1.5),  # type: ignore[arg-type]
    "true as dimension": lambda: Tensor("float32", True),  # noqa: FBT003 - what is refused
    "dimension with a hyphen": lambda: Tensor("float32", "batch-size"),
    "dimension that starts with _": lambda: Tensor("float32", "_n"),
    "long dimension": lambda: Tensor("float32", "n" * 129),
    "nine dimensions": lambda: Tensor("float32", *range(9)),
    "bad Tensor in a message": lambda: Model(f=taking(BadTensor)),
    "unresolvable forward reference": lambda: Model(f=forward),
    "unresolvable forward reference in a message": lambda: Model(f=taking(Dangling)),
    "annotation with a slip": lambda: Model(f=not_an_attribute),
    "annotation that is no expression": lambda: Model(f=not_an_expression),
    "named tuple without types": lambda: Model(f=taking(Untyped)),
    "field that the constructor does not take": lambda: Model(f=taking(Computed)),
    "constructor that wants more": lambda: Model(f=taking(Seeded)),
    "asynchronous function": lambda: Model(f=waits),
    "built-in function": lambda: Model(f=len),
    "class": lambda: Model(f=Point),
    "object that can be called": lambda: Model(f=Callable_()),
    "partial function": lambda: Model(f=functools.partial(plain, 1)),
    "no function at all": lambda: Model(f=3),  # type: ignore[arg-type]
    "too many fields": lambda: Model(f=taking(WIDE)),
    "too deep": lambda: Model(f=taking(nested(64))),
}  # fmt: skip


def test_every_refusal_says_what_where_why_and_the_way_out(golden: Callable[[Path, str], None]) -> None:
    told = []
    for name, make in REFUSED.items():
        try:
            made = make()
        except SignatureError as error:
            told.append(f"[{name}]\n{error}\n" if error.hint else f"{name} has no hint")
        else:
            pytest.fail(f"{name} is taken: {made}")
    assert not [one for one in told if one.endswith("has no hint")]
    golden(GOLDEN, "\n".join(told))


@pytest.mark.parametrize(
    "name", ["Model", "TensorBool", "TensorFloat16", "double", "bool", "message", "stream", "group"]
)
def test_reserved_names(name: str) -> None:
    assert is_reserved(name)
    with pytest.raises(SignatureError, match="is reserved"):
        Model(f=taking(another(name)))


def test_what_is_nearly_refused_is_taken() -> None:
    Model(self=plain, call=plain, spec=plain)
    Model(f=functools.cache(plain))
    Model(f=Callable_().__call__)
    Model(f=taking(nested(62)))
    Model(f=taking(Annotated[Point, "note"], returns=Annotated[None, {}]))
    Model(f=taking(another("Models")), g=taking(another("TensorFloat")))
    assert repr(Tensor(np.float32, "n", None, 3)) == "Tensor('float32', 'n', None, 3)"
    assert Tensor("bool") == Tensor(np.bool_) == Tensor(bool)
    assert Tensor(np.dtype("int8"), 2) != Tensor("uint8", 2)


def test_an_empty_class_of_ones_own_meets_the_generated_one() -> None:
    class Empty(NamedTuple):
        pass

    def none() -> None: ...

    def own(empty: Empty) -> Empty:
        return empty

    own.__annotations__ = {"empty": Empty, "return": Empty}
    for model in (Model(none=none, own=own), Model(own=own, none=none)):
        assert model.call("own", {}) == model.call("none", {}) == {}
