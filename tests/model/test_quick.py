"""The quick way: what it gives is what the way that explains gives, and whoever calls cannot tell them apart."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.samples import EVERYTHING, tensor
from tests.model.strategies import json_documents, natives, signatures

from modelport.errors import CallError, ModelError
from modelport.model import About, Codec, Model, Tensor
from modelport.model.ordinary import native_list, native_lister
from modelport.model.quick_wire import pieces
from modelport.model.spec import MethodSpec


class Small(NamedTuple):
    floats: list[float]
    whole: list[int]
    wide: list[np.uint64]
    truths: list[bool]
    near: Annotated[list[float], About(minimum=-1, maximum=1)]
    rows: Annotated[np.ndarray, Tensor("float64", "n", 2)]
    numbers: Annotated[np.ndarray, Tensor("int64", "n")]
    octets: Annotated[np.ndarray, Tensor("uint8", None, "m")]


class Words(NamedTuple):
    text: str
    texts: list[str]
    whole: int
    number: float
    truth: bool


class Columns(NamedTuple):
    length: list[float]
    width: list[float]


@dataclass
class Points:
    x: list[float]
    y: list[float]
    z: list[float]


class Pair(NamedTuple):
    left: Annotated[np.ndarray, Tensor("float64", "n")]
    right: Annotated[np.ndarray, Tensor("int64", "n")]


def small(one: Small) -> Small:
    return one


def words(one: Words) -> Words:
    return one


def pair(one: Pair) -> Pair:
    return one


def columns(one: Columns) -> Points:
    return Points(one.length, one.width, [])


QUICK = Model(small=small, words=words, pair=pair, columns=columns)
CODECS = [(QUICK.codec, m.name) for m in QUICK.spec.messages] + [
    (EVERYTHING.codec, m.name) for m in EVERYTHING.spec.messages
]
SMALL = Small(
    [1.0, 2.5],
    [-1, 300],
    np.array([2**64 - 1], "u8").tolist(),
    [True],
    [0.5],
    np.array([[1.0, 2.0]]),
    np.array([7]),
    np.ones((2, 3), "u1"),
)


def check_natives(codec: Codec, message: str, native: Any) -> None:
    """Check the quick ways to and from both forms of *native*."""
    document, raw = codec.to_json(native, message), codec.to_bytes(native, message)
    method = MethodSpec("m", message, message)
    by_json, by_bytes = codec.json_way(method), codec.bytes_way(method)
    assert repr(by_json.quick_write(native, {})) in {repr(document), "None"}
    assert by_bytes.quick_write(native, {}) in {raw, None}
    check_given(codec, message, document)
    check_given(codec, message, raw)


def check_given(codec: Codec, message: str, given: object) -> None:
    """Check that what is given is read quickly only if it is right, and then as it should be."""
    method = MethodSpec("m", message, message)
    way = codec.bytes_way(method) if isinstance(given, bytes) else codec.json_way(method)
    quick, found = way.quick_read(given, {}), codec.exchange()
    if quick is not None:
        native = way.read(given, message, found)
        assert repr(quick) == repr(native)
        assert codec.to_bytes(quick, message) == codec.to_bytes(native, message)
        sizes: dict[str, tuple[int, str]] = {}
        way.quick_read(given, sizes)
        assert sizes == found.sizes


@pytest.mark.parametrize(("codec", "message"), CODECS, ids=[message for _, message in CODECS])
@given(data=st.data())
def test_the_quick_way_gives_the_same(codec: Codec, message: str, data: st.DataObject) -> None:
    check_natives(codec, message, data.draw(natives(codec, message)))


@given(data=st.data())
def test_the_quick_way_gives_the_same_for_any_signature(data: st.DataObject) -> None:
    codec = Codec.bare(data.draw(signatures()))
    message = data.draw(st.sampled_from(codec.spec.messages)).name
    check_natives(codec, message, data.draw(natives(codec, message)))


@pytest.mark.parametrize("message", ["Small", "Words", "Pair", "Columns", "Points"])
@given(data=st.data())
def test_flipped_and_cut_bytes(message: str, data: st.DataObject) -> None:
    raw = bytearray(QUICK.codec.to_bytes(data.draw(natives(QUICK.codec, message)), message))
    for place in data.draw(st.lists(st.integers(0, max(len(raw) - 1, 0)), max_size=4)):
        if raw:
            raw[place] ^= data.draw(st.integers(1, 255))
    check_given(QUICK.codec, message, bytes(raw[: data.draw(st.integers(0, len(raw)))]))


@pytest.mark.parametrize("message", ["Small", "Words", "Pair", "Columns", "Points"])
@given(data=st.data())
def test_documents_with_one_other_field(message: str, data: st.DataObject) -> None:
    document = QUICK.codec.to_json(data.draw(natives(QUICK.codec, message)), message)
    document[data.draw(st.sampled_from([*document, "other"]))] = data.draw(json_documents)
    check_given(QUICK.codec, message, document)


def test_ordinary_messages_go_the_quick_way() -> None:
    way, wire = (one(MethodSpec("m", "Small", "Small")) for one in (QUICK.codec.json_way, QUICK.codec.bytes_way))
    assert way.quick_read(way.quick_write(SMALL, {}), {}) is not None
    assert wire.quick_read(wire.quick_write(SMALL, {}), {}) is not None
    way = QUICK.codec.json_way(MethodSpec("m", "Words", "Words"))
    assert way.quick_read(way.quick_write(Words("", [], 0, 0.0, truth=False), {}), {}) is not None


@pytest.mark.parametrize(("message", "kind"), [("Columns", Columns), ("Points", Points)])
@given(numbers=st.lists(st.floats(width=64), min_size=3, max_size=3))
def test_one_row_of_doubles_goes_the_quick_way(message: str, kind: type, numbers: list[float]) -> None:
    way = QUICK.codec.bytes_way(MethodSpec("m", message, message))
    row = kind(*([one] for one in numbers[: len(kind.__annotations__)]))
    raw = way.quick_write(row, {})
    assert repr(way.quick_read(raw, {})) == repr(row)
    check_given(QUICK.codec, message, raw)


@pytest.mark.parametrize("kind", [list[float], list[int]])
@pytest.mark.parametrize("count", [1, 15, 16, 31, 32, 300])
def test_messages_of_any_number_of_fields(kind: Any, count: int) -> None:
    names = [f"field{number}" for number in range(count)]
    wide: Any = namedtuple("Wide", " ".join(names))  # type: ignore[misc]  # noqa: PYI024 - its fields are made here
    wide.__annotations__ = dict.fromkeys(names, kind)

    def first(one: Any) -> Any:
        return one

    first.__annotations__ = {"one": wide, "return": wide}
    model = Model(first=first)
    row = model.codec.to_bytes(wide(*([kind.__args__[0](number)] for number in range(count))), "Wide")
    assert model.methods["first"].call_bytes(row) == row
    check_given(model.codec, "Wide", row)


@pytest.mark.parametrize("count", [1, 64, 65, 2**16, 2**16 + 1])
@pytest.mark.parametrize("odd", [10**400, -(10**400), 0.5, 7, True, "1", None, [0.5], float("nan")], ids=repr)
def test_a_tensor_of_any_length_with_an_odd_element(count: int, odd: object) -> None:
    document = {"left": [0.25] * (count - 1) + [odd], "right": [1] * count}
    check_given(QUICK.codec, "Pair", document)


ARRAYS = [
    np.array([1, 2, 200]),
    np.array([1, 2], "u1"),
    np.array([[1]]),
    np.array([True]),
    np.array([0.5]),
    np.array([0.5], "f4"),
    np.array(["a"]),
    np.ma.masked_equal([1, 2], 2),
    pd.Series([1, 2]),
    pd.Series([1, None]),
    pd.Series([1, None], dtype="Int64"),
    [1, 2],
    (0.5,),
    [None],
    7,
]


@pytest.mark.parametrize("name", ["int64", "uint8", "double", "float", "bool", "string"])
@given(order=st.lists(st.sampled_from(range(len(ARRAYS)))))
def test_what_was_listed_before_changes_nothing(name: str, order: list[int]) -> None:
    listed = native_lister(name)
    for number in order:
        assert repr(listed(ARRAYS[number], {})) == repr(native_list(ARRAYS[number], name))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384])
def test_pieces_of_any_length(size: int) -> None:
    number = QUICK.codec.to_bytes(SMALL._replace(truths=[True] * size), "Small")
    found = pieces(number)
    assert found is not None
    assert len(found.get(4 << 3 | 2, b"")) == size


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a",
        b"\x0a\x01",
        b"\x0a\x80",
        b"\x0a\x00\x0a\x00",
        b"\x08\x01",
        b"\x8a\x00\x00",
        b"\x0a" + b"\x80" * 9,
        "",
        7,
    ],
)
def test_what_is_no_pieces_for_the_quick_way(data: object) -> None:
    assert pieces(data) is None


def test_a_named_dimension_binds_input_and_answer_and_the_function_is_called_once() -> None:
    calls = []

    def double(
        rows: Annotated[np.ndarray, Tensor("float64", "n")],
    ) -> tensor("float64", "n"):  # type: ignore[valid-type]
        calls.append(rows)
        return np.concatenate([rows, rows])

    model = Model(double=double)
    said = "double gave an answer that does not fit its signature: value: dimension 'n' is 4, in rows it is 2"
    with pytest.raises(ModelError) as by_json:
        model.double.call_json({"rows": [1.0, 2.0]})
    with pytest.raises(ModelError) as by_bytes:
        model.double.call_bytes(DOUBLE)
    assert str(by_json.value) == str(by_bytes.value) == said
    assert len(calls) == 2
    with pytest.raises(CallError):
        model.double.call_json({"rows": ["1"]})
    assert len(calls) == 2


DOUBLE = b"\x0a\x15\x0a\x01\x02\x12\x10" + np.ones(2).tobytes()
