"""One connection that times one call after another, for two servers that are nearly alike.

wrk runs for whole seconds, and a shared machine's speed changes by half from one second to the next. Two connections
can take turns of a few milliseconds, so that both servers meet the same machine.
"""

from __future__ import annotations

import re
import socket
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Connection", "compared"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Connection:
    """A connection that is kept, and posts the same JSON again and again.

    Args:
        url: Where to.
        body: The JSON.
    """

    def __init__(self, url: str, body: str) -> None:
        parts = urlsplit(url)
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        self._request = f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self) -> float:
        """Return how many seconds one call takes; an answer that is an error fails the run."""
        began = perf_counter()
        self._socket.sendall(self._request)
        answer = self._socket.recv(2**16)
        while not _is_whole(answer):
            more = self._socket.recv(2**16)
            assert more, f"the server closed the connection after {answer!r}"
            answer += more
        seconds = perf_counter() - began
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        return seconds

    def half(self, calls: int) -> float:
        """Return the seconds within which half of so many calls are answered."""
        return median(self.call() for _ in range(calls))


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head + b"\r\n")
    assert length, f"an answer without its length: {answer!r}"
    return len(body) >= int(length[1])


def compared(one: Connection, other: Connection, *, turns: int, calls: int) -> tuple[float, float]:
    """Return how many times the other's median the one's is, in the median of many short turns, and the other's."""
    found = []
    for turn in range(turns):
        if turn % 2:
            mine, peer = one.half(calls), other.half(calls)
        else:
            peer, mine = other.half(calls), one.half(calls)
        found.append((mine, peer))
    return median(mine / peer for mine, peer in found), median(peer for _, peer in found)
