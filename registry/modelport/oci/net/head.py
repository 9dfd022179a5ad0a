"""The head of an answer, its status line and header fields, in bounded time.

A connection's timeout starts anew with every byte. ``http.client`` waits for whole lines, and for as many of them as
come: one byte now and then, or one ``100 Continue`` after the other, would keep it waiting for good.
"""

from __future__ import annotations

import http.client
import io
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

__all__ = ["Answer"]


class _Lines(io.BufferedReader):
    """Gives up on lines that take longer in sum than they may; everything else is as fast as it was."""

    def __init__(self, raw: io.RawIOBase, seconds: float | None) -> None:
        super().__init__(raw)
        self.allow(seconds)

    def allow(self, seconds: float | None) -> None:
        """Let the lines from now on take so long in sum."""
        self._seconds = seconds
        self._began = time.monotonic()

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = -1 if size is None else size
        line = b""
        while not line.endswith(b"\n") and len(line) != limit:
            if self._seconds is not None and time.monotonic() - self._began > self._seconds:
                raise TimeoutError(f"an answer's head or framing took longer than {self._seconds:.0f} seconds")
            waiting = self.peek(1)  # reads from the connection once at most
            if not waiting:
                break
            wanted = waiting.find(b"\n") + 1 or len(waiting)
            line += self.read(wanted if limit < 0 else min(wanted, limit - len(line)))
        return line


class Answer(http.client.HTTPResponse):
    """An answer whose head comes within the connection's timeout, or raises TimeoutError up to one timeout later.

    The same holds for the lines between the chunks of a body and after the last one, from each ``allow_lines`` on.
    """

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._sock = sock
        self._lines = _Lines(self.fp.detach(), sock.gettimeout())
        self.fp = self._lines

    def allow_lines(self) -> None:
        """Begin to count the lines' time anew: the body got on."""
        self._lines.allow(self._sock.gettimeout())

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:
        """Wait no longer than that for anything, meanwhile; the connection's timeout is left as it was."""
        usual = self._sock.gettimeout()
        self._sock.settimeout(seconds if usual is None else min(seconds, usual))
        self.allow_lines()
        try:
            yield
        finally:
            self._sock.settimeout(usual)
