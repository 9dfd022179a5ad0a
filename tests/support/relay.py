"""A way between two networks that is as slow, as narrow and as mortal as it is told: ``python -m tests.support.relay``.

For kernels without ``netem``. It stands in a network of its own, with a cable to either side, and passes on what comes
for some ports. What its moment says holds for all messages that begin while it lasts: a message arrives ``one_way``
later, in its order, ``rate`` bytes a second; one towards the server ``stall`` later still; a new connection costs a
turn. It can be told to be

- ``alive``;
- ``cut``: connections are reset, also the new ones;
- ``silent``: nothing arrives any more; when it is alive again, what waited goes on, as TCP's repetitions would.

It is told by lines of JSON at a socket in the file system, which all networks of a machine share. It ends with its
standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.weather import CALM, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.namespaces import Namespace

__all__ = ["Relay", "relay"]

ROOT = Path(__file__).parents[2]
_RESET = struct.pack("ii", 1, 0)


class Relay:
    """The relay as those see it who tell it what to be.

    Args:
        control: The file of its socket.
    """

    def __init__(self, control: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(control))
        self._lines = self._socket.makefile("r", encoding="utf-8")

    def moment(self, moment: Moment) -> None:
        """Be as *moment* says from now on."""
        self._tell(moment=moment.to_json())

    def be(self, state: str, *, after: float = 0.0) -> None:
        """Be ``alive``, ``cut`` or ``silent``, *after* so many seconds."""
        self._tell(state=state, after=after)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _tell(self, **order: Any) -> None:  # noqa: ANN401 - JSON
        self._socket.sendall(json.dumps(order).encode() + b"\n")
        assert self._lines.readline() == "done\n"


@contextmanager
def relay(place: Namespace, control: Path, address: str, ports: Sequence[int]) -> Iterator[Relay]:
    """Run a relay in *place* that passes on connections to *ports* of its own to the same ports of *address*."""
    program = [sys.executable, "-m", "tests.support.relay", str(control), address, *map(str, ports)]
    with subprocess.Popen(
        place.inside(*program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        told = Relay(control)
        try:
            yield told
        finally:
            told.close()  # the process ends with its input, which is closed next


@dataclass(slots=True)
class _State:
    """What all connections share."""

    address: str
    moment: Moment = CALM
    state: str = "alive"
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def become(self, state: str, after: float) -> None:
        await asyncio.sleep(after)
        async with self.changed:
            self.state = state
            self.changed.notify_all()
        if state == "cut":
            for one in list(self.open):
                _reset(one)

    async def heard(self) -> None:
        """Wait until messages arrive again."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.state != "silent")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off, so that its other end sees that it did not end well."""
    with contextlib.suppress(OSError):  # it has ended already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


class _Connection:
    """A connection: two directions; the answer to a message takes as long as the message did, but for its stall."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._one_way = state.moment.one_way
        self._queues = {True: _Direction(), False: _Direction()}

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        state = self._state
        state.open.add(writer)
        try:
            if state.state == "cut":
                return
            await asyncio.sleep(state.moment.turn)
            await state.heard()
            there, back = await asyncio.open_connection(state.address, port)
            state.open.add(back)
            try:
                await self._both(reader, writer, there, back)
            finally:
                state.open.discard(back)
                back.transport.abort()
        except OSError:
            pass  # the server is not there, or either side went away: the other is told by the reset
        finally:
            state.open.discard(writer)
            _reset(writer)

    async def _both(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
        there: asyncio.StreamReader, back: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        jobs = [
            asyncio.create_task(job)
            for job in (
                self._read(reader, forth=True), self._read(there, forth=False),
                self._write(back, forth=True), self._write(writer, forth=False),
            )
        ]  # fmt: skip
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader, *, forth: bool) -> None:
        queue, now = self._queues[forth], asyncio.get_running_loop().time
        while True:
            piece = await reader.read(65536)
            if forth and queue.idle:
                self._one_way = self._state.moment.one_way
            due = now() + self._one_way + (self._state.moment.stall if forth else 0.0)
            queue.send(piece, due, self._state.moment.rate)
            if not piece:
                return

    async def _write(self, writer: asyncio.StreamWriter, *, forth: bool) -> None:
        queue, loop = self._queues[forth], asyncio.get_running_loop()
        while True:
            due, piece = await queue.get()
            await asyncio.sleep(due - loop.time())
            await self._state.heard()
            if not piece:
                writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()
            queue.idle = queue.empty()


class _Direction(asyncio.Queue[tuple[float, bytes]]):
    """The pieces under way in one direction."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = True
        self._last = 0.0

    def send(self, piece: bytes, due: float, rate: float | None) -> None:
        self._last = max(self._last, due) + (len(piece) / rate if rate else 0.0)
        self.idle = False
        self.put_nowait((self._last, piece))


class _Door:
    """Where connections to a port come in."""

    def __init__(self, state: _State, port: int) -> None:
        self._state, self._port = state, port
        self._running: set[asyncio.Task[None]] = set()

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_Connection(self._state).run(reader, writer, self._port))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _told(state: _State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    later: asyncio.Task[None] | None = None
    while line := await reader.readline():
        order = json.loads(line)
        if "moment" in order:
            state.moment = Moment(**order["moment"])
        else:
            if later is not None:
                later.cancel()  # what is told now is newer
            later = asyncio.create_task(state.become(order["state"], order["after"]))
            if not order["after"]:
                await later
        writer.write(b"done\n")
    writer.close()


async def _main(control: str, address: str, *ports: str) -> None:
    state = _State(address)
    for port in map(int, ports):
        await asyncio.start_server(_Door(state, port), "0.0.0.0", port)  # noqa: S104 - in a network of its own
    await asyncio.start_unix_server(lambda reader, writer: _told(state, reader, writer), control)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
