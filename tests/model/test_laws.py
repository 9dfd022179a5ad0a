"""The laws of the codec: what goes out comes back, by JSON and by protobuf, for every type there is."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.samples import EVERYTHING, Point, Scalars, add, tensor
from tests.model.strategies import natives, same, signatures

from modelport.model import Codec, Model, ModelSpec, Tensor

Images = Annotated[np.ndarray, Tensor("float32", "n", "c")]
Factors = Annotated[np.ndarray, Tensor("float32", "c")]
MESSAGES = sorted(EVERYTHING.codec.types)


@pytest.mark.parametrize("message", MESSAGES)
@given(data=st.data())
def test_both_forms_give_the_value_back(message: str, data: st.DataObject) -> None:
    codec = EVERYTHING.codec
    value = data.draw(natives(codec, message))
    raw = codec.to_bytes(value, message)
    assert same(codec.from_bytes(raw, message), value)
    assert same(value, codec.from_json(codec.to_json(value, message), message), by_json=True)
    assert codec.to_bytes(codec.from_bytes(raw, message), message) == raw, "the bytes are a function of the value"


@given(data=st.data())
def test_any_signature_carries_its_values(data: st.DataObject) -> None:
    codec = Codec.bare(data.draw(signatures()))
    message = data.draw(st.sampled_from(codec.spec.messages)).name
    value = data.draw(natives(codec, message))
    raw, document = codec.to_bytes(value, message), codec.to_json(value, message)
    assert codec.to_bytes(codec.from_bytes(raw, message), message) == raw
    assert codec.to_json(codec.from_bytes(raw, message), message) == document
    assert codec.to_json(codec.from_json(document, message), message) == document


@pytest.mark.parametrize("name", ["scalars", "lists", "tensors", "spread", "typed", "nothing"])
@given(data=st.data())
def test_a_json_call_and_a_protobuf_call_agree(name: str, data: st.DataObject) -> None:
    method, codec = EVERYTHING.methods[name], EVERYTHING.codec
    value = data.draw(natives(codec, method.spec.input))
    by_bytes = codec.from_bytes(method.call_bytes(codec.to_bytes(value, method.spec.input)), method.spec.output)
    by_json = codec.from_json(method.call_json(codec.to_json(value, method.spec.input)), method.spec.output)
    assert same(by_bytes, by_json, by_json=True)


@given(signatures())
def test_a_signature_survives_its_json(spec: ModelSpec) -> None:
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_an_inferred_signature_survives_its_json() -> None:
    assert ModelSpec.from_json(EVERYTHING.spec.to_json()) == EVERYTHING.spec


def one_field(annotation: object) -> Codec:
    def method(value) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001 - given below

    method.__annotations__ = {"value": annotation, "return": None}
    return Model(method=method).codec


def through_both(annotation: object, value: object) -> list[Any]:
    codec = one_field(annotation)
    native = codec.types["MethodIn"](value)
    document = codec.to_json(native, "MethodIn")
    return [
        document["value"],
        codec.from_json(document, "MethodIn").value,
        codec.from_bytes(codec.to_bytes(native, "MethodIn"), "MethodIn").value,
    ]


@pytest.mark.parametrize(
    ("annotation", "value", "document"),
    [
        (float, math.inf, "Infinity"),
        (float, -math.inf, "-Infinity"),
        (float, 5e-324, 5e-324),
        (float, 1.7976931348623157e308, 1.7976931348623157e308),
        (np.float32, 3.4028234663852886e38, 3.4028235e38),
        (np.float32, 1.401298464324817e-45, 1e-45),
        (int, 2**63 - 1, 2**63 - 1),
        (int, -(2**63), -(2**63)),
        (np.uint64, 2**64 - 1, 2**64 - 1),
        (np.int32, -(2**31), -(2**31)),
        (np.uint32, 2**32 - 1, 2**32 - 1),
        (str, "", ""),
        (str, "\0 snow ☃ 𝄞", "\0 snow ☃ 𝄞"),
        (bytes, b"\xff\x00", "/wA="),
        (list[int], [], []),
    ],
)
def test_extremes(annotation: object, value: object, document: object) -> None:
    written, *read = through_both(annotation, value)
    assert written == document or float(written) == pytest.approx(document, rel=1e-6)
    assert read == [value, value]


def test_minus_zero_and_nan_survive() -> None:
    for annotation in (float, np.float32):
        assert [math.copysign(1, v) for v in through_both(annotation, -0.0)] == [-1, -1, -1]
        written, *read = through_both(annotation, math.nan)
        assert written == "NaN"
        assert all(math.isnan(v) for v in read)


def test_a_short_float_is_rounded_once_and_written_short() -> None:
    assert through_both(np.float32, 0.1) == [0.1, 0.10000000149011612, 0.10000000149011612]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_short_float_is_written_with_the_fewest_digits(value: float) -> None:
    written = through_both(np.float32, value)[0]
    assert np.float32(written) == np.float32(value)
    assert len(repr(written)) <= max(len(str(np.float32(value))), len(repr(float(str(np.float32(value))))))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype="float32").reshape(3, 4).T,
        np.arange(24, dtype="float32").reshape(4, 6)[::2, ::-2],
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype="float32").reshape(2, 3)),
        np.arange(6, dtype="float16").reshape(2, 3),
        np.arange(6, dtype="int16").reshape(2, 3),
        np.zeros((0, 3), "float32"),
        np.zeros((3, 0), "float32"),
    ],
    ids=[
        "transposed",
        "strided",
        "big-endian",
        "column-major",
        "narrower float",
        "narrower integer",
        "no rows",
        "no columns",
    ],
)
def test_an_array_of_any_layout(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    written, by_json, by_bytes = through_both(tensor("float32", "n", None), array)
    assert written == array.astype("float64").tolist()
    assert same(by_bytes, array.astype("float32"))
    assert same(by_bytes, by_json, by_json=True)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_special_floats_in_tensors(dtype: str) -> None:
    values = np.array([math.nan, math.inf, -math.inf, -0.0, 0.1], dtype)
    written, by_json, by_bytes = through_both(tensor(dtype, 5), values)
    assert written == ["NaN", "Infinity", "-Infinity", -0.0, 0.1]
    assert same(by_json, values)
    assert same(by_bytes, values)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_the_ends_of_integer_tensors(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.array([limits.min, limits.max], dtype)
    written, by_json, by_bytes = through_both(tensor(dtype, 2), values)
    assert written == [limits.min, limits.max]
    assert same(by_json, values)
    assert same(by_bytes, values)


def test_64_bit_integers_may_be_strings() -> None:
    codec = one_field(np.uint64)
    assert codec.from_json({"value": "18446744073709551615"}, "MethodIn").value == 2**64 - 1
    assert codec.from_json({"value": 7.0}, "MethodIn").value == 7
    codec = one_field(tensor("int64", 2))
    assert codec.from_json({"value": ["-9223372036854775808", 1]}, "MethodIn").value.tolist() == [-(2**63), 1]


def test_no_elements_take_the_declared_inner_dimensions() -> None:
    codec = one_field(tensor("uint8", "n", 28, "c"))
    assert codec.from_json({"value": []}, "MethodIn").value.shape == (0, 28, 0)


def test_a_guessed_inner_dimension_binds_nothing() -> None:
    def scale(images: Images, factors: Factors) -> None: ...

    codec = Model(scale=scale).codec
    before = codec.from_json({"images": [], "factors": [1, 2, 3]}, "ScaleIn")
    assert before.images.shape == (0, 3)
    assert codec.to_json(before, "ScaleIn") == {"images": [], "factors": [1.0, 2.0, 3.0]}

    def swapped(factors: Factors, images: Images) -> None: ...

    after = Model(swapped=swapped).codec.from_json({"images": [], "factors": [1, 2, 3]}, "SwappedIn")
    assert after.images.shape == (0, 3)


def test_a_dataclass_is_made_once() -> None:
    made = []

    class Counted(Point):
        __slots__ = ()

        def __new__(cls, *args: float, **fields: float) -> Self:
            made.append(1)
            return super().__new__(cls, *args, **fields)

    def identity(point: Counted) -> Counted:
        return point

    identity.__annotations__ = {"point": Counted, "return": Counted}
    Model(identity=identity).call("identity", {"x": 1.0, "y": 2.0})
    assert made == [1]


def test_the_sample_covers_every_scalar() -> None:
    assert {f.type.to_json()["scalar"] for f in EVERYTHING.spec.message(Scalars.__name__).fields} == {
        "double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes",
    }  # fmt: skip
    assert Model(add=add).call("add", {"x": 1, "y": 2}) == {"value": 3}
