"""Calls that are put together: each caller gets what the call gets alone, whoever else calls, fails or goes away."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.loops import in_loop

from modelport.errors import ModelportError
from modelport.model import Frame, Model, Tensor
from modelport.serve import Limits, ServiceInfo
from modelport.serve.pace import Pace
from modelport.serve.problem import ProblemError
from modelport.serve.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

Points = Annotated[npt.NDArray[np.float64], Tensor("float64", "n", "m")]
Sums = Annotated[npt.NDArray[np.float64], Tensor("float64", "n")]
Flowers = Annotated[pd.DataFrame, Frame(length=float, species="category")]
Words = Annotated[pd.DataFrame, Frame(word=str, size=int)]
POISON = 13.0


@dataclass(frozen=True)
class Flower:
    """Columns that its class looks at."""

    petal: list[float]
    sepal: list[float]

    def __post_init__(self) -> None:
        if len(self.petal) != len(self.sepal):
            raise ValueError("one petal for each sepal")
        if len(self.petal) > 6:
            raise ValueError("at most six flowers")


class Answer(NamedTuple):
    areas: list[float]
    names: list[str]


@dataclass
class Halved:
    """A class that changes what it is given, each time that it is made."""

    values: list[float]

    def __post_init__(self) -> None:
        for number, value in enumerate(self.values):
            self.values[number] = value / 2


def area(flower: Flower) -> Answer:
    """Fail where a poisonous number is among the rows."""
    if POISON in flower.petal:
        raise RuntimeError("poison")
    areas = [petal * sepal for petal, sepal in zip(flower.petal, flower.sepal, strict=True)]
    return Answer(areas, [f"{one:g}" for one in areas])


def sums(points: Points) -> Sums:
    return np.asarray(points.sum(axis=1))


def halved(given: Halved) -> list[float]:
    return list(given.values)


def longest(flowers: Flowers) -> Words:
    return pd.DataFrame({"word": flowers["species"].astype(str), "size": flowers["length"].astype(int)})


def lies(values: list[float]) -> list[float]:
    """Give one number less than it should where there are many."""
    return values if len(values) < 2 else values[1:]


def model() -> Model:
    return Model(area=area, sums=sums, halved=halved, longest=longest, lies=lies)


MODEL = model()
INFO = ServiceInfo(name="rows", row_methods=frozenset(MODEL.methods))
NUMBER = st.integers(-4, 4).map(float) | st.just(POISON)
COLUMN = st.lists(NUMBER, max_size=5)
KINDS = (
    COLUMN.map(lambda column: ("area", {"petal": column, "sepal": column[::-1]})),
    st.tuples(st.integers(0, 3), st.sampled_from([2, 3])).map(lambda s: ("sums", {"points": [[1.5] * s[1]] * s[0]})),
    COLUMN.map(lambda column: ("halved", {"values": column})),
    COLUMN.map(lambda column: ("longest", {"length": column, "species": [f"s{n:g}" for n in column]})),
    COLUMN.map(lambda column: ("lies", {"values": column})),
)
CALL = st.one_of(*KINDS)
WAVE = st.one_of(st.lists(CALL, max_size=8), *(st.lists(kind, min_size=2, max_size=6) for kind in KINDS))


def message(method: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - a class of the model's
    return MODEL.codec.from_json(arguments, MODEL.methods[method].spec.input)


def alone(method: str, arguments: dict[str, Any]) -> object:
    try:
        return shown(method, MODEL.methods[method](message(method, arguments)))
    except ModelportError:
        return "model-failed"


def shown(method: str, answer: object) -> object:
    try:
        return MODEL.codec.to_json(answer, MODEL.methods[method].spec.output)
    except ModelportError:
        return "does not fit"


async def called(service: Service, method: str, arguments: dict[str, Any]) -> object:
    try:
        answer = await service.call(MODEL.methods[method], message(method, arguments), request_id="a")
    except ProblemError as problem:
        return problem.kind
    return shown(method, answer)


@asynccontextmanager
async def serving(served: Model = MODEL, info: ServiceInfo = INFO, **limits: float) -> AsyncIterator[Service]:
    service = Service(served, info, Limits(**limits))  # type: ignore[arg-type] # some are integers
    service.workers.start()
    try:
        yield service
    finally:
        service.workers.close()


async def settled(service: Service) -> None:
    """Wait until nothing runs or waits."""
    end = time.monotonic() + 30
    while service.workers.running or service.workers.waiting:
        assert time.monotonic() < end
        await asyncio.sleep(0.001)
    assert service.metrics.in_flight.value == 0


class Gate(Model):
    """A model that waits until it is let go, and counts who runs at a time."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.seen: list[int] = []
        self.running = 0
        super().__init__(pass_on=self.pass_on)

    def pass_on(self, values: list[int]) -> list[int]:
        self.running += 1
        assert self.running == 1
        self.begun.set()
        self.go.wait(30)
        self.seen.append(len(values))
        self.running -= 1
        return values


