"""Data sets: what is given comes back, in pieces or whole, for every type; and what is refused, in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator  # noqa: TC003 - the annotations are read when the tests run
from dataclasses import replace
from io import BytesIO
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given
from hypothesis import strategies as st
from tests.model.samples import EVERYTHING
from tests.model.strategies import natives, same, signatures

from modelport.errors import CallError, FormatError, InputError, ModelError
from modelport.model import Codec, Model, Tensor
from modelport.model.call_form import CallForm
from modelport.model.data_set import LARGEST
from modelport.model.framing import framed_call, read_calls
from modelport.model.proto import file_descriptor, message_classes

WORDS: dict[str, Any] = {"name": "Photos", "split": "test", "source": "https://photos.example", "license": "MIT"}


class Photos(NamedTuple):
    pixels: Annotated[np.ndarray, Tensor("uint8", "n", 4)]
    weights: list[float]


class Kinds(NamedTuple):
    scores: Annotated[np.ndarray, Tensor("float32", "n")]
    labels: list[str]


def classify(photos: Photos) -> Kinds:
    return Kinds(
        photos.pixels.mean(axis=1).astype("f4"), ["dark" if one.mean() < 128 else "light" for one in photos.pixels]
    )


def length(text: str, times: int = 1) -> int:
    return len(text) * times


def spell(text: str) -> Iterator[str]:
    yield from text


def made() -> Model:
    return Model(classify=classify, length=length)


PIXELS = np.arange(1000 * 4, dtype=np.uint8).reshape(1000, 4)
PHOTOS = {"pixels": PIXELS, "weights": [0.5] * 1000}
LABELS = classify(Photos(PIXELS, [])).labels


@pytest.mark.parametrize("method", [one.name for one in EVERYTHING.spec.methods])
@given(data=st.data())
def test_what_is_given_is_read_again(method: str, data: st.DataObject) -> None:
    codec, spec = EVERYTHING.codec, EVERYTHING.spec.method(method)
    inputs = data.draw(st.lists(natives(codec, spec.input), min_size=1, max_size=3))
    EVERYTHING.data_sets.clear()
    found = EVERYTHING.add_data("calibration", method, inputs, **WORDS)
    read = list(found.read(codec))
    assert [one.n for one in read] == [1] * len(inputs)
    assert found.n == len(inputs)
    assert all(same(one.input, value) and one.expected is None for one, value in zip(read, inputs, strict=True))
    bare = Codec.bare(codec.spec)
    for one, value in zip(found.read(bare), inputs, strict=True):
        assert bare.to_bytes(one.input, spec.input) == codec.to_bytes(value, spec.input)


@given(data=st.data())
def test_a_call_of_any_signature_is_written_and_read(data: st.DataObject) -> None:
    codec = Codec.bare(data.draw(signatures()))
    method = data.draw(st.sampled_from(codec.spec.methods))
    fields = codec.spec.message(method.output).fields
    field = data.draw(st.sampled_from([one.name for one in fields])) if fields else ""
    form = CallForm.of(codec, method, field)
    taken = data.draw(natives(codec, method.input))
    right = getattr(data.draw(natives(codec, method.output)), field) if field else None
    try:
        plain, wanted = form.plain(taken, right)
    except CallError:  # a named dimension has another size in what was drawn for the answer
        return
    call = form.write(plain, wanted)
    assert form.write(*form.plain(*form.read(*call))) == call
    if call[1]:
        # To anybody's protobuf it is the output message with that field alone.
        answer: Any = message_classes(codec.spec)[method.output].FromString(call[1])
        assert [one.name for one, _ in answer.ListFields()] == [field]
        assert not len(UnknownFieldSet(answer))


def test_rows_come_in_pieces_and_no_row_is_lost() -> None:
    found = made().add_data("evaluation", "classify", PHOTOS, {"labels": LABELS}, **WORDS)
    assert (found.n, found.unit, found.compared) == (1000, "row", "labels")
    for rows in (None, 1, 7, 999, 5000):
        read = list(found.read(made().codec, rows=rows))
        assert np.array_equal(np.concatenate([one.input.pixels for one in read]), PIXELS)
        assert [label for one in read for label in one.expected] == LABELS
        assert all(len(one.input.pixels) == one.n <= (rows or 256) for one in read)
    assert found.size < PIXELS.nbytes + 8 * 1000 + 10 * 1000, "numbers stay as compact as they are"


def test_the_same_rows_are_the_same_bytes_however_they_are_said() -> None:
    ways: list[Any] = [
        PHOTOS,
        Photos(PIXELS, [0.5] * 1000),
        {"pixels": PIXELS.tolist(), "weights": np.full(1000, 0.5)},
        {"weights": [0.5] * 1000, "pixels": np.asfortranarray(PIXELS)},
    ]
    found = [made().add_data("evaluation", "classify", one, {"labels": tuple(LABELS)}, **WORDS) for one in ways]
    assert len({one.sha256 for one in found}) == 1
    assert isinstance(found[0].content, bytes)
    assert hashlib.sha256(found[0].content).hexdigest() == found[0].sha256


def test_the_file_is_one_message_of_protobuf() -> None:
    found = made().add_data("evaluation", "classify", PHOTOS, {"labels": LABELS}, **WORDS)
    assert isinstance(found.content, bytes)
    file = file_descriptor(made().spec)
    prefix, kinds = f".{file.package}.", descriptor_pb2.FieldDescriptorProto
    for name, fields in {"Call": ["Photos", "Kinds"], "Data": ["Call"]}.items():
        message = file.message_type.add(name=name)
        for number, kind in enumerate(fields, 1):
            label = kinds.LABEL_REPEATED if name == "Data" else kinds.LABEL_OPTIONAL
            message.field.add(
                name=kind.lower(), number=number, label=label, type=kinds.TYPE_MESSAGE, type_name=f"{prefix}{kind}"
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    data: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Data"))
    calls = data.FromString(found.content).call
    assert [label for one in calls for label in one.kinds.labels] == LABELS
    assert b"".join(one.photos.pixels.data for one in calls) == PIXELS.tobytes()
    assert not any(one.kinds.HasField("scores") for one in calls)


def test_messages_are_samples_where_several_are_given() -> None:
    model = made()
    found = model.add_data(
        "evaluation", "length", ({"text": "a" * n} for n in range(4)), {"value": [0, 1, 2, 9]}, **WORDS
    )
    assert (found.n, found.unit) == (4, "message")
    assert [(one.input.text, one.input.times, one.expected) for one in found.read(model.codec)] == [
        ("", 1, 0), ("a", 1, 1), ("aa", 1, 2), ("aaa", 1, 9),
    ]  # fmt: skip
    assert found.evaluate(model).value == 0.75


def test_evaluation_counts_the_rows_that_are_right() -> None:
    model = made()
    wrong = ["light" if n < 100 else label for n, label in enumerate(LABELS)]
    right = sum(a == b for a, b in zip(LABELS, wrong, strict=True))
    found = model.add_data("evaluation", "classify", PHOTOS, {"labels": wrong}, **WORDS)
    figure = found.evaluate(model, tolerance=0.01)
    assert (figure.value, figure.n, figure.data, figure.split) == (right / 1000, 1000, "Photos", "test")
    assert figure.interval
    assert figure.interval[0] < figure.value < figure.interval[1]
    few = found.evaluate(model, most=3)
    assert (few.n, few.split) == (3, "test, the first 3")


@pytest.mark.parametrize(("tolerance", "expected"), [(0.0, 0.25), (0.01, 0.5), (1e300, 0.75)])
def test_floats_may_be_a_little_off(tolerance: float, expected: float) -> None:
    def same_again(x: Annotated[np.ndarray, Tensor("float64", "n")]) -> Annotated[np.ndarray, Tensor("float64", "n")]:
        return x

    model = Model(same_again=same_again)
    given = {"x": np.array([1.0, np.inf, np.nan, 2.0])}
    right = {"value": np.array([1.005, -np.inf, np.nan, 7.0])}
    found = model.add_data("evaluation", "same_again", given, right, tolerance=tolerance, **WORDS)
    assert found.evaluate(model).value == expected


def refusals() -> Iterator[tuple[str, dict[str, Any], str]]:
    whole = {"inputs": PHOTOS, "expected": {"labels": LABELS}}
    yield "classify", whole | {"purpose": "training"}, "'training' is no purpose of data"
    yield "classify", whole | {"license": " "}, "license of the evaluation data is ' '"
    yield "classify", whole | {"name": "a\nb"}, "name of the evaluation data is 'a\\nb'"
    yield "classify", whole | {"expected": None}, "evaluation data needs the right answers for one field of the output"
    yield "classify", whole | {"expected": {"labels": [], "scores": []}}, "evaluation data needs the right answers"
    yield "classify", whole | {"expected": {"label": LABELS}}, "the answers of classify have no field 'label'"
    yield "classify", whole | {"expected": {"labels": LABELS[1:]}}, "1000 rows, and 999 right answers are expected"
    yield "classify", whole | {"expected": {"labels": [7] * 1000}}, "the input: labels[0]: is a number, not a string"
    yield "classify", whole | {"purpose": "calibration"}, "calibration data has no right answers"
    yield "classify", whole | {"inputs": {"pixels": PIXELS}}, "the input: weights: is missing"
    yield "classify", whole | {"inputs": PHOTOS | {"colour": 1}}, "the input: colour: is not a field of Photos"
    yield "classify", whole | {"inputs": PHOTOS | {"pixels": PIXELS[:, :3]}}, "the input: pixels: dimension 1 is 3"
    yield (
        "classify",
        whole | {"inputs": PHOTOS | {"weights": [1.0]}},
        "different numbers: pixels has 1000, weights has 1",
    )
    yield "classify", whole | {"inputs": 7}, "the inputs are int, and no messages"
    yield "classify", whole | {"inputs": []}, "there are more right answers than inputs: the shorter has 0"
    yield "classify", {"purpose": "calibration", "inputs": []}, "the calibration data has no samples"
    yield "classify", whole | {"tolerance": 0.1}, "a tolerance is for floats, and labels is string"
    yield "classify", whole | {"tolerance": float("nan")}, "a tolerance of nan is none"
    yield "length", {"inputs": {"text": "a"}, "expected": {"value": [1]}}, "is not made of rows: text is one string"
    yield "length", {"inputs": [{"text": 1}], "expected": {"value": [1]}}, "input 0: text: is a number, not a string"
    yield "length", {"inputs": [{"text": ""}], "expected": {"value": [1, 2]}}, "more right answers than inputs"
    yield "length", {"inputs": [{"text": ""}], "expected": {"value": 1}}, "expected['value'] is no list of answers"
    big = ({"text": "a" * 2**20} for _ in range(100))
    yield "length", {"purpose": "calibration", "inputs": big}, f"has more than {LARGEST} bytes (64 MiB)"
    yield "spell", {"purpose": "calibration", "inputs": [{"text": "a"}]}, "spell gives a stream"


@pytest.mark.parametrize(
    ("method", "given_", "said"), list(refusals()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_what_cannot_be_data_is_refused(method: str, given_: dict[str, Any], said: str) -> None:
    model = Model(classify=classify, length=length, spell=spell)
    with pytest.raises(InputError) as caught:
        model.add_data(**{"purpose": "evaluation", "method": method, **WORDS, **given_})
    assert said in caught.value.message
    assert caught.value.hint or isinstance(caught.value, CallError)
    assert not model.data_sets


def test_a_purpose_has_one_data_set() -> None:
    model = made()
    model.add_data("calibration", "classify", PHOTOS, **WORDS)
    with pytest.raises(InputError, match="the model has calibration data already: Photos, for classify"):
        model.add_data("calibration", "length", [{"text": ""}], **WORDS)
    with pytest.raises(InputError, match="calibration data has no right answers"):
        model.data_sets["calibration"].evaluate(model)


def test_a_model_that_answers_for_other_rows_is_told() -> None:
    def halved(photos: Photos) -> Kinds:
        return classify(Photos(photos.pixels[::2], photos.weights[::2]))

    found = made().add_data("evaluation", "classify", PHOTOS, {"labels": LABELS}, **WORDS)
    with pytest.raises(ModelError, match="classify gave 128 rows for 256"):
        found.evaluate(Model(classify=halved, length=length))


@given(data=st.data())
def test_damaged_data_is_told_and_harms_nothing(data: st.DataObject) -> None:
    found = made().add_data(
        "evaluation", "classify", {"pixels": PIXELS[:2], "weights": [1, 2]}, {"labels": LABELS[:2]}, **WORDS
    )
    assert isinstance(found.content, bytes)
    raw = bytearray(found.content)
    match data.draw(st.sampled_from(["cut", "change", "longer"])):
        case "cut":
            del raw[data.draw(st.integers(0, len(raw) - 1)) :]
        case "change":
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        case _:
            raw += data.draw(st.binary(min_size=1, max_size=20))
    damaged = replace(found, content=bytes(raw), size=len(raw))
    for rows in (None, 1):
        try:
            assert sum(one.n for one in damaged.read(made().codec, rows=rows)) == 2
        except FormatError:
            continue


@given(st.binary(max_size=30))
def test_any_bytes_are_calls_or_refused(raw: bytes) -> None:
    try:
        calls = list(read_calls(BytesIO(raw), len(raw)))
    except FormatError:
        return
    assert sum(len(framed_call(*one)) for one in calls) <= len(raw)
