"""Streams of messages as bytes: JSON one message a line, protobuf after its length, JSON as server-sent events.

A line ends with a line feed, the last one may go without; empty lines mean nothing, and may keep a connection open. A
protobuf message of a stream has its length before it as a varint, as ``writeDelimitedTo`` of protobuf's libraries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Lengths", "Lines", "delimited", "event", "line"]

_EMPTY_LINES = re.compile(rb"\s*\n")  # all at once: there may be a million
_MOST_VARINT = 5  # bytes of a length, which is below 2 ** 35 then


def line(message: bytes) -> bytes:
    """Return a JSON message as a line."""
    return message + b"\n"


def event(message: bytes) -> bytes:
    """Return a JSON message, which has no line feeds, as a server-sent event (WHATWG HTML, section 9.2)."""
    return b"data: %s\n\n" % message


def delimited(message: bytes) -> bytes:
    """Return a protobuf message with its length before it."""
    length, head = len(message), bytearray()
    while length > 0x7F:  # noqa: PLR2004 - seven bits a byte
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + message


class Lines:
    """Cuts a stream into lines of up to *longest* bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._held: list[bytes] = []  # the parts of a line that has not ended
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that end in *chunk*; raise ProblemError where one is too long."""
        start = 0
        while True:
            if not self._size and (empty := _EMPTY_LINES.match(chunk, start)):
                start = empty.end()
            if (end := chunk.find(b"\n", start)) < 0:
                break
            self._hold(chunk[start:end])
            one, self._held, self._size = b"".join(self._held), [], 0
            start = end + 1
            if one.strip():
                yield one
        self._hold(chunk[start:])

    def rest(self) -> Iterator[bytes]:
        """Yield the last line, if it did not end."""
        return self.add(b"\n")

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._longest:
            raise ProblemError("body-too-large", f"a message of a stream has at most {self._longest} bytes")
        self._held.append(part)


class Lengths:
    """Cuts a stream into protobuf messages of up to *longest* bytes, each after its length."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._held = bytearray()

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the messages that end in *chunk*; raise ProblemError where one is too long, or a length is none."""
        self._held += chunk
        start = 0
        while (found := self._length(start)) and sum(found) <= len(self._held):
            begin, length = found
            start = begin + length
            yield bytes(self._held[begin:start])
        del self._held[:start]

    def rest(self) -> Iterator[bytes]:
        """Yield nothing; raise ProblemError where the last message is not whole."""
        if self._held:
            raise ProblemError("malformed-protobuf", "the stream ends inside of a message")
        yield from ()

    def _length(self, start: int) -> tuple[int, int] | None:
        """Return where the message begins whose length stands at *start*, and the length; None before it is here."""
        length = 0
        for place, byte in enumerate(self._held[start : start + _MOST_VARINT]):
            length |= (byte & 0x7F) << 7 * place
            if byte <= 0x7F:  # noqa: PLR2004 - the last byte has no high bit
                if length > self._longest:
                    raise ProblemError("body-too-large", f"a message of a stream has at most {self._longest} bytes")
                return start + place + 1, length
        if len(self._held) - start >= _MOST_VARINT:
            raise ProblemError("malformed-protobuf", "the stream is not one of messages with their lengths before them")
        return None
