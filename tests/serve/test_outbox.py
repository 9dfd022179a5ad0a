"""Answers that go out together: none is lost or late by more than a turn, and a connection's keep their order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.loops import in_loop

from modelport.serve.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Turns = list[list[tuple[int, int]]]
"""Of each turn of the loop: what is expected, and the connection that the answer goes to."""


class Kept(asyncio.Protocol):
    """Keeps what comes, and says when the other side has closed."""

    def __init__(self, made: asyncio.Queue[Kept]) -> None:
        self.data = b""
        self.closed = asyncio.Event()
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        del transport
        self._made.put_nowait(self)

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed.set()


@asynccontextmanager
async def connections(count: int) -> AsyncIterator[list[tuple[asyncio.Transport, Kept]]]:
    """Give the sending side of each connection, and what keeps what arrives at the other one."""
    loop, kept = asyncio.get_running_loop(), asyncio.Queue[Kept]()
    server = await loop.create_server(lambda: Kept(kept), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield [((await loop.create_connection(asyncio.Protocol, host, port))[0], await kept.get()) for _ in range(count)]
    server.close()


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=6), max_size=4))
def test_all_is_sent_within_a_turn_and_in_order(turns: Turns) -> None:
    async def run() -> None:
        outbox, sent = Outbox(), [b"", b"", b""]
        async with connections(3) as made:
            for turn in turns:
                for expected, to in turn:
                    outbox.expect(expected)
                    answer = b"%d " % len(sent[to])
                    sent[to] += answer
                    outbox.put(made[to][0], answer)
                await asyncio.sleep(0)
                assert not outbox.waiting
            for transport, kept in made:
                transport.close()
                await asyncio.wait_for(kept.closed.wait(), 60)
            assert [kept.data for _, kept in made] == sent

    in_loop(run())


def test_the_last_one_that_is_expected_takes_all_with_it() -> None:
    async def run() -> None:
        outbox = Outbox()
        async with connections(1) as made:
            outbox.expect(3)
            found = []
            for answer in (b"a", b"b", b"c", b"d"):
                outbox.put(made[0][0], answer)
                found.append([one for _, one in outbox.waiting])
            assert found == [[b"a"], [b"a", b"b"], [], []]
            made[0][0].close()
            await asyncio.wait_for(made[0][1].closed.wait(), 60)
            assert made[0][1].data == b"abcd"

    in_loop(run())


def test_who_has_gone_gets_nothing_and_keeps_nobody_else_from_it() -> None:
    async def run() -> None:
        outbox = Outbox()
        async with connections(2) as made:
            outbox.expect(2)
            outbox.put(made[0][0], b"a")
            made[0][0].abort()
            outbox.put(made[1][0], b"b")
            made[1][0].close()
            for _, kept in made:
                await asyncio.wait_for(kept.closed.wait(), 60)
            assert [kept.data for _, kept in made] == [b"", b"b"]

    in_loop(run())
