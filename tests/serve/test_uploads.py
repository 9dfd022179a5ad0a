"""Bodies that are being read: so many at a time, until they are messages, and very large ones one after another."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.running import problem_of
from tests.support.loops import in_loop

from modelport.serve.body import Uploads
from modelport.serve.limits import Limits
from modelport.serve.problem import ProblemError
from modelport.serve.reading import INLINE

if TYPE_CHECKING:
    from tests.serve.running import Running

SMALL, MIDDLE, LARGE = bytes(10), bytes(INLINE + 1), bytes(2**20 + 1)


async def nothing() -> Any:  # noqa: ANN401 - ASGI's messages
    raise AssertionError("the body is here")


@pytest.mark.parametrize("body", [MIDDLE, LARGE], ids=len)
def test_a_body_has_its_place_until_it_is_a_message(body: bytes) -> None:
    async def run() -> None:
        uploads, begun, go = Uploads(Limits(uploads=1)), asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def read(given: bytes) -> int:
            loop.call_soon_threadsafe(begun.set)
            assert go.wait(30)
            return len(given)

        first = asyncio.ensure_future(uploads.message(read, "", nothing, body))
        await begun.wait()
        with pytest.raises(ProblemError, match="1 bodies are being read already"):
            await uploads.message(read, "", nothing, body)
        assert await uploads.message(len, "", nothing, SMALL) == (10, 10)
        go.set()
        assert await first == (len(body), len(body))
        assert await uploads.message(len, "", nothing, body) == (len(body), len(body))

    in_loop(run())


def test_very_large_bodies_are_read_one_after_another() -> None:
    async def run() -> list[int]:
        uploads, inside, seen = Uploads(Limits()), threading.Semaphore(0), []
        lock = threading.Lock()

        def read(_: bytes) -> None:
            inside.release()
            with lock:
                seen.append(1)
            inside.acquire()
            seen.append(-1)

        await asyncio.gather(*(uploads.message(read, "", nothing, LARGE) for _ in range(6)))
        return seen

    assert in_loop(run()) == [1, -1] * 6


def test_what_cannot_be_read_gives_its_place_back() -> None:
    async def run() -> None:
        uploads = Uploads(Limits(uploads=1, body_bytes=len(LARGE)))
        for body in (MIDDLE, LARGE):
            with pytest.raises(UnicodeDecodeError):
                await uploads.message(lambda given: given.replace(b"\0", b"\xff").decode(), "", nothing, body)
        with pytest.raises(ProblemError, match="a body has at most"):
            await uploads.message(len, "", nothing, LARGE + b"a")
        assert await uploads.message(len, "", nothing, LARGE) == (len(LARGE), len(LARGE))

    in_loop(run())


@pytest.mark.parametrize("unit", [b"[],", b"1,", b'{"a":1},'])
def test_json_of_very_many_values_is_refused(kinds: Running, unit: bytes) -> None:
    body = b'{"floats": [' + unit * (15_000_000 // len(unit)) + b"0]}"
    problem = problem_of(kinds.call("scale", None, content=body), 413, "body-too-large")
    assert "2097152 values" in problem["detail"]


def test_commas_in_texts_are_no_values(trouble: Running) -> None:
    text = "1,[" * 3_000_000
    assert trouble.call("length", {"text": text}).json() == {"value": len(text)}
