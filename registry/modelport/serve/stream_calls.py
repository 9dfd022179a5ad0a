"""``POST /model/methods/<method>`` of a method that takes or gives a stream.

============================  ====================================================================================
``application/x-ndjson``      JSON, one message a line (``application/jsonl`` is the same): what a stream has unless
                              told otherwise
``text/event-stream``         answers as server-sent events: ``data: {...}``, for browsers' ``EventSource``
``application/x-protobuf``    protobuf, each message with its length before it as a varint
============================  ====================================================================================

A side that is no stream has the forms of every call (`calls`). Both sides go at once: answers come while messages are
still being sent. An error before the first answer is a problem with its status. After it the status has been sent, so
the stream ends with a line ``{"error": PROBLEM}``, or an event called ``error``; a stream of protobuf is cut off.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from modelport.errors import CallError
from modelport.serve.arriving import Arriving
from modelport.serve.condition import check_signature
from modelport.serve.framing import delimited, event, line
from modelport.serve.json_text import read_json, write_json
from modelport.serve.media import MEDIA_TYPES, Form, answer_type, best_type, form_of, request_type
from modelport.serve.problem import CLIENT_GONE, ProblemError, arguments_do_not_fit
from modelport.serve.raw import raw_answer, raw_answer_types, raw_arguments, raw_types
from modelport.serve.reading import off_loop
from modelport.serve.streams import stream_call

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from starlette.types import Receive, Scope, Send

    from modelport.model import Method
    from modelport.serve.service import Service

__all__ = ["EVENTS", "NDJSON", "STREAM_TYPES", "StreamCalls", "stream_routes"]

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"
_LINES = (NDJSON, "application/jsonl")
_PROTOBUF = tuple(one for one, form in MEDIA_TYPES.items() if form is Form.PROTOBUF)
STREAM_TYPES = (*_LINES, *_PROTOBUF)
"""The media types of a stream, the preferred one first; answers may be ``EVENTS``, too."""

_END: Any = object()


def stream_routes(service: Service) -> list[Route]:
    """Return the routes of the methods that take or give a stream."""
    methods = [method for method in service.model.methods.values() if method.spec.streams]
    return [
        Route(f"/model/methods/{method.spec.name}", StreamCalls(method, service), methods=["POST"])
        for method in methods
    ]


class StreamCalls:
    """The calls of one method, as an ASGI application."""

    def __init__(self, method: Method, service: Service) -> None:
        spec, codec = method.spec, service.model.codec
        self._method = method
        self._service = service
        self._taken, self._given = codec.spec.message(spec.input), codec.spec.message(spec.output)
        self._taken_raw, self._given_raw = raw_types(self._taken), raw_answer_types(self._given)
        self._json, self._bytes = codec.json_way(spec), codec.bytes_way(spec)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call; raise ProblemError for whatever stands in its way before the first answer."""
        start, answer = perf_counter(), _Answer(send, scope["state"])
        try:
            await self._answer(scope, receive, answer)
        except ProblemError as problem:
            answer.status = problem.status
            raise
        except ClientDisconnect:
            answer.status = CLIENT_GONE
            raise
        finally:
            self._service.metrics.request("methods", self._method.spec.name, answer.status, perf_counter() - start)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, value.decode("latin-1"))
        spec, service = self._method.spec, self._service
        if (match := headers.get(b"if-match")) is not None:
            check_signature(match, service.model.spec.proto_package)
        taken, given = self._media_types(headers)
        upload = Arriving(receive, service.limits, protobuf=form_of(taken) is Form.PROTOBUF)
        sizes: dict[str, Any] = {}
        if spec.streams_in:
            messages: Any = self._messages(upload, taken)
        else:
            body = await service.uploads.receive(headers.get(b"content-length", ""), receive)
            messages, sizes = await off_loop(len(body), partial(self._read, body, taken))
            upload.ended = True
        found = stream_call(
            service, self._method, messages,
            request_id=scope["state"]["request_id"], gone=upload.run(), write=self._writer(given, sizes),
        )  # fmt: skip
        async with aclosing(found):
            await answer.send(found, given, upload, service.limits.body_seconds)

    def _media_types(self, headers: dict[bytes, str]) -> tuple[str, str]:
        """Return the media types of the body and of the answer."""
        spec, accept = self._method.spec, headers.get(b"accept")
        said = headers.get(b"content-type"), headers.get(b"content-encoding")
        if spec.streams_in:
            taken = request_type(*said, always=STREAM_TYPES)
        else:  # one line is a message, too
            taken = request_type(*said, self._taken_raw, always=(*MEDIA_TYPES, *_LINES))
        if not spec.streams_out:
            return taken, answer_type(accept, taken, self._given_raw)
        offered = sorted([*_LINES, EVENTS, *_PROTOBUF], key=lambda one: one != taken)
        return taken, best_type(accept, offered)

    def _read(self, body: bytes, media_type: str) -> tuple[Any, dict[str, Any]]:
        """Return the native input message, and the sizes that answers have to agree with.

        Raises:
            ProblemError: It is not the message.
        """
        try:
            return self._message(body, media_type)
        except CallError as error:
            raise arguments_do_not_fit(self._method.spec.name, error) from None

    def _message(self, body: bytes, media_type: str) -> tuple[Any, dict[str, Any]]:
        if form_of(media_type) is Form.PROTOBUF:
            return self._protobuf(body)
        if media_type in self._taken_raw and media_type not in _LINES:
            return self._method.read(raw_arguments(body, self._taken), self._json)
        return self._method.read(read_json(body, self._service.limits), self._json)

    def _protobuf(self, body: bytes) -> tuple[Any, dict[str, Any]]:
        from google.protobuf.message import DecodeError

        from modelport.model.proto import message_classes

        try:
            return self._method.read(body, self._bytes)
        except CallError:
            spec, name = self._service.model.codec.spec, self._taken.name
            try:
                message_classes(spec)[name].FromString(body)
            except DecodeError:
                detail = f"what was sent is not the protobuf message {spec.proto_package}.{name}"
                raise ProblemError("malformed-protobuf", detail) from None
            raise

    async def _messages(self, upload: Arriving, media_type: str) -> AsyncIterator[Any]:
        """Yield the native messages of a stream; raise CallError, or ProblemError, where one is none."""
        number = 0
        async for message in upload:
            number += 1
            try:
                native, _ = await off_loop(len(message), partial(self._message, message, media_type))
            except ProblemError as problem:
                raise ProblemError(problem.kind, f"input {number}: {problem.detail}") from None
            yield native

    def _writer(self, media_type: str, sizes: dict[str, Any]) -> Callable[[Any], bytes]:
        """Return what writes an answer, in the worker."""
        method, streams = self._method, self._method.spec.streams_out
        if form_of(media_type) is Form.PROTOBUF:
            frame = delimited if streams else bytes
            return lambda answer: frame(method.write(answer, self._bytes, sizes))
        if not streams and media_type in self._given_raw:
            return lambda answer: raw_answer(method.write(answer, self._json, sizes), self._given)
        frame = event if media_type == EVENTS else line if streams else bytes
        return lambda answer: frame(write_json(method.write(answer, self._json, sizes)))


