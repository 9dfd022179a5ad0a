"""What does not fit an enumeration, a map, an optional field, a range, a table or a default; and the quick ways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.strategies import json_documents, same

from modelport.errors import CallError, FormatError
from modelport.model import About, Codec, ModelSpec
from modelport.model.exchange import Exchange
from modelport.model.kinds import SCALARS, EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf
from modelport.model.ordinary import ordinary_list
from modelport.model.packed import PACKABLE, pack, unpack
from modelport.model.proto import message_classes
from modelport.model.scalars import scalar_from_json, scalar_from_native
from modelport.model.spec import Enumeration, Field, Message, MethodSpec

COLOUR = Enumeration("Colour", (("RED", 1), ("GREEN", 2)))
ROWS = Message("Rows", (Field("a", ListOf(Scalar("int64"))), Field("b", ListOf(EnumRef("Colour")))), table=True)
FIELDS = (
    Field("choice", EnumRef("Colour")),
    Field("choices", ListOf(EnumRef("Colour"))),
    Field("scores", MapOf(Scalar("int8"))),
    Field("maybe", OptionalOf(Scalar("string"))),
    Field("size", Scalar("double"), About(minimum=0, maximum=1)),
    Field("sizes", ListOf(Scalar("double")), About(minimum=0)),
    Field("grid", TensorOf("float32", (None,)), About(maximum=0.1)),
    Field("count", Scalar("int32"), default=3),
    Field("colour", EnumRef("Colour"), default="GREEN"),
    Field("table", MessageRef("Rows"), default={"a": [1], "b": ["RED"]}),
)
GOOD: dict[str, Any] = {
    "choice": "RED", "choices": [], "scores": {}, "maybe": None, "size": 0.5, "sizes": [], "grid": [],
}  # fmt: skip


def spec_of(*messages: Message, enums: tuple[Enumeration, ...] = (COLOUR,)) -> ModelSpec:
    last = messages[-1].name
    return ModelSpec(messages, (MethodSpec("f", last, last),), enums=enums).with_proto_package()


CODEC = Codec.bare(spec_of(ROWS, Message("All", FIELDS)))
ALL = message_classes(CODEC.spec)["All"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"choice": "BLUE"}, "choice: is 'BLUE', not a Colour: RED, GREEN"),
        ({"choice": 0}, "choice: is unspecified, not a Colour: RED, GREEN"),
        ({"choice": 7}, "choice: is a number that no member has, not a Colour: RED, GREEN"),
        ({"choice": True}, "choice: is true, not a Colour: RED, GREEN"),
        ({"choices": ["RED", None]}, "choices[1]: is null, not a Colour: RED, GREEN"),
        ({"choices": ["RED", {}]}, "choices[1]: is an object, not a Colour: RED, GREEN"),
        ({"scores": {"a": 128}}, 'scores["a"]: is outside -128 to 127, the range of int8'),
        ({"scores": {1: 1}}, 'scores["1"]: has a number for a key, not a string'),
        ({"scores": {"\ud800": 1}}, 'scores["\\ud800"]: is not Unicode text: it holds half of a surrogate pair'),
        ({"scores": [1]}, "scores: is a list, not an object, a map of int8"),
        ({"maybe": 1}, "maybe: is a number, not a string"),
        ({"size": -0.5}, "size: is -0.5, below the minimum 0.0"),
        ({"size": 2}, "size: is 2.0, above the maximum 1.0"),
        ({"size": "NaN"}, "size: is nan, and a range is asked for"),
        ({"sizes": [1, float("nan"), 2]}, "sizes[1]: is nan, and a range is asked for"),
        ({"sizes": [1, 0, -1.5]}, "sizes[2]: is -1.5, below the minimum 0.0"),
        ({"grid": [0.1, 0.2]}, "grid[1]: is 0.20000000298023224, above the maximum 0.10000000149011612"),
        ({"count": None}, "count: is null, not a whole number (int32)"),
        ({"table": {"a": [1], "b": []}}, "table: columns differ in length: a has 1, b has 0"),
    ],
)
def test_json_that_does_not_fit(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(CallError) as caught:
        CODEC.from_json(GOOD | change, "All")
    assert caught.value.problems == (problem,)


def test_what_is_absent_has_its_default() -> None:
    native = CODEC.from_json({k: v for k, v in GOOD.items() if k != "maybe"}, "All")
    assert (native.maybe, native.count, native.colour, native.table) == (None, 3, "GREEN", ([1], ["RED"]))
    sent = ALL(choice=1, size=0.5)
    sent.grid.SetInParent()  # type: ignore[attr-defined]  # made while the tests run
    sent.grid.shape.append(0)  # type: ignore[attr-defined]
    read = CODEC.from_bytes(sent.SerializeToString(), "All")
    assert (read.maybe, read.count, read.colour, read.table) == (None, 3, "GREEN", ([1], ["RED"]))
    zero = ALL.FromString(sent.SerializeToString() + ALL(count=0).SerializeToString())
    assert CODEC.from_bytes(zero.SerializeToString(), "All").count == 0


def test_bytes_that_do_not_fit() -> None:
    sent = ALL(choices=[1, 5], scores={"a": 300}, size=2, sizes=[-1], table={"a": [1]})
    with pytest.raises(CallError) as caught:
        CODEC.from_bytes(sent.SerializeToString(), "All")
    assert caught.value.problems == (
        "choice: is unspecified, not a Colour: RED, GREEN",
        "choices[1]: is a number that no member has, not a Colour: RED, GREEN",
        'scores["a"]: is outside -128 to 127, the range of int8',
        "size: is 2.0, above the maximum 1.0",
        "sizes[0]: is -1.0, below the minimum 0.0",
        "grid: is missing (float32[?])",
        "table: columns differ in length: a has 1, b has 0",
    )


LISTS = spec_of(Message("Lists", tuple(Field(name, ListOf(Scalar(name))) for name in PACKABLE)), enums=())


@given(st.lists(st.integers(0, 300), max_size=5), st.sampled_from(PACKABLE))
def test_numbers_that_are_not_packed_are_read_as_others_are(values: list[int], name: str) -> None:
    codec, number = Codec.bare(LISTS), PACKABLE.index(name) + 1
    whole = message_classes(LISTS)["Lists"](**{name: [bool(v) if name == "bool" else v for v in values]})
    expected = codec.from_bytes(whole.SerializeToString(), "Lists")
    parts = [message_classes(LISTS)["Lists"](**{name: [v]}) for v in getattr(whole, name)]
    assert codec.from_bytes(b"".join(p.SerializeToString() for p in parts), "Lists") == expected, "in pieces"
    wire = {"double": 1, "float": 5}.get(name, 0)
    one_by_one = [bytes([number << 3 | wire]) + pack([v], name) for v in getattr(whole, name)]
    assert codec.from_bytes(b"".join(one_by_one), "Lists") == expected, "one by one"
    assert codec.from_bytes(whole.SerializeToString() + b"\xf8\x07\x01", "Lists") == expected, "an unknown field"


@given(st.binary(max_size=20), st.sampled_from(PACKABLE))
def test_packed_bytes_are_protobufs(data: bytes, name: str) -> None:
    number = PACKABLE.index(name) + 1
    sent = bytes([number << 3 | 2, len(data)]) + data
    try:
        expected = list(getattr(message_classes(LISTS)["Lists"].FromString(sent), name))
    except Exception:  # noqa: BLE001 - protobuf's DecodeError; then ours is a misfit
        with pytest.raises(CallError, match="is not the protobuf message"):
            Codec.bare(LISTS).from_bytes(sent, "Lists")
    else:
        assert same(getattr(Codec.bare(LISTS).from_bytes(sent, "Lists"), name), expected)
        assert same(unpack(pack(expected, name), name), expected)


@given(st.sampled_from([s for s in SCALARS if s != "bytes"]), st.lists(json_documents | st.integers() | st.floats()))
def test_the_quick_way_is_the_slow_one(name: str, values: list[Any]) -> None:
    found = ordinary_list(values, name)
    for read in (scalar_from_json, scalar_from_native):
        exchange = Exchange()
        one_by_one = [read(value, name, "", exchange) for value in values]
        if found is not None:
            assert not exchange.count
            assert same(found, one_by_one)


def with_default(kind: Any, default: Any, about: About = About()) -> dict[str, Any]:  # noqa: B008 - it never changes
    return spec_of(ROWS, Message("A", (Field("x", kind, about, default),))).to_json()


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (with_default(Scalar("int8"), 300), "A.x: the default: is outside -128 to 127"),
        (with_default(Scalar("int8"), 3, About(maximum=2)), "A.x: the default: is 3, above the maximum 2"),
        (with_default(EnumRef("Colour"), "BLUE"), "A.x: the default: is 'BLUE', not a Colour"),
        (with_default(ListOf(Scalar("bool")), [True]), "A.x: list of bool cannot have a default"),
        (with_default(OptionalOf(Scalar("bool")), True), "A.x: optional bool cannot have a default"),  # noqa: FBT003 - the default
        (with_default(MessageRef("Rows"), {"a": [1], "b": []}), "A.x: the default: columns differ in length"),
        (with_default(Scalar("double"), float("nan")), "A.x: the default is not JSON"),
        (with_default(Scalar("string"), "a" * 70_000), "A.x: the default is longer than 65536 characters"),
    ],
)
def test_a_default_that_does_not_fit(document: dict[str, Any], told: str) -> None:
    for read in (ModelSpec.from_json, ModelSpec.from_own_json):
        with pytest.raises(FormatError) as caught:
            read(document)
        assert told in str(caught.value)


def test_a_deep_default_is_refused() -> None:
    document = with_default(Scalar("double"), 0)
    document["messages"][1]["fields"][0]["default"] = nested(100_000)
    for read in (ModelSpec.from_json, ModelSpec.from_own_json):
        with pytest.raises(FormatError):
            read(document)


def test_defaults_that_lean_on_each_other_are_counted_before_they_are_made() -> None:
    messages = [Message("M0")]
    for level in range(1, 41):
        kind = MessageRef(f"M{level - 1}")
        messages.append(Message(f"M{level}", (Field("a", kind, default={}), Field("b", kind, default={}))))
    with pytest.raises(FormatError, match="the defaults make more than 10000 messages"):
        ModelSpec.from_json(spec_of(*messages, enums=()).to_json())
