"""Streams of messages as bytes: JSON one message a line, protobuf after its length, JSON as server-sent events.

A line ends with a line feed, the last one may go without; empty lines mean nothing, and may keep a connection open. A
protobuf message of a stream has its length before it as a varint, as ``writeDelimitedTo`` of protobuf's libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Lengths", "Lines", "delimited", "event", "line"]

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
        self._held = bytearray()

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that end in *chunk*; raise ProblemError where one is too long."""
        first, *others = chunk.split(b"\n")
        self._held += first
        for following in others:
            yield from self._checked(bytes(self._held))
            self._held = bytearray(following)
        self._checked(bytes(self._held))

    def rest(self) -> Iterator[bytes]:
        """Yield the last line, if it did not end."""
        return self.add(b"\n")

    def _checked(self, one: bytes) -> list[bytes]:
        if len(one) > self._longest:
            raise ProblemError("body-too-large", f"a message of a stream has at most {self._longest} bytes")
        return [one] if one.strip() else []


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
        return iter(())

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
