"""What annotations, defaults and docstrings become in a signature, and what a function is given and may give."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional

import annotated_types
import numpy as np
import pandas as pd
import pytest
import typing_extensions
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator
from pydantic.dataclasses import dataclass as checked

from modelport.errors import CallError, ModelError
from modelport.model import About, Frame, Image, Model, Tensor
from modelport.model import spec as s
from modelport.model.document import Document
from modelport.model.infer import infer_signature

if typing.TYPE_CHECKING:
    from collections.abc import Callable


class Colour(Enum):
    """What the eye sees."""

    RED = 1
    BLUE = 7
    CRIMSON = 1  # noqa: PIE796 - an alias, which is no member of its own


class Level(IntEnum):
    low = 0
    high = -5


class Mood(StrEnum):
    glad = "glad to be here"
    sad = "sad"


class Truth(Enum):
    yes = True
    no = False


class Size(NamedTuple):
    width: float = 1.0


class Shirt(NamedTuple):
    """A shirt.

    Attributes:
        size: How wide it is.
        colour: What it looks like.
    """

    colour: Colour
    size: Annotated[Size, About("its size")] = Size(2.0)


Score = NewType("Score", float)
Share = Annotated[Score, About(minimum=0, maximum=1)]


def taking(*annotations: Any, names: str = "x", returns: Any = None) -> Callable[..., Any]:
    """Return a function of that signature, which gives its first argument back."""
    function = eval(f"lambda {names}: {names.partition(', ')[0]}")  # noqa: S307 - our own text
    function.__annotations__ = dict(zip(names.split(", "), annotations, strict=True)) | {
        "return": annotations[0] if returns is None else returns
    }
    return function  # type: ignore[no-any-return]


def field_of(annotation: Any) -> s.Field:
    """Return the field that a parameter of this annotation, and a second one, become."""
    spec = infer_signature({"f": taking(annotation, int, names="x, other")}).spec
    return spec.message("FIn").fields[0]


TYPES: dict[str, tuple[Any, s.FieldType]] = {
    "int8": (np.int8, s.Scalar("int8")),
    "int16": (np.int16, s.Scalar("int16")),
    "uint8": (np.uint8, s.Scalar("uint8")),
    "uint16": (np.uint16, s.Scalar("uint16")),
    "float16": (np.float16, s.Scalar("float16")),
    "optional": (Optional[float], s.OptionalOf(s.Scalar("double"))),  # noqa: UP045 - the old spelling counts, too
    "optional with a bar": (None | str, s.OptionalOf(s.Scalar("string"))),
    "optional message": (Shirt | None, s.OptionalOf(s.MessageRef("Shirt"))),
    "optional with something around it": (
        Annotated[Optional[Annotated[float, 1]], 2],  # noqa: UP045 - as above
        s.OptionalOf(s.Scalar("double")),
    ),
    "dict": (dict[str, int], s.MapOf(s.Scalar("int64"))),
    "Dict": (typing.Dict[str, bytes], s.MapOf(s.Scalar("bytes"))),  # noqa: UP006 - as above
    "Mapping": (typing.Mapping[str, Shirt], s.MapOf(s.MessageRef("Shirt"))),
    "tensors by name": (dict[str, Annotated[np.ndarray, Tensor("float32", 2)]], s.MapOf(s.TensorOf("float32", (2,)))),
    "Enum": (Colour, s.EnumRef("Colour")),
    "list of members": (list[Colour], s.ListOf(s.EnumRef("Colour"))),
    "Literal": (Literal["a", "b"], s.EnumRef("FInX")),
    "list of Literal": (list[Literal["a", "b"]], s.ListOf(s.EnumRef("FInX"))),
    "NewType": (Share, s.Scalar("double")),
    "type alias": (typing_extensions.TypeAliasType("Width", Share), s.Scalar("double")),
    "image": (Image, s.Scalar("bytes")),
    "frame": (Annotated[pd.DataFrame, Frame(a=int)], s.MessageRef("FInX")),
    "named frame": (Annotated[pd.DataFrame, Frame("Rows", a=int)], s.MessageRef("Rows")),
    "list of frames": (list[Annotated[pd.DataFrame, Frame(a=int)]], s.ListOf(s.MessageRef("FInX"))),
    "JSON object": (Annotated[dict, Document("Options")], s.MessageRef("Options")),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_type_of_an_annotation(name: str) -> None:
    annotation, kind = TYPES[name]
    assert field_of(annotation).type == kind


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (Colour, (("RED", 1), ("BLUE", 7))),
        (Level, (("low", 0), ("high", -5))),
        (Mood, (("glad", 0), ("sad", 1))),
        (Truth, (("yes", 0), ("no", 1))),
        (Enum("Wide", {"A": 2**31, "B": 1}), (("A", 0), ("B", 1))),
    ],
)
def test_the_numbers_of_an_enumeration(kind: type[Enum], members: tuple[tuple[str, int], ...]) -> None:
    found = infer_signature({"f": taking(kind)})
    assert found.spec.enums[0].members == members
    assert found.enums == {kind.__name__: kind}
    assert Model(f=taking(kind)).call("f", {"x": members[-1][0]}) == {"value": members[-1][0]}


def test_an_enumeration_keeps_its_words() -> None:
    spec = infer_signature({"f": taking(Colour), "g": taking(Level)}).spec
    assert [one.doc for one in spec.enums] == ["What the eye sees.", ""]


def test_what_is_said_of_a_value() -> None:
    assert field_of(Annotated[float, About("a length", unit="cm")]).about == About("a length", unit="cm")
    assert field_of(Share).about == About(minimum=0, maximum=1)
    inside = list[Annotated[float, About("inner", minimum=0)]]
    assert field_of(Annotated[inside, About("outer")]).about == About("outer", minimum=0)
    assert field_of(Annotated[inside, "a note", {"of": "no meaning"}]).about == About("inner", minimum=0)
    assert field_of(Annotated[int, annotated_types.Interval(ge=1, le=3)]).about == About(minimum=1, maximum=3)
    assert field_of(Annotated[int, annotated_types.Gt(0), annotated_types.Lt(9)]).about == About(minimum=1, maximum=8)
    assert field_of(Annotated[float, Field(ge=0, description="a share")]).about == About("a share", minimum=0)
    assert field_of(Image).about.media_types == ("image/png", "image/jpeg")


def test_what_is_said_of_the_result() -> None:
    def measure(x: int) -> Annotated[float, About(unit="cm")]:
        """Measure it.

        Returns:
            How long it is.
        """
        return float(x)

    spec = infer_signature({"measure": measure}).spec
    assert spec.message("MeasureOut").fields[0].about == About("How long it is.", unit="cm")
    assert spec.method("measure").doc == "Measure it."


def described(
    width: float, height: Annotated[float, About("as About says")] = 2.0, *, colour: Colour | None = None
) -> int:
    """Describe a thing.

    Args:
        width: How wide it is,
            from left to right.
        height: Not this.
        colour (Colour, optional): What it looks like.

    Raises:
        ValueError: Never.

    Returns:
        int: A number.
    """
    return int(width * height) + (colour is not None)


def test_docstrings_and_defaults_travel() -> None:
    spec = infer_signature({"describe": described}).spec
    assert spec.method("describe").doc == "Describe a thing.\n\nRaises:\n    ValueError: Never."
    width, height, colour = spec.message("DescribeIn").fields
    assert (width.about.doc, width.is_required) == ("How wide it is, from left to right.", True)
    assert (height.about.doc, height.default) == ("as About says", 2.0)
    assert (colour.about.doc, colour.has_default, colour.is_required) == ("What it looks like.", False, False)
    assert spec.message("DescribeOut").fields[0].about.doc == "A number."
    model = Model(describe=described)
    assert model.call("describe", {"width": 3.0}) == {"value": 6}
    assert model.call("describe", {"width": 3.0, "height": 1.0, "colour": "RED"}) == {"value": 4}
    assert model.call("describe", {"width": 3.0, "colour": None}) == {"value": 6}


def test_numpys_sections_are_read_too() -> None:
    def scale(x: float, y: float) -> float:
        """Scale it.

        Parameters
        ----------
        x, y : float
            Two numbers.

        Returns
        -------
        float
            Their product.
        """  # noqa: D416 - NumPy's way
        return x * y

    spec = infer_signature({"scale": scale}).spec
    assert [f.about.doc for f in spec.message("ScaleIn").fields] == ["Two numbers.", "Two numbers."]
    assert spec.message("ScaleOut").fields[0].about.doc == "Their product."
    assert spec.method("scale").doc == "Scale it."


def test_a_section_that_finds_no_place_stays() -> None:
    def look(shirt: Shirt) -> int:
        """Look at it.

        Args:
            shirt: What is looked at.
        """
        return shirt.colour.value

    spec = infer_signature({"look": look}).spec
    assert "shirt: What is looked at." in spec.method("look").doc
    shirt = spec.message("Shirt")
    assert shirt.doc == "A shirt."
    assert [f.about.doc for f in shirt.fields] == ["What it looks like.", "its size"]


_SIZE, _HALF = Size(3.0), np.float32(0.5)


@dataclass
class Settings:
    colour: Colour = Colour.BLUE
    mood: Literal["good", "bad"] = "bad"
    names: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    size: Size = _SIZE
    start: Annotated[np.ndarray, Tensor("float32", 2)] = field(default_factory=lambda: np.ones(2, np.float32))
    raw: bytes = b"\xff"
    rate: np.float32 = _HALF
    rows: Annotated[pd.DataFrame, Frame(n=int)] = field(default_factory=lambda: pd.DataFrame({"n": [1]}))
    note: str | None = None


def test_defaults_of_every_kind() -> None:
    def settings(one: Settings) -> Settings:
        return one

    def pairs(names: typing.Sequence[str] = (), colour: Colour = Colour.RED) -> list[str]:
        return [f"{name} {colour.name}" for name in (*names, "end")]

    model = Model(settings=settings, pairs=pairs)
    defaults = {f.name: f.default for f in model.spec.message("Settings").fields if f.has_default}
    expected = {
        "colour": "BLUE", "mood": "bad", "names": [], "weights": {}, "size": {"width": 3.0}, "start": [1.0, 1.0],
        "raw": "/w==", "rate": 0.5,
        "rows": {"n": [1]},
    }  # fmt: skip
    assert defaults == expected
    assert model.call("settings", {}) == {**expected, "note": None}
    assert model.settings.call_bytes(b"") == model.settings.call_bytes(model.settings.call_bytes(b""))
    assert model.call("pairs", {}) == {"value": ["end RED"]}


class Flower(BaseModel):
    """A flower.

    Attributes:
        petal: Said in the docstring.
    """

    petal: float = Field(gt=0, le=9, alias="petal-width")
    colour: Colour = Field(Colour.RED, description="what it looks like")
    name: Annotated[str, Field(min_length=2), About(media_types="text/plain")] = "iris"
    tags: list[str] = Field(default_factory=list)
    parent: Size | None = None

    @model_validator(mode="after")
    def _check(self) -> Flower:
        if self.name == "no flower":
            raise ValueError("that is no flower")
        return self


@checked
class Bee:
    legs: Annotated[int, Field(ge=6)] = 6


def test_a_pydantic_model_is_a_message() -> None:
    def grow(flower: Flower) -> Flower:
        return flower

    model = Model(grow=grow)
    petal, colour, name, tags, parent = model.spec.message("Flower").fields
    assert (petal.is_required, petal.about) == (True, About("Said in the docstring.", maximum=9))
    assert (colour.default, colour.about.doc) == ("RED", "what it looks like")
    assert (name.default, name.about.media_types) == ("iris", ("text/plain",))
    assert (tags.default, parent.type) == ([], s.OptionalOf(s.MessageRef("Size")))
    assert model.call("grow", {"petal": 2.0}) == {
        "petal": 2.0, "colour": "RED", "name": "iris", "tags": [], "parent": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        ({"petal": -1.0}, ["petal: Input should be greater than 0"]),
        ({"petal": 10.0}, ["petal: is 10.0, above the maximum 9.0"]),
        (
            {"petal": -1.0, "name": "x"},
            ["petal: Input should be greater than 0", "name: String should have at least 2 characters"],
        ),
        (
            {"petal": 1.0, "name": "no flower"},
            ["(the message): Flower refuses these values: Value error, that is no flower"],
        ),
    ],
)
def test_what_a_pydantic_model_refuses_names_the_fields(arguments: dict[str, Any], problems: list[str]) -> None:
    def grow(flower: Flower) -> int:
        return len(flower.name)

    with pytest.raises(CallError) as caught:
        Model(grow=grow).call("grow", arguments)
    assert list(caught.value.problems) == problems


def test_a_pydantic_dataclass_is_a_message() -> None:
    def fly(bee: Bee, far: bool) -> int:  # noqa: FBT001 - as users write
        return bee.legs if far else 0

    model = Model(fly=fly)
    assert model.call("fly", {"bee": {}, "far": True}) == {"value": 6}
    with pytest.raises(CallError, match=r"bee\.legs"):
        model.call("fly", {"bee": {"legs": 5}, "far": True})


Rows = Annotated[
    pd.DataFrame,
    Frame("Rows", {"petal width (cm)": Annotated[float, About("a width", unit="cm", minimum=0)]}, n=int,
          small=np.int8, ok=bool, text=str, kind="category", size=("S", "M"), colour=Colour,
          mood=Literal["up", "down"]),
]  # fmt: skip
ROWS: dict[str, list[Any]] = {
    "petal_width_cm": [0.5, 1.5], "n": [1, 2], "small": [3, 4], "ok": [True, False], "text": ["a", "b"],
    "kind": ["u", "v"], "size": ["M", "S"], "colour": ["RED", "BLUE"],
    "mood": ["up", "up"],
}  # fmt: skip


@pytest.mark.parametrize("rows", [2, 0])
def test_a_data_frame_is_a_table(rows: int) -> None:
    seen: list[pd.DataFrame] = []

    def classify(rows: Rows) -> Rows:
        seen.append(rows)
        return rows

    model = Model(classify=classify)
    arguments = {name: column[:rows] for name, column in ROWS.items()}
    assert model.call("classify", arguments) == arguments
    (frame,) = seen
    assert list(frame.columns) == ["petal width (cm)", *list(ROWS)[1:]]
    text = str(pd.Series(["a"] * rows, dtype=str).dtype)
    numbers = ["float64", "int64", "int8", "bool"]
    assert [str(one) for one in frame.dtypes] == [*numbers, text, "category", "category", "object", text]
    assert list(frame["size"].cat.categories) == ["S", "M"]
    message = model.spec.message("Rows")
    assert message.table
    assert message.fields[0].about == About("a width; column 'petal width (cm)'", unit="cm", minimum=0)
    assert message.fields[6].about.doc == "one of S, M"
    data = model.codec.to_bytes(frame, "Rows")
    assert model.codec.from_bytes(data, "Rows").equals(frame)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"size": ["M", "XL"]}, "size: 'XL' is none of S, M"),
        ({"n": [1]}, "columns differ in length"),
        ({"petal_width_cm": [-1, 0]}, "petal_width_cm"),
        ({"colour": ["RED", "GREY"]}, "colour"),
    ],
)
def test_what_does_not_fit_a_frame(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(CallError, match=problem):
        Model(f=taking(Rows)).call("f", {**ROWS, **change})


def test_a_frame_without_its_columns_is_the_models_fault() -> None:
    def half(x: int) -> Annotated[pd.DataFrame, Frame(a=int, b=int)]:
        return pd.DataFrame({"a": [x]})

    with pytest.raises(ModelError, match=r"b: the data frame has no column 'b'"):
        Model(half=half).call("half", {"x": 1})


def test_missing_text_is_the_models_fault() -> None:
    def half(x: int) -> Annotated[pd.DataFrame, Frame(a=str)]:
        return pd.DataFrame({"a": ["a", None]}) if x else pd.DataFrame({"a": ["b"]})

    assert Model(half=half).call("half", {"x": 0}) == {"a": ["b"]}
    with pytest.raises(ModelError, match=r"a\[1\]"):
        Model(half=half).call("half", {"x": 1})


def test_the_columns_of_a_frame_are_read_from_it() -> None:
    data = pd.DataFrame({
        "sepal length (cm)": [1.0], "n": [1], "ok": [True], "name": ["a"], "small": np.array([1], np.uint8),
        "kind": pd.Categorical(["b"], categories=["a", "b"]), "0": [0.5],
    })  # fmt: skip
    marker = Frame.of(data, "Flowers")
    columns = {"n": int, "ok": bool, "name": str, "small": np.uint8, "kind": ("a", "b")}
    assert marker == Frame("Flowers", {"sepal length (cm)": float, **columns, "0": float})
    assert list(marker.fields) == ["sepal_length_cm", *columns, "column_0"]
    given_back = Model(f=taking(Annotated[pd.DataFrame, marker])).codec
    assert given_back.from_json(given_back.to_json(data, "Flowers"), "Flowers").equals(data)


def test_frames_without_a_name_are_called_by_their_place() -> None:
    one, two = Annotated[pd.DataFrame, Frame(a=int)], Annotated[pd.DataFrame, Frame(b=int)]
    spec = infer_signature({"f": taking(one, returns=two), "g": taking(two, one, names="x, rows", returns=int)}).spec
    assert [m.name for m in spec.messages] == ["FIn", "FOut", "GInX", "GInRows", "GIn", "GOut"]


def test_a_json_object_is_text_that_the_function_gets_as_a_dict() -> None:
    options = Annotated[dict, Document("Options", "what is wanted")]

    def count(given: Any) -> Any:
        return {"keys": len(given)}

    count.__annotations__ = {"given": options, "return": options}
    model = Model(count=count)
    assert model.spec.method("count").input == "Options"
    assert model.call("count", {"value": '{"a": 1, "b": [2]}'}) == {"value": '{"keys": 2}'}
    for text in ("[]", "{", "[" * 100_000):
        with pytest.raises(CallError, match="value: is"):
            model.call("count", {"value": text})


def test_words_and_ranges_are_no_part_of_the_interface() -> None:
    plain = infer_signature({"f": taking(float)}).spec
    told = infer_signature({"f": taking(Annotated[float, About("x", unit="cm", minimum=0)])}).spec
    assert told.proto_package == plain.proto_package
    assert told != plain


@given(st.text("\n -:abArgsetun()*#", max_size=200) | st.text(max_size=60))
def test_any_docstring_is_read(text: str) -> None:
    function = taking(float, float, names="a, b")
    function.__doc__ = text
    told = infer_signature({"f": function}).spec
    assert s.ModelSpec.from_own_json(told.to_json()) == told
