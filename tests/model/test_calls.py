"""Calls: all that is wrong with arguments at once, and whose fault a failure is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pytest
from tests.model.samples import tensor

from modelport.errors import CallError, FormatError, InputError, ModelError
from modelport.model import Codec, Evaluation, Example, Model, Tensor
from modelport.model.proto import message_classes

if TYPE_CHECKING:
    from collections.abc import Callable

Pixels = Annotated[np.ndarray, Tensor("uint8", "n", 2)]
Table = Annotated[np.ndarray, Tensor("float32", "n", "m")]
Free = Annotated[np.ndarray, Tensor("float32", None, None)]
Short = Annotated[np.ndarray, Tensor("int16", 1)]
Half = Annotated[np.ndarray, Tensor("float16", 1)]
Pair = Annotated[np.ndarray, Tensor("float32", 2)]
Row = Annotated[np.ndarray, Tensor("float64", "n")]


class Point(NamedTuple):
    x: float
    y: int


@dataclass
class Path:
    name: str
    points: list[Point]
    closed: bool


class Output(NamedTuple):
    value: float
    labels: list[int]


def measure(path: Path, image: Pixels) -> float:  # noqa: ARG001 - the signature is what is tried
    return float(len(path.points))


MEASURE = Model(measure=measure)
GOOD = {"path": {"name": "p", "points": [], "closed": False}, "image": [[1, 2]]}


def problems_of(document: object, codec: Codec = MEASURE.codec, message: str = "MeasureIn") -> list[str]:
    with pytest.raises(CallError) as caught:
        codec.from_json(document, message)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return list(caught.value.problems)


def test_all_misfits_of_json_arguments_are_told_at_once() -> None:
    points = [{"x": 1, "y": 2}, {"x": "one", "y": 2.5}, {"y": 2**63}, {"x": True, "y": False, "z": 1}, 7]
    document = {"path": {"name": None, "points": points, "close": 1}, "image": [[1, 2], [3, 256]], "extra": {}}
    assert problems_of(document) == [
        "path.name: is null, not a string",
        "path.points[1].x: is a string, not a number (double)",
        "path.points[1].y: is a number, not a whole number (int64)",
        "path.points[2].x: is missing (double)",
        "path.points[2].y: is outside -9223372036854775808 to 9223372036854775807, the range of int64",
        "path.points[3].x: is true, not a number (double)",
        "path.points[3].y: is false, not a whole number (int64)",
        "path.points[3].z: Point has no such field; it has x, y",
        "path.points[4]: is a number, not an object with Point's fields",
        "path.closed: is missing (bool)",
        "path.close: Path has no such field; it has name, points, closed",
        "image[1][1]: is outside 0 to 255, the range of uint8",
        "extra: MeasureIn has no such field; it has path, image",
    ]


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (None, "image: is null, not nested lists for uint8[n, 2]"),
        (7, "image: is a number, not nested lists for uint8[n, 2]"),
        ({"a": 1}, "image: is an object, not nested lists for uint8[n, 2]"),
        ([1, 2], "image: has 1 dimensions, uint8[n, 2] has 2"),
        ([[[1, 2]]], "image: has 3 dimensions, uint8[n, 2] has 2"),
        ([[1, 2, 3]], "image: dimension 1 is 3, uint8[n, 2] has 2"),
        ([[1, 2], [3]], "image: is not an array of uint8[n, 2]: its lists differ in length or depth"),
        ([[1, [2]]], "image: is not an array of uint8[n, 2]: its lists differ in length or depth"),
        ([[1, True]], "image[0][1]: is true, not a whole number (uint8)"),
        ([[1, 2.5]], "image[0][1]: is a number, not a whole number (uint8)"),
        ([["1", 2]], "image[0][0]: is a string, not a whole number (uint8)"),
        ([[{}, -1]], "image[0][0]: is an object, not a whole number (uint8)"),
        ([[10**30, 1]], "image[0][0]: is outside 0 to 255, the range of uint8"),
    ],
)
def test_a_tensor_that_does_not_fit(image: object, problem: str) -> None:
    assert problems_of(GOOD | {"image": image})[0] == problem


@pytest.mark.parametrize(
    ("annotation", "value", "problem"),
    [
        (float, 10**400, "is beyond the range of double"),
        (np.float32, 1e39, "is beyond the range of float"),
        (float, "nan", "is a string, not a number (double)"),
        (int, 1e18, "is 1e+18: beyond 2**53, write all digits of the whole number (int64)"),
        (int, "1.0", "is a string, not a whole number (int64)"),
        (int, "+1", "is a string, not a whole number (int64)"),
        (int, " 1", "is a string, not a whole number (int64)"),
        (int, "1_0", "is a string, not a whole number (int64)"),
        (int, "٣", "is a string, not a whole number (int64)"),
        (int, "9" * 5000, "is a string, not a whole number (int64)"),
        (int, "9223372036854775808", "is outside -9223372036854775808 to 9223372036854775807, the range of int64"),
        (np.int32, "1", "is a string, not a whole number (int32)"),
        (np.uint32, -1, "is outside 0 to 4294967295, the range of uint32"),
        (bool, 1, "is a number, not a bool"),
        (str, 1, "is a number, not a string"),
        (str, "\ud800", "is not Unicode text: it holds half of a surrogate pair"),
        (bytes, 1, "is a number, not a bytes (as a base64 string)"),
        (bytes, "AA", "is not base64 (RFC 4648, with padding)"),
        (bytes, "AAAA====", "is not base64 (RFC 4648, with padding)"),
        (bytes, "AAAA=", "is not base64 (RFC 4648, with padding)"),
        (bytes, "A A=", "is not base64 (RFC 4648, with padding)"),
        (bytes, "__8=", "is not base64 (RFC 4648, with padding)"),
        (bytes, "ü===", "is not base64 (RFC 4648, with padding)"),
        (list[int], {"0": 1}, "is an object, not a list of int64"),
        (tensor("float16", 1), [70000], "[0]: is beyond the range of float16"),
        (tensor("float32", 1), [10**400], "[0]: is beyond the range of float32"),
        (tensor("float32", 1), ["inf"], "[0]: is a string, not a number (float32)"),
        (tensor("bool", 1), [1], "[0]: is a number, not a bool"),
    ],
)
def test_a_scalar_that_does_not_fit(annotation: object, value: object, problem: str) -> None:
    def method(value: Any) -> None: ...

    method.__annotations__ = {"value": annotation, "return": None}
    codec = Model(method=method).codec
    separator = "" if problem.startswith("[") else ": "
    assert problems_of({"value": value}, codec, "MethodIn") == [f"value{separator}{problem}"]


def test_what_is_no_object_at_all() -> None:
    assert problems_of([1]) == ["(the message): is a list, not an object with MeasureIn's fields"]
    assert problems_of(None) == ["(the message): is null, not an object with MeasureIn's fields"]


def test_a_flood_of_misfits_is_counted() -> None:
    codec = MEASURE.codec
    found = problems_of({"name": "", "points": [0] * 100_000, "closed": True}, codec, "Path")
    assert len(found) == 101
    assert found[-1] == "(the message): has 99900 more misfits"


def test_a_strange_key_makes_a_message_that_can_be_sent() -> None:
    (*_, last) = problems_of(GOOD | {"\ud800" + "k" * 10_000: 1})
    assert len(last.encode()) < 300


def protobuf(message: str, **fields: Any) -> bytes:
    return message_classes(MEASURE.spec)[message](**fields).SerializeToString()


def bytes_problems(data: bytes) -> list[str]:
    with pytest.raises(CallError) as caught:
        MEASURE.codec.from_bytes(data, "MeasureIn")
    return list(caught.value.problems)


def test_all_misfits_of_protobuf_arguments_are_told_at_once() -> None:
    classes = message_classes(MEASURE.spec)
    image = classes["TensorUInt8"](shape=[2, 3], data=b"12345")
    assert bytes_problems(protobuf("MeasureIn")) == ["path: is missing (Path)", "image: is missing (uint8[n, 2])"]
    assert bytes_problems(protobuf("MeasureIn", image=image)) == [
        "path: is missing (Path)",
        "image: has 5 elements, its shape [2, 3] says 6",
    ]
    assert bytes_problems(b"\xff")[0].startswith("(the message): is not the protobuf message modelport.s")


@pytest.mark.parametrize(
    ("shape", "data", "problem"),
    [
        ([2], b"12", "image: has 1 dimensions, uint8[n, 2] has 2"),
        ([1, 3], b"123", "image: dimension 1 is 3, uint8[n, 2] has 2"),
        ([-1, -2], b"12", "image: has 2 elements, its shape [-1, -2] says 2"),
        ([0, 2**62], b"", "image: dimension 1 is 4611686018427387904, uint8[n, 2] has 2"),
        ([2**31 - 1, 0], b"", "image: dimension 1 is 0, uint8[n, 2] has 2"),
        ([2**62] * 100_000, b"", "image: has 100000 dimensions, uint8[n, 2] has 2"),
    ],
    ids=["fewer dimensions", "other size", "negative", "a huge side", "many empty rows", "an hour of multiplication"],
)
def test_a_protobuf_tensor_that_does_not_fit(shape: list[int], data: bytes, problem: str) -> None:
    classes = message_classes(MEASURE.spec)
    sent = protobuf("MeasureIn", path=classes["Path"](), image=classes["TensorUInt8"](shape=shape, data=data))
    assert bytes_problems(sent)[0] == problem


def test_few_bytes_cannot_ask_for_a_long_json_answer() -> None:
    def echo(x: Table) -> Table:
        return x

    model = Model(echo=echo)
    classes = message_classes(model.spec)
    sent = classes["EchoIn"](x=classes["TensorFloat32"](shape=[2**31 - 1, 0])).SerializeToString()
    with pytest.raises(CallError, match="no elements in more than 1048576 rows"):
        model.methods["echo"].call_bytes(sent)


def test_a_shape_too_big_for_any_array() -> None:
    def take(x: Free) -> None: ...

    model = Model(take=take)
    classes = message_classes(model.spec)
    sent = classes["TakeIn"](x=classes["TensorFloat32"](shape=[0, 2**62])).SerializeToString()
    with pytest.raises(CallError, match=r"no elements in a shape too big for any array: \[0, 4611686018427387904\]"):
        model.methods["take"].call_bytes(sent)


def test_16_bit_elements_beyond_their_carrier() -> None:
    def take(x: Short) -> None: ...

    model = Model(take=take)
    classes = message_classes(model.spec)
    sent = classes["TakeIn"](x=classes["TensorInt16"](shape=[1], data=[40000])).SerializeToString()
    with pytest.raises(CallError, match="outside -32768 to 32767, the range of int16"):
        model.methods["take"].call_bytes(sent)


def test_half_an_element() -> None:
    def take(x: Half) -> None: ...

    model = Model(take=take)
    classes = message_classes(model.spec)
    sent = classes["TakeIn"](x=classes["TensorFloat16"](shape=[1], data=b"123")).SerializeToString()
    with pytest.raises(CallError, match="3 bytes of data, not whole float16 elements"):
        model.methods["take"].call_bytes(sent)


def test_a_named_dimension_has_one_size_in_the_whole_call() -> None:
    def add(a: Row, b: Row) -> Row:
        return (a + b)[: 2 if a[0] < 0 else None]  # type: ignore[no-any-return]

    model = Model(add=add)
    assert model.call("add", {"a": [1, 2, 3], "b": [1, 1, 1]}) == {"value": [2, 3, 4]}
    with pytest.raises(CallError, match=r"^b: dimension 'n' is 2, in a it is 3$"):
        model.call("add", {"a": [1, 2, 3], "b": [1, 1]})
    with pytest.raises(ModelError, match=r"add gave an answer .*: value: dimension 'n' is 2, in a it is 3$"):
        model.call("add", {"a": [-1, 2, 3], "b": [1, 1, 1]})


def giving(answer: object, returns: object = Output) -> Model:
    def give() -> Any:
        return answer

    give.__annotations__ = {"return": returns}
    return Model(give=give)


@pytest.mark.parametrize(
    ("answer", "returns", "problem"),
    [
        ({"value": 1.0, "labels": []}, Output, "(the message): is a dict, not an Output"),
        ((1.0, []), Output, "(the message): is a tuple, not an Output"),
        (None, Output, "(the message): is a NoneType, not an Output"),
        (Output("1", [1, "2"]), Output, "value: is a str, not a double; labels[1]: is a str, not an int64"),  # type: ignore[arg-type,list-item]
        (Output(None, None), Output, "value: is a NoneType, not a double; labels: is a NoneType, not a list of int64"),  # type: ignore[arg-type]
        (Output(True, []), Output, "value: is a bool, not a double"),  # noqa: FBT003 - what is wrong
        (Output(1.0, {1: 2}), Output, "labels: is a dict, not a list of int64"),  # type: ignore[arg-type]
        (Output(1.0, {1, 2}), Output, "labels: is a set, not a list of int64"),  # type: ignore[arg-type]
        (Output(1.0, b"12"), Output, "labels: is a bytes, not a list of int64"),  # type: ignore[arg-type]
        (Output(1.0, (i for i in [1])), Output, "labels: is a generator, not a list of int64"),  # type: ignore[arg-type]
        (Output(1.0, np.array([[1]])), Output, "labels[0]: is an ndarray, not an int64"),  # type: ignore[arg-type]
        (Output(1.0, np.array(1)), Output, "labels: is an ndarray, not a list of int64"),  # type: ignore[arg-type]
        (Output(1.0, np.array([1.0])), Output, "labels[0]: is a float, not an int64"),  # type: ignore[arg-type]
        (Output(np.array([1.0]), []), Output, "value: is an ndarray, not a double"),  # type: ignore[arg-type]
        (np.array([1, 2]), int, "value: is an ndarray, not an int64"),
        (2**63, int, "value: is outside -9223372036854775808 to 9223372036854775807, the range of int64"),
        (10**400, float, "value: is beyond the range of double"),
        ("\ud800", str, "value: is not Unicode text: it holds half of a surrogate pair"),
        ("text", bytes, "value: is a str, not a bytes"),
        (np.zeros(2), tensor("float32", 2), "value: is float64, not float32"),
        (np.zeros(3, "f4"), tensor("float32", 2), "value: dimension 0 is 3, float32[2] has 2"),
        (np.zeros((1, 2), "f4"), tensor("float32", 2), "value: has 2 dimensions, float32[2] has 1"),
        (np.array(["a", "b"]), tensor("float32", 2), "value: is an ndarray of str32, not float32[2]"),
        (None, tensor("float32", 2), "value: is a NoneType of object, not float32[2]"),
        ([1, [2]], tensor("float32", 2), "value: is not an array of float32[2]: its lists differ in length or depth"),
        ([1, None], tensor("float32", 2), "value[1]: is a NoneType, not a float32"),
    ],
)
def test_a_wrong_answer_is_the_models_fault(answer: object, returns: object, problem: str) -> None:
    model = giving(answer, returns)
    calls: list[Callable[[], object]] = [lambda: model.call("give", {}), lambda: model.methods["give"].call_bytes(b"")]
    for call in calls:
        with pytest.raises(ModelError) as caught:
            call()
        assert caught.value.message == f"give gave an answer that does not fit its signature: {problem}"
        assert isinstance(caught.value.__cause__, CallError)


def test_an_answer_where_none_is_due() -> None:
    with pytest.raises(ModelError, match="give gave an int, its signature says None"):
        giving(3, None).call("give", {})


class Colour(str, Enum):  # noqa: UP042 - str() of a StrEnum's member would be its value anyway
    RED = "red"


@pytest.mark.parametrize(
    ("answer", "returns", "document"),
    [
        (Output(np.float32(0.5), np.array([1, 2])), Output, {"value": 0.5, "labels": [1, 2]}),  # type: ignore[arg-type]
        (Output(np.array(0.5), (np.int8(1), True + 1)), Output, {"value": 0.5, "labels": [1, 2]}),  # type: ignore[arg-type]
        (Output(3, range(2)), Output, {"value": 3.0, "labels": [0, 1]}),  # type: ignore[arg-type]
        (np.array(["a", "b"]), list[str], {"value": ["a", "b"]}),
        (np.str_("a"), str, {"value": "a"}),
        (Colour.RED, str, {"value": "red"}),
        (np.bool_(True), bool, {"value": True}),  # noqa: FBT003 - the value that is tried
        (bytearray(b"a"), bytes, {"value": "YQ=="}),
        ([np.zeros(2, "f4"), np.ones(2)], tensor("float32", "n", 2), {"value": [[0, 0], [1, 1]]}),
        (((1, 2), (3, 4)), tensor("uint8", 2, 2), {"value": [[1, 2], [3, 4]]}),
        (np.zeros((2, 2), "u1"), list[Pair], {"value": [[0, 0], [0, 0]]}),
        (np.float64(0.5), tensor("float64"), {"value": 0.5}),
        (0.5, tensor("float16"), {"value": 0.5}),
    ],
)
def test_what_numpy_gives_is_taken_where_nothing_is_lost(answer: object, returns: object, document: object) -> None:
    model = giving(answer, returns)
    assert model.call("give", {}) == document
    codec = model.codec
    output = model.spec.method("give").output
    assert codec.to_json(codec.from_bytes(model.methods["give"].call_bytes(b""), output), output) == document


def test_the_cause_of_a_failure_is_kept() -> None:
    def fail(x: int) -> int:
        return x // 0

    with pytest.raises(ModelError, match=r"^fail failed: ZeroDivisionError: ") as caught:
        Model(fail=fail).call("fail", {"x": 1})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_class_may_refuse_its_values() -> None:
    @dataclass
    class Probability:
        p: float

        def __post_init__(self) -> None:
            if not 0 <= self.p <= 1:
                raise ValueError("p must lie between 0 and 1")

    def flip(probability: Probability) -> bool:
        return probability.p > 0.5

    flip.__annotations__["probability"] = Probability
    model = Model(flip=flip)
    assert model.call("flip", {"p": 0.75}) == {"value": True}
    with pytest.raises(
        CallError, match=r"^\(the message\): Probability refuses these values: p must lie between 0 and 1$"
    ):
        model.call("flip", {"p": 2})


def test_methods_and_their_attributes() -> None:
    assert MEASURE.measure.description == ""
    assert MEASURE.measure.inner is measure
    assert MEASURE.measure.output_type.__name__ == "MeasureOut"
    native = MEASURE.measure.input_type(Path("p", [Point(1, 2)], closed=True), np.zeros((1, 2), "u1"))
    assert MEASURE.measure(native) == MEASURE.measure.wrapped(native) == (1.0,)
    with pytest.raises(AttributeError, match="no method 'predict'; its methods are: measure"):
        _ = MEASURE.predict
    with pytest.raises(FormatError, match="no method 'predict'"):
        MEASURE.call("predict", {})
    with pytest.raises(FormatError, match="no message 'Nope'"):
        MEASURE.codec.from_json({}, "Nope")


def test_examples_and_evaluations_travel_with_the_model() -> None:
    model = Model(measure=measure)
    assert model.add_example("measure", GOOD, tolerance=0.5) == {"value": 0.0}
    assert model.examples == [Example(method="measure", input=GOOD, output={"value": 0.0}, tolerance=0.5)]
    figure = Evaluation(data="d", split="all", n=3, metric="accuracy", value=1.0, interval=(0.9, 1.0))
    model.add_evaluation(figure)
    assert model.evaluations == [figure]
    assert figure.to_json()["interval"] == [0.9, 1.0]
    assert "interval" not in Evaluation(data="d", split="all", n=3, metric="accuracy", value=1.0).to_json()


@pytest.mark.parametrize(("correct", "n"), [(11, 10), (-1, 10), (0, 0), (1, 0)])
def test_accuracy_is_a_share(correct: int, n: int) -> None:
    with pytest.raises(InputError, match=f"accuracy on d: {correct} correct answers of {n} are no share"):
        Evaluation.accuracy(correct=correct, n=n, data="d", split="all")


def test_parameters_by_name_only_are_given_by_name() -> None:
    def scale(x: float, /, y: float, *, factor: float) -> float:
        return (x - y) * factor

    def whole(*, point: Point) -> float:
        return point.x

    model = Model(scale=scale, whole=whole)
    assert model.call("scale", {"x": 3, "y": 1, "factor": 2}) == {"value": 4}
    assert model.call("whole", {"x": 3, "y": 1}) == {"value": 3}


class Flower(Enum):
    ROSE = 1


@dataclass
class Bed:
    width: float
    flower: Flower = Flower.ROSE
    rows: int = 2


def times(x: int, by: int = 2) -> int:
    return x * by


def area(bed: Bed) -> float:
    return bed.width * bed.rows


def total(image: Row, count: list[int], key: bytes = b"") -> float:
    return float(image.sum()) + sum(count) + len(key)


def nothing() -> int:
    return 1


GARDEN = Model(times=times, area=area, total=total, nothing=nothing)


def test_a_method_is_called_with_its_message_or_as_its_function() -> None:
    assert GARDEN.times(GARDEN.times.input_type(x=2, by=3)).value == 6
    assert [GARDEN.times(2).value, GARDEN.times(2, 3).value, GARDEN.times(2, by=4).value] == [4, 6, 8]
    assert GARDEN.area(Bed(2.0)).value == GARDEN.area(bed=Bed(2.0)).value == 4.0
    assert GARDEN.area(2.0, rows=3).value == GARDEN.area({"width": 2, "rows": 3, "flower": "ROSE"}).value == 6.0
    assert GARDEN.total(np.ones(2), [1, 2], b"ab").value == GARDEN.total([1, 1], count=(1, 2), key=b"ab").value == 7.0
    assert GARDEN.nothing().value == 1


@pytest.mark.parametrize(
    ("given", "named", "problem"),
    [
        ((), {}, "x: is missing"),
        (("two",), {}, "x: is a str, not a"),
        ((1, 2, 3), {}, "has 3 arguments"),
        ((1,), {"x": 1}, "x: is given twice"),
        ((1,), {"z": 1}, "z: "),
    ],
)
def test_a_call_that_does_not_fit_says_what_the_method_takes(
    given: tuple[Any, ...], named: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CallError, match=problem) as caught:
        GARDEN.times(*given, **named)
    assert caught.value.hint == "it takes (x: int64, by: int64), or one TimesIn: see times.input_type"


def test_examples_take_what_python_has_at_hand() -> None:
    model = Model(times=times, area=area, total=total)
    assert model.add_example("area", Bed(2.0)) == {"value": 4.0}
    assert model.add_example("total", {"image": np.ones(2), "count": np.arange(2), "key": b"ab"}) == {"value": 5.0}
    assert model.add_example("total", {"image": [1], "count": [], "key": "YWI="}) == {"value": 3.0}
    model.add_example("times", 3)
    assert [one.input for one in model.examples] == [
        {"width": 2.0, "flower": "ROSE", "rows": 2},
        {"image": [1.0, 1.0], "count": [0, 1], "key": "YWI="},
        {"image": [1], "count": [], "key": "YWI="},
        {"x": 3},
    ]
    with pytest.raises(CallError, match="image: "):
        model.add_example("total", {"image": object(), "count": []})


def test_a_model_and_its_methods_say_what_they_are() -> None:
    assert repr(GARDEN.times) == "<Method times(x: int64, by: int64) -> value: int64>"
    assert repr(Model(times=times, nothing=nothing)) == (
        "<Model of times(x: int64, by: int64) -> value: int64; nothing() -> value: int64>"
    )
    assert {"times", "add_example", "spec"} <= set(dir(GARDEN))
