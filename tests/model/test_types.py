"""Every type that a signature has, each both ways through native, JSON and protobuf, with protoc's classes as judge."""

from __future__ import annotations

import enum
import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model.protobuf_json import as_protobuf, without_tensors
from tests.model.strategies import natives, same

from modelport.model import About, Frame, Image, Model, Tensor
from modelport.model.kinds import (
    DTYPES,
    SCALARS,
    EnumRef,
    FieldType,
    ListOf,
    MapOf,
    MessageRef,
    OptionalOf,
    Scalar,
    Single,
    TensorOf,
    single,
)
from modelport.model.proto import proto_text

if TYPE_CHECKING:
    from types import ModuleType

CASES = max(100, settings().max_examples)


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Level(enum.IntEnum):
    LOW = -5
    NONE = 0
    HIGH = 7


class Spot(NamedTuple):
    x: float
    colour: Colour


@dataclass
class Drawing:
    spots: list[Spot]
    levels: dict[str, Level]
    best: Spot | None = None
    title: str = "untitled"


SINGLES: dict[str, tuple[Any, Single]] = {
    "double": (float, Scalar("double")),
    "float": (np.float32, Scalar("float")),
    "int32": (np.int32, Scalar("int32")),
    "int64": (int, Scalar("int64")),
    "uint32": (np.uint32, Scalar("uint32")),
    "uint64": (np.uint64, Scalar("uint64")),
    "bool": (bool, Scalar("bool")),
    "string": (str, Scalar("string")),
    "bytes": (bytes, Scalar("bytes")),
    "int8": (np.int8, Scalar("int8")),
    "int16": (np.int16, Scalar("int16")),
    "uint8": (np.uint8, Scalar("uint8")),
    "uint16": (np.uint16, Scalar("uint16")),
    "float16": (np.float16, Scalar("float16")),
    "enum": (Colour, EnumRef("Colour")),
    "enum_of_integers": (Level, EnumRef("Level")),
    "message": (Spot, MessageRef("Spot")),
    "tensor": (Annotated[np.ndarray, Tensor("float64", "n", None, 2)], TensorOf("float64", ("n", None, 2))),
}
TENSORS: dict[str, tuple[Any, FieldType]] = {
    f"tensor_{dtype}": (Annotated[np.ndarray, Tensor(dtype, "n", 2)], TensorOf(dtype, ("n", 2))) for dtype in DTYPES
}
HELD: dict[str, tuple[Any, Any]] = {
    f"{holder}_{name}": (annotate(annotation), kind(item))
    for holder, annotate, kind in (
        ("list", lambda a: list[a], ListOf),  # type: ignore[valid-type]  # the annotations are made here
        ("map", lambda a: dict[str, a], MapOf),  # type: ignore[valid-type]
        ("optional", lambda a: a | None, OptionalOf),
    )
    for name, (annotation, item) in SINGLES.items()
}
MORE: dict[str, tuple[Any, FieldType]] = {
    "message_of_all": (Drawing, MessageRef("Drawing")),
    "image": (Image, Scalar("bytes")),
    "in_range": (Annotated[float, About(minimum=0, maximum=1)], Scalar("double")),
    "short_in_range": (Annotated[np.float32, About(minimum=0.1, maximum=0.7)], Scalar("float")),
    "list_in_range": (Annotated[list[int], About(minimum=-1, maximum=9)], ListOf(Scalar("int64"))),
    "map_in_range": (Annotated[dict[str, np.float16], About(maximum=0.1)], MapOf(Scalar("float16"))),
    "tensor_in_range": (
        Annotated[np.ndarray, Tensor("int8", "n", 2), About(minimum=0)],
        TensorOf("int8", ("n", 2)),
    ),
    "table": (
        Annotated[pd.DataFrame, Frame("Flowers", length=float, width=np.float32, count=int, name=str, open=bool)],
        MessageRef("Flowers"),
    ),
    "table_of_choices": (
        Annotated[pd.DataFrame, Frame("Choices", colour=Colour, small=np.int8, kind="category")],
        MessageRef("Choices"),
    ),
}
TYPES: dict[str, tuple[Any, Any]] = SINGLES | TENSORS | HELD | MORE


def method(annotation: object) -> Any:
    def give(value, *, other: int):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001 - given below
        return value

    give.__annotations__ |= {"value": annotation, "other": int, "return": type(None)}
    return give


MODEL = Model(**{name: method(annotation) for name, (annotation, _) in TYPES.items()})
CODEC, SPEC = MODEL.codec, MODEL.spec


def message_of(name: str) -> str:
    return SPEC.method(name).input


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The classes that protoc makes of our ``.proto`` text."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "types.proto").write_text(proto_text(SPEC), "utf-8")
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}", "types.proto"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = importlib.util.spec_from_file_location("types_pb2", folder / "types_pb2.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_table_has_every_type() -> None:
    singles = [kind for _, kind in SINGLES.values()]
    assert {k.name for k in singles if isinstance(k, Scalar)} == set(SCALARS)
    assert {type(single(kind)) for kind in singles} == {Scalar, EnumRef, MessageRef, TensorOf}
    assert {type(kind) for _, kind in TYPES.values()} == {
        Scalar, EnumRef, MessageRef, TensorOf, ListOf, MapOf, OptionalOf,
    }  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_the_annotation_gives_the_type(name: str) -> None:
    (field, _) = SPEC.message(message_of(name)).fields
    assert field.type == TYPES[name][1]


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=CASES)
@given(data=st.data())
def test_there_and_back(name: str, judge: ModuleType, data: st.DataObject) -> None:
    message = message_of(name)
    value = data.draw(natives(CODEC, message))
    raw, document = CODEC.to_bytes(value, message), CODEC.to_json(value, message)
    assert same(CODEC.from_bytes(raw, message), value)
    assert same(value, CODEC.from_json(document, message), by_json=True)

    # They read what we write, field by field, and we read what they write of it.
    kind = getattr(judge, message)
    read = kind.FromString(raw)
    theirs = kind(**{f.name: part for f, part in read.ListFields()})
    assert theirs.SerializeToString(deterministic=True) == raw
    assert same(CODEC.from_bytes(theirs.SerializeToString(), message), value)

    # Their JSON is ours, and they read ours, where both say how.
    shown = MessageToDict(read, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    ours = as_protobuf(document, MessageRef(message), SPEC)
    assert ours == without_tensors(shown, message, SPEC)
    if not isinstance(single(TYPES[name][1]), TensorOf):
        try:
            parsed = ParseDict(ours, kind())
        except ParseError as error:  # it does not read the greatest short float that it writes
            assert "Float value too" in str(error)  # noqa: PT017 - most values raise nothing
        else:
            assert same(CODEC.from_bytes(parsed.SerializeToString(), message), value)
