"""Streams: the four kinds of methods, called from Python, by JSON and by protobuf; what ends a stream, and when."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.samples import EVERYTHING
from tests.model.strategies import natives, same
from tests.support.loops import in_loop

from modelport.errors import CallError, InputError, ModelError
from modelport.model import About, Model, Tensor
from modelport.model.proto import file_descriptor, proto_text
from modelport.model.spec import MethodSpec, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable

LOG: list[str] = []
Block = Annotated[np.ndarray, Tensor("float32", "n")]


class Point(NamedTuple):
    x: float


def count(to: int) -> Iterator[int]:
    """Count.

    Yields:
        Each number, from 1 on.
    """
    try:
        yield from range(1, to + 1)
    finally:
        LOG.append("count closed")


def total(numbers: Iterable[Annotated[float, About(minimum=0)]]) -> float:
    """Add up.

    Args:
        numbers: What is added.
    """
    return sum(numbers)


def mean(points: Iterator[Point]) -> Generator[Point, None, None]:
    so_far = 0.0
    for number, point in enumerate(points, 1):
        so_far += point.x
        yield Point(so_far / number)


def halves(block: Block) -> Iterator[Block]:
    yield block / 2
    yield block[1:]


def doubled(blocks: Iterator[Block]) -> Iterator[Block]:
    return (block * 2 for block in blocks)


def listed(to: int) -> Iterable[list[int]]:
    return [[n] for n in range(to)]


def drain(*, points: Iterator[Point]) -> None:
    LOG.append(f"{len(list(points))} drained")


async def count_later(to: int) -> AsyncIterator[int]:
    try:
        for number in range(1, to + 1):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0)
        LOG.append("count_later closed")


async def total_later(numbers: AsyncIterator[float]) -> float:
    return sum([number async for number in numbers])


async def mean_later(points: AsyncIterator[Point]) -> AsyncGenerator[Point, None]:
    so_far, number = 0.0, 0
    async for point in points:
        so_far, number = so_far + point.x, number + 1
        yield Point(so_far / number)


FUNCTIONS: tuple[Callable[..., Any], ...] = (
    count, total, mean, halves, doubled, listed, drain, count_later, total_later, mean_later
)  # fmt: skip
MODEL = Model(**{one.__name__: one for one in FUNCTIONS})


@pytest.fixture(autouse=True)
def log() -> list[str]:
    LOG.clear()
    return LOG


def test_the_signature_says_which_sides_stream() -> None:
    spec = MODEL.spec
    said = {m.name: (m.input, m.streams_in, m.output, m.streams_out) for m in spec.methods}
    assert said["count"] == ("CountIn", False, "CountOut", True)
    assert said["total"] == ("TotalIn", True, "TotalOut", False)
    assert said["mean"] == said["mean_later"] == ("Point", True, "Point", True)
    assert said["drain"] == ("Point", True, "Empty", False)
    (element,) = spec.message("TotalIn").fields
    assert (element.name, element.about) == ("value", About("What is added.", minimum=0))
    assert spec.message("CountOut").fields[0].about.doc == "Each number, from 1 on."
    assert ModelSpec.from_json(spec.to_json()) == ModelSpec.from_own_json(spec.to_json()) == spec
    assert repr(MODEL.mean) == "<Method mean(a stream of x: double) -> a stream of x: double>"


def test_the_proto_file_and_the_descriptor_say_stream() -> None:
    text = proto_text(MODEL.spec)
    assert "rpc count (CountIn) returns (stream CountOut);" in text
    assert "rpc total (stream TotalIn) returns (TotalOut);" in text
    assert "rpc mean (stream Point) returns (stream Point);" in text
    methods = {m.name: m for m in file_descriptor(MODEL.spec).service[0].method}
    assert (methods["count"].client_streaming, methods["count"].server_streaming) == (False, True)
    assert (methods["total"].client_streaming, methods["total"].server_streaming) == (True, False)


def test_a_stream_is_another_interface_and_what_does_not_stream_says_nothing_of_it() -> None:
    whole = MODEL.spec
    plain = MethodSpec("mean", "Point", "Point")
    assert plain.to_json() == {"name": "mean", "doc": "", "input": "Point", "output": "Point"}
    forms = [
        ModelSpec((whole.message("Point"),), (MethodSpec("mean", "Point", "Point", "", taken, given),))
        for taken, given in itertools.product((False, True), repeat=2)
    ]
    assert len({form.with_proto_package().proto_package for form in forms}) == len(forms)


def test_calls_from_python() -> None:
    points = [Point(1), Point(3)]
    assert [answer.value for answer in MODEL.count(3)] == [1, 2, 3]
    assert MODEL.total([1, 2.5]).value == MODEL.total(numbers=iter([1, 2.5])).value == 3.5
    assert MODEL.total(MODEL.total.input_type(n) for n in range(3)).value == 3
    assert list(MODEL.mean(points)) == list(MODEL.mean_later(points)) == [Point(1), Point(2)]
    assert list(MODEL.mean([{"x": 1}, 3.0])) == [Point(1), Point(2)], "as a call takes it"
    assert [answer.value for answer in MODEL.count_later(2)] == [1, 2]
    assert MODEL.total_later([1, 2]).value == 3
    assert [answer.value for answer in MODEL.listed(2)] == [[0], [1]]
    assert MODEL.drain(points) == ()
    assert LOG[-1] == "2 drained"


def test_asynchronous_functions_are_called_inside_of_a_loop_too() -> None:
    async def notebook() -> list[Point]:
        return list(MODEL.mean_later([Point(1), Point(3)]))

    assert in_loop(notebook()) == [Point(1), Point(2)]


@given(data=st.data())
@pytest.mark.parametrize("name", ["scalars", "lists", "tensors"])
def test_json_and_protobuf_agree_on_every_message_of_a_stream(name: str, data: st.DataObject) -> None:
    model = Model(echo=_echo_of(EVERYTHING.methods[name].input_type))
    codec = model.codec
    message = model.echo.spec.input
    values = data.draw(st.lists(natives(codec, message), max_size=3))
    by_bytes = model.echo.call_bytes([codec.to_bytes(one, message) for one in values])
    by_json = model.echo.call_json([codec.to_json(one, message) for one in values])
    assert same([codec.from_bytes(one, message) for one in by_bytes], values)
    assert same(values, [codec.from_json(one, message) for one in by_json], by_json=True)


def _echo_of(kind: type) -> Callable[..., Any]:
    def echo(stream: Any) -> Any:
        yield from stream

    # Made by hand: the kind is known only now.
    echo.__annotations__ = {"stream": Iterator[kind], "return": Iterator[kind]}  # type: ignore[valid-type]
    return echo


def test_messages_are_made_when_they_are_asked_for_and_closing_closes_the_function() -> None:
    for method in (MODEL.count, MODEL.count_later):
        endless = method(10**12)
        assert [next(endless).value, next(endless).value] == [1, 2]
        endless.close()
        assert LOG[-1] == f"{method.spec.name} closed"
    documents = MODEL.call("count", {"to": 10**12})
    assert next(documents) == {"value": 1}
    LOG.clear()
    documents.close()
    assert LOG == ["count closed"]


def test_a_message_is_read_when_the_function_asks_for_it() -> None:
    read: list[int] = []

    def numbers() -> Iterator[dict[str, float]]:
        for number in itertools.count():
            read.append(number)
            yield {"x": number}

    answers = MODEL.call("mean", numbers())
    assert next(answers) == {"x": 0}
    assert read == [0]


def test_a_name_of_a_dimension_holds_in_a_message_and_a_single_one_binds_the_stream() -> None:
    assert list(MODEL.call("doubled", [{"value": [1]}, {"value": [1, 2]}])) == [{"value": [2]}, {"value": [2, 4]}]
    answers = MODEL.call("halves", {"block": [2, 4]})
    assert next(answers) == {"value": [1, 2]}
    with pytest.raises(ModelError) as told:
        next(answers)
    assert str(told.value) == (
        "halves gave an answer that does not fit its signature: output 2: value: dimension 'n' is 1, in block it is 2"
    )


def _at(place: int, last: Any) -> Iterator[Any]:
    yield from [{"x": 1.0}] * (place - 1)
    yield last


@pytest.mark.parametrize("method", ["mean", "mean_later"])
def test_a_message_that_does_not_fit_is_named_by_its_number(method: str) -> None:
    answers = MODEL.call(method, _at(5, {"x": "five"}))
    assert [next(answers) for _ in range(4)] == [{"x": 1.0}] * 4
    with pytest.raises(CallError) as told:
        next(answers)
    assert told.value.problems == ("input 5: x: is a string, not a number (double)",)


def test_what_is_no_stream_is_refused() -> None:
    said = "(the message): is a dict, and a stream is taken"
    with pytest.raises(CallError) as told:
        MODEL.call("total", {"value": 1})
    assert told.value.problems == (said,)
    with pytest.raises(CallError, match="has 2 arguments, and a stream is one"):
        MODEL.total([1], [2])
    with pytest.raises(CallError, match="has 1 arguments, and a stream is one"):
        MODEL.total(others=[1])
    with pytest.raises(CallError, match="to: is a string"):
        MODEL.call("count", {"to": "x"})


def fails(at: int) -> Iterator[int]:
    yield from range(at)
    raise ValueError("too far")


async def fails_later(at: int) -> AsyncIterator[int]:
    for number in range(at):
        yield number
    raise ValueError("too far")


async def cancels(at: int) -> AsyncIterator[int]:
    yield at
    raise asyncio.CancelledError


def no_stream(to: int) -> Iterator[int]:
    return to  # type: ignore[return-value]  # what is told


def unfit(to: int) -> Iterator[int]:
    yield from range(to)
    yield "text"  # type: ignore[misc]  # what is told


def swallows(numbers: Iterator[float]) -> float:
    try:
        return sum(numbers)
    except Exception:  # noqa: BLE001 - what a model might do
        return -1.0


def holds_on(to: int) -> Iterator[int]:
    try:
        yield to
    finally:
        raise OSError("the file is gone")


def test_what_a_function_does_wrong_names_the_method() -> None:
    model = Model(
        fails=fails, fails_later=fails_later, cancels=cancels, no_stream=no_stream, unfit=unfit, swallows=swallows,
        holds_on=holds_on,
    )  # fmt: skip
    with pytest.raises(ModelError, match="cancels failed: RuntimeError: it was cancelled"):
        list(model.cancels(1))
    for method in ("fails", "fails_later"):
        answers = model.call(method, {"at": 1})
        assert next(answers) == {"value": 0}
        with pytest.raises(ModelError) as told:
            next(answers)
        assert str(told.value) == f"{method} failed: ValueError: too far"
    with pytest.raises(ModelError) as told:
        list(model.no_stream(3))
    assert str(told.value) == "no_stream gave an int, its signature says a stream"
    answers = model.call("unfit", {"to": 4})
    assert len([next(answers) for _ in range(4)]) == 4
    with pytest.raises(ModelError, match=r"unfit gave an answer that does not fit its signature: output 5: value: "):
        next(answers)
    with pytest.raises(CallError, match="input 2: value: "):
        model.call("swallows", [{"value": 1}, {"value": "x"}])
    open_stream = model.holds_on(1)
    next(open_stream)
    with pytest.raises(ModelError, match="holds_on failed: OSError: the file is gone"):
        open_stream.close()


def test_an_error_of_the_callers_own_iterator_is_the_callers() -> None:
    def numbers() -> Iterator[float]:
        yield 1.0
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        MODEL.total(numbers())


def test_examples_hold_their_streams_and_are_played_again() -> None:
    model = Model(**{one.__name__: one for one in FUNCTIONS})
    assert model.add_example("count", {"to": 2}) == {"stream": [{"value": 1}, {"value": 2}]}
    assert model.add_example("total", [{"value": 1}, 2.0]) == {"value": 3}
    assert model.add_example("mean", iter([Point(1), Point(3)])) == {"stream": [{"x": 1}, {"x": 2}]}
    assert model.add_example("mean_later", {"stream": [{"x": 1}]}) == {"stream": [{"x": 1}]}
    assert model.add_example("doubled", [{"value": np.ones(2, "float32")}]) == {"stream": [{"value": [2, 2]}]}
    assert model.examples[1].input == {"stream": [{"value": 1}, {"value": 2}]}
    assert [model.replay(one) for one in model.examples] == [one.output for one in model.examples]
    with pytest.raises(InputError, match="a stream of more than 1000 messages is no example"):
        model.add_example("count", {"to": 10**9})
    assert LOG[-1] == "count closed"
