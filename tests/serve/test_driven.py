"""Coroutines that are run without a task: they begin at once, and go on and end as they would in one."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.loops import in_loop

from modelport.serve.driven import Driven

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WHOSE: ContextVar[str] = ContextVar("whose", default="nobody's")


async def driven(work: Callable[[list[str]], Awaitable[object]]) -> list[str]:
    """Return what *work* noted when it is run so, and "begun" where it had to wait for the first time."""
    noted: list[str] = []
    among: set[Any] = set()
    over = asyncio.Event()

    async def run() -> None:
        try:
            await work(noted)
            noted.append("ended")
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is noted
            noted.append(repr(error))
        over.set()

    Driven(run(), among).start()
    noted.append("begun")
    await over.wait()
    assert not among
    return noted


async def ends(noted: list[str]) -> None:
    noted.append("first")


async def waits(noted: list[str]) -> None:
    noted.append("first")
    await asyncio.sleep(0.01)
    noted.append(await asyncio.to_thread(str, "second"))
    await asyncio.sleep(0)


async def fails(noted: list[str]) -> None:
    noted.append("first")
    await asyncio.get_running_loop().run_in_executor(None, int, "x")


@pytest.mark.parametrize(
    ("work", "noted"),
    [
        (ends, ["first", "ended", "begun"]),
        (waits, ["first", "begun", "second", "ended"]),
        (fails, ["first", "begun", """ValueError("invalid literal for int() with base 10: 'x'")"""]),
    ],
)
def test_it_begins_at_once_and_goes_on_when_what_it_waits_for_is_there(
    work: Callable[[list[str]], Awaitable[object]], noted: list[str]
) -> None:
    assert in_loop(driven(work)) == noted


def test_what_it_sets_is_its_own_and_stays() -> None:
    async def sets(noted: list[str]) -> None:
        token = WHOSE.set("mine")
        await asyncio.sleep(0.001)
        noted.append(WHOSE.get())
        WHOSE.reset(token)

    async def run() -> tuple[list[str], str]:
        return await driven(sets), WHOSE.get()

    assert in_loop(run()) == (["begun", "mine", "ended"], "nobody's")


def test_cancelled_it_is_told_so_where_it_waits_and_may_still_tidy_up() -> None:
    async def run() -> list[str]:
        noted: list[str] = []
        among: set[Any] = set()
        over, future = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def tidies() -> None:
            try:
                await future
            except asyncio.CancelledError as error:
                await asyncio.sleep(0.001)
                noted.append(f"tidied after {error}")
            over.set()

        one = Driven(tidies(), among)
        one.start()
        one.cancel(msg="the end")
        await over.wait()
        assert not among
        future.set_result(None)  # nobody waits for it any more
        await asyncio.sleep(0.001)
        return noted

    assert in_loop(run()) == ["tidied after the end"]
