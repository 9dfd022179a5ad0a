"""Streams of messages through the clients, against a service that streams."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.running import running
from tests.support.loops import in_loop
from tests.support.waiting import eventually

import modelport
from modelport.client import ModelFailedError, ServiceError
from modelport.errors import CallError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.serve.running import Running

    from modelport import RemoteModel


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with running("tests.serve.streaming", "streams") as found:
        yield found


@pytest.fixture
def remote(service: Running) -> Iterator[RemoteModel]:
    with modelport.connect(str(service.client.base_url)) as found:
        yield found


def test_messages_come_out_and_go_in(remote: RemoteModel) -> None:
    assert [one.value for one in remote.count(to=3)] == [1, 2, 3]
    assert remote.total([1.5, {"value": 2.0}]).value == 3.5
    points = (remote.types.Point(x) for x in (1.0, 3.0))
    assert [one.x for one in remote.mean(points)] == [1.0, 2.0]


def test_a_message_comes_before_the_next_is_made(remote: RemoteModel, tmp_path: Path) -> None:
    with remote.gated(folder=str(tmp_path)) as stream:
        assert next(stream).value == "first"
        (tmp_path / "open").touch()
        assert [one.value for one in stream] == ["second"]


def test_a_stream_that_nobody_iterates_gives_its_connection_back(remote: RemoteModel, tmp_path: Path) -> None:
    remote.endless(folder=str(tmp_path), size=100)
    assert eventually((tmp_path / "closed").exists)


def test_what_fails_in_the_middle_is_raised_after_what_came(remote: RemoteModel) -> None:
    stream, came = remote.fails(at=2), []
    with pytest.raises(ModelFailedError) as caught:
        came += [one.value for one in iter(lambda: next(stream), None)]
    assert caught.value.kind == "model-failed"
    assert "after 2 messages" in caught.value.message
    assert caught.value.request_id


def test_a_stream_may_last_longer_than_a_call(remote: RemoteModel, tmp_path: Path) -> None:
    with remote.with_options(timeout=1).endless(folder=str(tmp_path), size=1000) as stream:
        end = time.monotonic() + 2.5
        assert any(time.monotonic() > end for _ in stream)


def test_a_pause_in_a_stream_has_the_time_of_a_call(service: Running, remote: RemoteModel, tmp_path: Path) -> None:
    def pause(folder: Path) -> None:
        with remote.with_options(timeout=1).gated(folder=str(folder)) as stream:
            assert next(stream).value == "first"
            next(stream)

    async def pause_too(folder: Path) -> None:
        async with modelport.connect_async(str(service.client.base_url), timeout=1) as other:
            stream = other.gated(folder=str(folder))
            assert (await anext(stream)).value == "first"
            await anext(stream)

    def pause_on_a_loop(folder: Path) -> None:
        in_loop(pause_too(folder))

    for number, call in enumerate((pause, pause_on_a_loop)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(ServiceError, match="no message came in time") as caught:
            call(folder)
        (folder / "open").touch()  # or the model would wait for ever
        assert caught.value.kind == "timeout"
        assert "from one message of a stream to the next" in caught.value.hint


def test_what_is_sent_takes_from_the_time_of_the_call(service: Running, remote: RemoteModel) -> None:
    def slow() -> Iterator[float]:
        time.sleep(1.5)
        yield 1.0

    async def slow_too() -> AsyncIterator[float]:
        await asyncio.sleep(1.5)
        yield 1.0

    async def run() -> None:
        async with modelport.connect_async(str(service.client.base_url), timeout=1) as other:
            await other.total(slow_too())

    for call in (lambda: remote.with_options(timeout=1).total(slow()), lambda: in_loop(run())):
        with pytest.raises(ServiceError) as caught:
            call()
        assert caught.value.kind == "timeout"


def test_a_message_that_does_not_fit_is_told_by_its_place(remote: RemoteModel) -> None:
    with pytest.raises(CallError) as caught:
        remote.total([1.0, "two"])
    assert caught.value.problems[0].startswith("[1].value: is a str")
    with pytest.raises(CallError, match="to: is a str"):
        remote.count(to="3")


def test_on_a_loop(service: Running) -> None:
    async def numbers() -> AsyncIterator[Any]:
        for one in (1.5, 2.0):
            yield one

    async def run() -> tuple[Any, ...]:
        async with modelport.connect_async(str(service.client.base_url)) as remote:
            counted = [one.value async for one in remote.count(to=3)]
            total = (await remote.total(numbers())).value
            means = [one.x async for one in remote.mean([remote.types.Point(1.0), {"x": 3.0}])]
            with pytest.raises(ModelFailedError):
                _ = [one async for one in remote.fails(at=1)]
            return counted, total, means

    assert in_loop(run()) == ([1, 2, 3], 3.5, [1.0, 2.0])
