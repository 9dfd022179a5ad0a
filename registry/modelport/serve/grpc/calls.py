"""One gRPC call: its id, its line in the log, its place in the metrics, and a status for each problem.

The caller's deadline and its giving up both reach us as a cancellation, by which `Service.call` gives up the place in
the line.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from modelport.serve.grpc.arrivals import Arrivals, Places
from modelport.serve.log import REQUEST_ID, Requests
from modelport.serve.oip.infer import error_text
from modelport.serve.problem import CLIENT_GONE, ProblemError
from modelport.serve.reading import off_loop

if TYPE_CHECKING:
    from modelport.serve.service import Service

__all__ = ["Calls", "Context", "Way"]

log = logging.getLogger(__name__)
_requests = Requests(__name__)

_DETAIL_BYTES = 2000  # of 8 KiB of metadata that clients take; gRPC writes some bytes as three
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND, 405: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED, 413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT, 422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED, 503: grpc.StatusCode.UNAVAILABLE, 504: grpc.StatusCode.DEADLINE_EXCEEDED,
}  # fmt: skip


@dataclass(slots=True)
class Context:
    """What a call's answer needs to know of it.

    Attributes:
        request_id: The caller's id for it, or one of ours.
        method: The model's method that it calls, once that is known.
        grpc: grpcio's own context.
    """

    request_id: str
    grpc: Any
    method: str = ""


Answer: TypeAlias = Callable[[Any, Context], Awaitable[Any]]
Answers: TypeAlias = Callable[[Any, Context], AsyncIterator[Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """How a method is called.

    Attributes:
        path: Its address, for the log.
        places: How many calls of it, and of others like it, may be open.
        read: Makes a message of bytes.
        write: Makes bytes of an answer.
        patience: For a method that takes a stream: the seconds to wait for the next message when the service stops;
            None for one that takes a message.
    """

    path: str
    places: Places
    read: Callable[[bytes], Any] = bytes
    write: Callable[[Any], bytes] = bytes
    patience: float | None = None


class Calls:
    """Makes functions that answer into such as grpcio calls."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.arrivals = Arrivals(service.limits)

    def one(self, answer: Answer, way: Way) -> Any:  # noqa: ANN401 - grpcio's, which has no types
        """Return the handler of a method that gives one message."""

        async def handler(requests: Any, context: Any) -> bytes:  # noqa: ANN401 - as above
            call = _Call(context, way.path, self._service)
            try:
                with way.places:
                    return way.write(await answer(await self._taken(requests, way), call.told))
            except BaseException as error:
                await call.fail(error)
                raise  # which is never reached: a status ends the call
            finally:
                call.end()

        return grpc.stream_unary_rpc_method_handler(handler)

    def stream(self, answers: Answers, way: Way) -> Any:  # noqa: ANN401 - as above
        """Return the handler of a method that gives a stream of messages."""

        async def handler(requests: Any, context: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - as above
            call = _Call(context, way.path, self._service)
            try:
                with way.places:
                    async for one in answers(await self._taken(requests, way), call.told):
                        yield way.write(one)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets a status, or is gone
                await call.fail(error)
            finally:
                call.end()

        return grpc.stream_stream_rpc_method_handler(handler)

    async def _taken(self, requests: Any, way: Way) -> Any:  # noqa: ANN401 - as above
        """Return what the method takes: the message, or an iterator of them."""
        messages = aiter(requests)
        if way.patience is not None:
            return self._messages(messages, way, way.patience)
        data = await self.arrivals.only(messages, way.places.reading)
        if data is None:  # which grpcio has told, where it was too large
            raise ProblemError("malformed-protobuf", "the call has no message")
        return await off_loop(len(data), partial(_read, data, way))

    async def _messages(self, messages: AsyncIterator[bytes], way: Way, patience: float) -> AsyncIterator[Any]:
        while (data := await self.arrivals.next(messages, patience)) is not None:
            yield await off_loop(len(data), partial(_read, data, way))


def _read(data: bytes, way: Way) -> Any:  # noqa: ANN401 - a class made at run time
    try:
        return way.read(data)
    except DecodeError:
        detail = f"what was sent is not the protobuf message that {way.path} takes"
        raise ProblemError("malformed-protobuf", detail) from None


class _Call:
    """A call that is being answered."""

    def __init__(self, context: Any, path: str, service: Service) -> None:  # noqa: ANN401 - grpcio's, which has no types
        given = dict(context.invocation_metadata() or ()).get("x-request-id", "")
        fits = isinstance(given, str) and REQUEST_ID.fullmatch(given.encode())
        self.told = Context(given if fits else uuid.uuid4().hex, context)
        self._context, self._path, self._service = context, path, service
        self._start, self._status = time.perf_counter(), 200
        self._kind: str | None = None
        self._trailers: tuple[tuple[str, str], ...] = (("x-request-id", self.told.request_id),)
        context.set_trailing_metadata(self._trailers)

    async def fail(self, error: BaseException) -> None:
        """End the call with the status that *error* stands for; raises what ends it."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self._status = CLIENT_GONE
            raise error
        if not isinstance(error, ProblemError):
            log.error("the service failed", exc_info=error, extra={"request_id": self.told.request_id})
            error = ProblemError("service-failed", "the service's log says why under this request's id")
        self._status, self._kind = error.status, error.kind
        trailers = (*self._trailers, ("modelport-problem", error.kind))
        code = _CODES.get(error.status, grpc.StatusCode.INTERNAL)
        detail = error_text(error).encode("utf-8", "replace")[:_DETAIL_BYTES].decode(errors="ignore")
        await self._context.abort(code, detail, trailers)

    def end(self) -> None:
        """Write the call into the log and the metrics."""
        seconds = time.perf_counter() - self._start
        self._service.metrics.request("grpc", self.told.method, self._status, seconds)
        _requests.add("gRPC", self._path, self._status, self.told.request_id, self._kind, seconds)
