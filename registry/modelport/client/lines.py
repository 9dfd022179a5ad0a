"""Streams of messages as newline-delimited JSON: one message a line; what fails in the middle is the last line.

A message goes out as ``{"field": value}`` and a newline. A line ``{"error": PROBLEM}`` ends a stream that failed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.client.errors import Problem, ServiceError, failure, from_document
from modelport.errors import CallError
from modelport.model.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping

    from modelport.client.calls import Call

__all__ = ["Lines", "async_body", "body"]


def body(one: Call, messages: Iterable[Any]) -> Iterator[bytes]:
    """Yield the lines of *messages*: each the input message, or a mapping of its fields.

    Raises:
        CallError: One does not fit; its place stands in the path.
    """
    for place, message in enumerate(messages):
        yield _line(one, message, place)


async def async_body(one: Call, messages: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[bytes]:
    """Yield the lines of *messages*, which may be an asynchronous iterable; see :func:`body`."""
    place = 0
    if not hasattr(messages, "__aiter__"):
        for line in body(one, messages):
            yield line
        return
    async for message in messages:
        yield _line(one, message, place)
        place += 1


def _line(one: Call, message: Any, place: int) -> bytes:
    fields = isinstance(message, dict)
    try:
        return one.write(() if fields else (message,), message if fields else {}, "json", Exchange()) + b"\n"
    except CallError as error:
        raise CallError([f"[{place}].{problem}" for problem in error.problems], hint=error.hint) from error


class Lines:
    """Reads the messages of an answer, chunk by chunk."""

    def __init__(self, one: Call, where: str, headers: Mapping[str, str]) -> None:
        self._one, self._where = one, where
        self._request_id = headers.get("x-request-id", "")
        self._parts: list[bytes] = []  # of a line that is not whole yet
        self._count = 0

    def feed(self, chunk: bytes) -> Iterator[Any]:
        """Yield the messages that are whole by now.

        Raises:
            ServiceError: The method failed in the middle, or a line is no message of its answer.
        """
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join([*self._parts, end])
            self._parts.clear()
            if line.strip():
                yield self._message(line)
        self._parts.append(rest)

    def finish(self) -> Iterator[Any]:
        """Yield the last message, if it had no newline."""
        yield from self.feed(b"\n")

    def _message(self, line: bytes) -> Any:
        failed = self._failed(line)
        if failed is not None:
            raise failure(failed, f"{self._where}, after {self._count} messages")
        try:
            message = self._one.read(line, "application/json", Exchange())
        except CallError as error:
            detail = f"message {self._count} does not fit the signature: {error.message}"
            problem = Problem("unreadable-answer", detail, request_id=self._request_id)
            raise ServiceError(f"{self._where}: {detail}", problem) from error
        self._count += 1
        return message

    def _failed(self, line: bytes) -> Problem | None:
        if not line.lstrip().startswith(b'{"error"'):
            return None
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(document, dict) or document.keys() != {"error"}:
            return None
        return from_document(document["error"], 0, self._request_id)
