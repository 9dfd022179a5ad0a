"""The model's own service: the methods and messages of its ``.proto``, bytes in and bytes out.

protobuf's classes do not touch them first: the codec reads a message's bytes as ``POST /model/methods/<method>`` does.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError
from modelport.model.exchange import Exchange
from modelport.serve.grpc.arrivals import PATIENCE, Places
from modelport.serve.grpc.calls import Calls, Context, Way
from modelport.serve.problem import ProblemError, arguments_do_not_fit
from modelport.serve.reading import answer_size, off_loop
from modelport.serve.streams import stream_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from modelport.model import Method
    from modelport.serve.service import Service

__all__ = ["own_handler"]


def own_handler(method: Method, service: Service, calls: Calls, path: str, places: Places) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    """Return the handler of one of the model's methods, whose messages pass as they are."""
    own, spec = _OwnMethod(method, service), method.spec
    way = Way(path, places, patience=PATIENCE if spec.streams_in else None)
    if not spec.streams:
        return calls.one(own.answer, way)
    return calls.stream(own.answers, way) if spec.streams_out else calls.one(own.answer_to_stream, way)


class _OwnMethod:
    """Answers the calls of one method."""

    def __init__(self, method: Method, service: Service) -> None:
        self._method = method
        self._spec = method.spec
        self._service = service
        self._way = service.model.codec.bytes_way(method.spec)

    async def answer(self, data: bytes, context: Context) -> bytes:
        """Return the answer to the input message in *data*; raise ProblemError for whatever stands in its way."""
        context.method = self._spec.name
        message, sizes = await off_loop(len(data), partial(self._read, data))
        answer = await self._service.call(self._method, message, request_id=context.request_id, body=len(data))
        try:
            return await off_loop(answer_size(answer), partial(self._write, sizes, answer))
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything while it is read
            raise self._service.failure(self._method, error, context.request_id) from None

    async def answers(self, given: Any, context: Context) -> AsyncIterator[bytes]:  # noqa: ANN401 - bytes, or a stream of them
        """Yield the answers to a message, or to a stream of them."""
        context.method = self._spec.name
        if self._spec.streams_in:
            messages: Any = self._messages(given)
        else:
            messages, _ = await off_loop(len(given), partial(self._read, given))
        write = partial(self._write, {})
        answers = stream_call(self._service, self._method, messages, request_id=context.request_id, write=write)
        async with aclosing(answers):
            async for one in answers:
                yield one

    async def answer_to_stream(self, given: AsyncIterator[bytes], context: Context) -> bytes:
        """Return the one answer to a stream of messages."""
        found = b""
        async for one in self.answers(given, context):
            found = one
        return found

    async def _messages(self, given: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        size, most = 0, self._service.limits.stream_bytes
        async for data in given:
            size += len(data)
            if size > most:
                raise ProblemError("body-too-large", f"a stream has at most {most} bytes")
            message, _ = await off_loop(len(data), partial(self._read, data))
            yield message

    def _read(self, data: bytes) -> tuple[Any, Any]:
        """Return the native input message, and the sizes that its answer has to agree with."""
        sizes: dict[str, Any] = {}
        message = self._way.quick_read(data, sizes)
        if message is not None:
            return message, sizes
        exchange = Exchange()
        try:
            return self._way.read(data, self._spec.input, exchange), exchange.sizes
        except CallError as error:
            raise arguments_do_not_fit(self._spec.name, error) from None

    def _write(self, sizes: dict[str, Any], answer: Any) -> bytes:  # noqa: ANN401 - the user's own classes
        written: bytes | None = self._way.quick_write(answer, sizes.copy())
        if written is not None:
            return written
        try:
            return self._way.write(answer, self._spec.output, Exchange(sizes=sizes))  # type: ignore[no-any-return]
        except CallError as error:
            raise ModelError(f"{self._spec.name} gave an answer that does not fit: {error}") from error