class _Answer:
    """An answer on its way to the caller.

    Attributes:
        status: Its status; 0 before it begins.
    """

    def __init__(self, send: Send, state: dict[str, Any]) -> None:
        self.status = 0
        self._send = send
        self._state = state

    async def send(self, found: AsyncGenerator[bytes, None], media_type: str, upload: Arriving, seconds: float) -> None:
        """Send what is *found*; raise what comes before the first part."""
        part = await anext(found, _END)
        if part is _END and upload.gone:
            raise ClientDisconnect
        await self._begin(media_type)
        try:
            while part is not _END:
                async with asyncio.timeout(seconds):
                    await self._send({"type": "http.response.body", "body": part, "more_body": True})
                part = await anext(found, _END)
        except ProblemError as problem:
            last = self._told(problem, media_type)
            if last is None:
                return  # without an end of the body, so that nobody takes it for whole
            part = last
        except TimeoutError:
            self._state["problem"] = "slow-reader"
            return
        else:
            part = b""
        await self._send({"type": "http.response.body", "body": part})

    async def _begin(self, media_type: str) -> None:
        self.status = 200
        kind = f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
        # The last one asks nginx not to collect what is to arrive at once.
        headers = [("content-type", kind), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await self._send({"type": "http.response.start", "status": self.status, "headers": encoded})

    def _told(self, problem: ProblemError, media_type: str) -> bytes | None:
        """Return how the stream says *problem*, or None where its form cannot."""
        self._state["problem"] = problem.kind
        said = problem.to_json(self._state["request_id"])
        if media_type == EVENTS:
            return b"event: error\n" + event(orjson.dumps(said))
        return line(orjson.dumps({"error": said})) if media_type in _LINES else None
