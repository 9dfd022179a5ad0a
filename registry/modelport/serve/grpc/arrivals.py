"""How the messages of calls arrive: so many at the same time, within the time that a caller has, and until the end.

grpcio reads a call's only message before it calls anybody, whatever that takes. Here all methods take streams, as far
as grpcio knows, which looks the same from outside: so that a message is read when there is room for it.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from modelport.serve.limits import Limits

__all__ = ["PATIENCE", "Arrivals", "Places"]

PATIENCE = 2.0
"""Seconds that a message on its way has to arrive when the service stops."""


class Arrivals:
    """Reads the messages of calls."""

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.body_seconds
        self._open: dict[asyncio.Timeout, float] = {}
        self._stops = False

    async def only(self, messages: AsyncIterator[bytes], slots: asyncio.Semaphore) -> bytes | None:
        """Return the message of a call that has one, read in one of some *slots*; None where there is none.

        Raises:
            ProblemError: As :meth:`next` does.
        """
        return await self._read(messages, slots, PATIENCE)

    async def next(self, messages: AsyncIterator[bytes], patience: float = PATIENCE) -> bytes | None:
        """Return the next message of a stream; None at its end.

        Args:
            messages: What grpcio gives.
            patience: Seconds to wait for it when the service stops.

        Raises:
            ProblemError: It comes too late, or the service stops.
        """
        return await self._read(messages, nullcontext(), patience)

    def stop(self) -> None:
        """Wait no longer than patience is for what has not come."""
        self._stops = True
        now = asyncio.get_running_loop().time()
        for limit, patience in self._open.items():
            limit.reschedule(min(now + patience, limit.when() or now))

    async def _read(
        self, messages: AsyncIterator[bytes], slot: asyncio.Semaphore | nullcontext[None], patience: float
    ) -> bytes | None:
        seconds = min(patience, self._seconds) if self._stops else self._seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                self._open[limit] = patience
                async with slot:
                    return await anext(messages, None)
        except TimeoutError:
            if self._stops:
                raise ProblemError("not-ready", "the service stops") from None
            raise ProblemError("slow-body", f"no message came for {self._seconds:g} seconds") from None
        finally:
            self._open.pop(limit, None)


class Places:
    """Calls of one kind that may be open at the same time.

    Args:
        most: How many.
        what: What they are called.
        reads: How many of them may read their message at the same time.

    Attributes:
        most: How many.
        reading: Who reads a message has one of these.
    """

    def __init__(self, most: int, what: str, reads: int) -> None:
        self.most = most
        self.reading = asyncio.Semaphore(reads)
        self._what = what
        self._open = 0

    def __enter__(self) -> None:
        """Take a place; raise ProblemError where there is none."""
        if self._open >= self.most:
            raise ProblemError("overloaded", f"{self.most} {self._what} are open already; try again")
        self._open += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the place."""
        self._open -= 1
