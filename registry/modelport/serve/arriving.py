"""The messages that a caller sends as a stream, while they arrive over HTTP."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from modelport.serve.framing import Lengths, Lines
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive

    from modelport.serve.limits import Limits

__all__ = ["Arriving"]

_AHEAD = 64 * 1024  # bytes of messages that are read before the model asks for them
_MESSAGE = 64  # bytes that each of them counts besides its own


class Arriving:
    """The messages that a caller sends, and whether the caller is still there.

    Messages are read ahead until there are `_AHEAD` bytes of them, so that the caller waits while the model is slower,
    and is missed when gone.

    Args:
        receive: As ASGI has it.
        limits: What callers may cost.
        protobuf: Whether the messages are protobuf, each after its length; otherwise they are lines.

    Attributes:
        ended: All has been sent.
        gone: The caller has gone away.
    """

    def __init__(self, receive: Receive, limits: Limits, *, protobuf: bool) -> None:
        self.ended = self.gone = False
        self._receive = receive
        self._frames = (Lengths if protobuf else Lines)(limits.body_bytes)
        self._left = self._most = limits.stream_bytes
        self._seconds = limits.body_seconds
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        self._uncut: deque[Iterator[bytes]] = deque()
        self._is_all = False
        self._problem: ProblemError | None = None
        self._news, self._room = asyncio.Event(), asyncio.Event()

    @property
    def ahead(self) -> int:
        """How many messages have been read ahead."""
        return len(self._messages)

    async def run(self) -> None:
        """Read what comes; return when the caller has gone away."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    while self._uncut or self._bytes > _AHEAD:
                        self._room.clear()
                        await self._room.wait()
            # After a while more is read all the same: only who reads is told that the caller has gone.
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                return
            if not self.ended and not self._problem:
                self._take(message.get("body", b""), last=not message.get("more_body"))
                self._cut()

    def _take(self, chunk: bytes, *, last: bool) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            self._problem = ProblemError("body-too-large", f"a stream has at most {self._most} bytes")
            return
        self._uncut.append(self._frames.add(chunk))
        if last:
            self._uncut.append(self._frames.rest())
            self._is_all = True

    def _cut(self) -> None:
        """Cut messages off what is here, until there are enough: a chunk may hold very many of no length."""
        try:
            while self._uncut and self._bytes <= _AHEAD:
                message = next(self._uncut[0], None)
                if message is None:
                    self._uncut.popleft()
                else:
                    self._messages.append(message)
                    self._bytes += len(message) + _MESSAGE
        except ProblemError as problem:
            self._problem = problem
            self._uncut.clear()
        if self._is_all and not self._uncut and not self._problem:
            self.ended = True
        self._news.set()

    def __aiter__(self) -> Arriving:
        return self

    async def __anext__(self) -> bytes:
        """Return the next message's bytes."""
        while not self._messages:
            if self._uncut:
                self._cut()
                continue
            if self._problem:
                raise self._problem
            if self.ended:
                raise StopAsyncIteration
            self._news.clear()  # where the caller has gone, no news will come: this is for who waits to end
            await self._news.wait()
        message = self._messages.popleft()
        self._bytes -= len(message) + _MESSAGE
        self._room.set()
        return message
