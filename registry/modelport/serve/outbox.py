"""Answers that end in one turn of the event loop, and go out one right after another.

What is sent wakes its reader, and a wake-up is the dearest part of a small answer. Readers that are woken while the
service still makes the next answer go back to sleep before that is there; when a run's answers go out together, one who
waits for several of them is woken once.
"""

from __future__ import annotations

import asyncio

__all__ = ["Outbox"]


class Outbox:
    """The answers of a run of the model that are made and not sent yet; only the event loop's thread uses it.

    Attributes:
        waiting: What is to be written, and where.
    """

    __slots__ = ("_expected", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[asyncio.Transport, bytes]] = []
        self._expected = 0

    def expect(self, answers: int) -> None:
        """Let the next answers, so many of them, go out together."""
        self._expected = answers

    def put(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Send *answer*: at once if it is the last one that is expected, and at the latest after this turn."""
        self._expected -= 1
        self.waiting.append((transport, answer))
        if self._expected <= 0:
            self.flush()
        elif len(self.waiting) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what is here, to those who are still there."""
        waiting, self.waiting = self.waiting, []
        for transport, answer in waiting:
            if not transport.is_closing():
                transport.write(answer)