async def begun(gate: Gate) -> None:
    """Wait until a call of *gate* runs."""
    assert await asyncio.to_thread(gate.begun.wait, 30)


GATE_INFO = ServiceInfo(name="gate", row_methods=frozenset({"pass_on"}))


def passing(gate: Gate, service: Service, *values: int) -> Coroutine[Any, Any, Any]:
    one = gate.methods["pass_on"]
    return service.call(one, gate.codec.from_json({"values": list(values)}, one.spec.input), request_id="a")


@given(st.lists(WAVE, max_size=6), st.sampled_from([1, 4, 128]))
def test_each_caller_gets_what_the_call_gets_alone(waves: list[list[tuple[str, Any]]], most: int) -> None:
    async def run() -> None:
        async with serving(batch_rows=most) as service:
            for wave in waves:
                found = await asyncio.gather(*(called(service, *one) for one in wave))
                assert found == [alone(*one) for one in wave]
            await settled(service)

    in_loop(run())


@given(st.lists(st.tuples(CALL, st.integers(0, 6), st.booleans()), min_size=1, max_size=8))
def test_who_goes_away_takes_nothing_from_the_others(calls: list[tuple[tuple[str, Any], int, bool]]) -> None:
    async def run() -> None:
        async with serving() as service:
            tasks = [asyncio.ensure_future(called(service, *one)) for one, _, _ in calls]
            for turn in range(7):
                for task, (_, when, goes) in zip(tasks, calls, strict=True):
                    if goes and when == turn:
                        task.cancel()
                await asyncio.sleep(0)
            found = await asyncio.gather(*tasks, return_exceptions=True)
            for answer, (one, _, goes) in zip(found, calls, strict=True):
                assert answer == alone(*one) or (goes and isinstance(answer, asyncio.CancelledError))
            await settled(service)

    in_loop(run())


def test_what_waits_goes_together_and_nothing_waits_for_company() -> None:
    async def run() -> list[int]:
        gate = Gate()
        async with serving(gate, GATE_INFO, batch_rows=6) as service:
            first = asyncio.ensure_future(passing(gate, service, 0))
            await begun(gate)
            others = [
                asyncio.ensure_future(passing(gate, service, *values)) for values in ([1, 2], [3], [4, 5, 6], [7])
            ]
            empty = asyncio.ensure_future(passing(gate, service))
            await asyncio.sleep(0)
            gate.go.set()
            assert await asyncio.gather(first, empty, *others) == [
                gate.methods["pass_on"].output_type(values) for values in ([0], [], [1, 2], [3], [4, 5, 6], [7])
            ]
            await settled(service)
            text = service.metrics.render()[0].decode()
            assert 'modelport_batch_calls_sum{method="pass_on"} 6.0' in text
        return gate.seen

    assert in_loop(run()) == [1, 6, 1, 0]


@pytest.mark.parametrize(("limit", "value"), [("waiting", 2), ("waiting_rows", 4)])
def test_a_full_line_is_said_at_once(limit: str, value: int) -> None:
    async def run() -> None:
        gate = Gate()
        async with serving(gate, GATE_INFO, **{limit: value}) as service:
            calls = [asyncio.ensure_future(passing(gate, service, 1, 2))]
            await begun(gate)
            calls += [asyncio.ensure_future(passing(gate, service, 1, 2)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(ProblemError) as caught:
                await passing(gate, service, 1, 2)
            assert (caught.value.kind, caught.value.status) == ("overloaded", 429)
            assert caught.value.response("a").headers["retry-after"] == "1"
            gate.go.set()
            assert len(await asyncio.gather(*calls)) == 3
            await settled(service)

    in_loop(run())


def test_the_calls_that_wait_have_so_many_bytes_at_most() -> None:
    async def run() -> None:
        gate = Gate()
        async with serving(gate, GATE_INFO, waiting_bytes=100) as service:
            method = gate.methods["pass_on"]
            given = gate.codec.from_json({"values": [1]}, method.spec.input)
            calls = []
            for body in (1000, 1000):  # the first runs, and one may always wait
                calls.append(asyncio.ensure_future(service.call(method, given, request_id="a", body=body)))
                await begun(gate)
            with pytest.raises(ProblemError, match="1000 bytes are waiting"):
                await service.call(method, given, request_id="a", body=1)
            gate.go.set()
            assert len(await asyncio.gather(*calls)) == 2
            await settled(service)
            assert await service.call(method, given, request_id="a", body=1000)

    in_loop(run())


@pytest.mark.parametrize("info", [INFO, ServiceInfo(name="rows")], ids=["independent", "not independent"])
def test_a_call_has_so_many_rows_at_most(info: ServiceInfo) -> None:
    async def run() -> None:
        async with serving(info=info, rows=3) as service:
            assert await called(service, "lies", {"values": [1.0, 2.0, 3.0]}) == {"value": [2.0, 3.0]}
            assert await called(service, "lies", {"values": [1.0] * 4}) == "too-many-rows"

    in_loop(run())


def test_who_has_gone_away_gives_up_the_place() -> None:
    async def run() -> None:
        gate = Gate()
        async with serving(gate, GATE_INFO, waiting=1) as service:
            method, away = gate.methods["pass_on"], asyncio.Event()
            first = asyncio.ensure_future(passing(gate, service, 0))
            await begun(gate)
            given = gate.codec.from_json({"values": [1]}, method.spec.input)
            second = asyncio.ensure_future(service.call(method, given, request_id="a", gone=away.wait()))
            while not service.workers.waiting:  # noqa: ASYNC110 - the line tells nobody
                await asyncio.sleep(0)
            with pytest.raises(ProblemError):
                await passing(gate, service, 2)
            away.set()
            assert await second is None
            third = asyncio.ensure_future(passing(gate, service, 3))
            await asyncio.sleep(0)
            gate.go.set()
            assert [one.value for one in await asyncio.gather(first, third)] == [[0], [3]]
            assert gate.seen == [1, 1]

    in_loop(run())


def test_large_rows_count_as_several() -> None:
    async def run() -> list[int]:
        photos = Photos()
        async with serving(
            photos, ServiceInfo(name="photos", row_methods=frozenset({"sizes"})), batch_rows=4
        ) as service:
            one = photos.methods["sizes"]
            given = [one.input_type(np.zeros((1, edge))) for edge in (2**13, 2**14, 2**14, 2**14)]
            found = await asyncio.gather(*(service.call(one, each, request_id="a") for each in given))
            assert [answer.value for answer in found] == [[2**13], [2**14], [2**14], [2**14]]
        return photos.seen

    assert in_loop(run()) == [1, 2, 1]  # 64 KiB and three of 128 KiB: of these, two have the weight of four rows


class Photos(Model):
    """A model that notes how many rows it is given."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        super().__init__(sizes=self.sizes)

    def sizes(self, points: Points) -> list[int]:
        self.seen.append(len(points))
        return [points.shape[1]] * len(points)


def test_one_call_alone_and_many_together_take_the_loop_only_where_runs_are_short() -> None:
    pace = Pace()
    assert pace.rows == 0
    for rows in (1, 1, 2, 4):
        pace.ran(rows, 1e-5)
    assert pace.rows == 8
    pace.ran(64, 0.01)  # that many were never allowed
    assert pace.rows == 8
    pace.ran(1, 0.01)
    assert pace.rows == 0
    for _ in range(3):
        pace.ran(1, 1e-5)
    assert pace.rows == 0  # it has to show more than the first time
    pace.ran(1, 1e-5)
    assert pace.rows == 2
    pace.ran(1, 0.1)  # others have been kept waiting: for a while no short run helps
    for _ in range(5000):
        pace.ran(1, 1e-5)
    assert pace.rows == 0


def test_a_caller_who_is_alone_may_keep_the_loop_for_longer_but_not_for_long() -> None:
    pace = Pace()
    for _ in range(20):
        assert not pace.takes_alone(3)
        pace.ran(2, 0.006)
    assert pace.rows == 0  # it is not short
    assert pace.takes_alone(2)
    assert not pace.takes_alone(3)  # such were never seen
    pace.met()
    assert not pace.takes_alone(1)  # he is not alone
    taken = []
    for _ in range(256):
        taken.append(pace.takes_alone(2))
        pace.ran(2, 0.006)
    assert sum(taken[-128:]) == 126  # two glances are for others
    pace.ran(2, 0.03)
    assert not pace.takes_alone(1)
    for _ in range(20):
        pace.ran(1, 0.006)
    assert pace.takes_alone(1)
    pace.ran(1, 0.1)
    for _ in range(200):
        pace.ran(1, 0.006)
        assert not pace.takes_alone(1)  # that was too long for others


def test_the_loop_runs_a_slow_model_for_a_caller_who_is_alone_until_another_one_calls() -> None:
    async def run() -> tuple[bool, bool]:
        here, slow = threading.get_ident(), Slow()
        method = slow.methods["rows"]
        message = method.input_type([1])

        async def call(_: int) -> None:
            await service.call(method, message, request_id="a")

        async def until(there: str, callers: int) -> bool:
            for _ in range(300):
                await asyncio.gather(*map(call, range(callers)))
                if {"loop" if one == here else "thread" for one in slow.seen[-callers:]} == {there}:
                    return True
            return False

        async with serving(slow, ServiceInfo(name="slow", row_methods=frozenset({"rows"}))) as service:
            return await until("loop", 1), await until("thread", 2)

    assert in_loop(run()) == (True, True)


class Slow(Model):
    """A model that takes its time, and notes which thread runs it."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        super().__init__(rows=self.rows)

    def rows(self, values: list[int]) -> list[int]:
        time.sleep(0.004)
        self.seen.append(threading.get_ident())
        return values


def test_the_loop_runs_only_what_is_known_to_be_small() -> None:
    async def run() -> list[bool]:
        here = threading.get_ident()
        places = Places()
        methods = frozenset({"rows", "texts"})
        async with serving(places, ServiceInfo(name="places", row_methods=methods)) as service:
            found = []
            for method, few, many in (("rows", [1], [1] * 64), ("texts", ["a"], ["a" * 100_000]), ("other", [1], [1])):
                one = places.methods[method]
                for _ in range(8):
                    await service.call(one, one.input_type(few), request_id="a")
                answer = await service.call(one, one.input_type(many), request_id="a")
                assert places.seen[method][0] != here
                found += [here in places.seen[method], places.seen[method][-1] == here]
                assert len(answer.value) == len(many)
        return found

    assert in_loop(run()) == [True, False, True, False, False, False]


class Places(Model):
    """A model that notes which thread runs it."""

    def __init__(self) -> None:
        self.seen: dict[str, list[int]] = {"rows": [], "texts": [], "other": []}
        super().__init__(rows=self.rows, texts=self.texts, other=self.other)

    def rows(self, values: list[int]) -> list[int]:
        self.seen["rows"].append(threading.get_ident())
        return values

    def texts(self, values: list[str]) -> list[str]:
        self.seen["texts"].append(threading.get_ident())
        return values

    def other(self, values: list[int]) -> list[int]:
        self.seen["other"].append(threading.get_ident())
        return values


@settings(max_examples=5)
@given(st.integers(1, 20))
def test_methods_that_are_not_known_for_rows_go_one_by_one(calls: int) -> None:
    async def run() -> None:
        gate = Gate()
        gate.go.set()
        async with serving(gate, ServiceInfo(name="gate")) as service:
            await asyncio.gather(*(passing(gate, service, 1) for _ in range(calls)))
        assert gate.seen == [1] * calls

    in_loop(run())
