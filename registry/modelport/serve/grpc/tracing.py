"""Spans for calls by gRPC: grpcio's own seam, put in only where traces are asked for (`modelport.serve.tracing`).

The caller's trace comes in the metadata ``traceparent``. Names and attributes are those of the semantic conventions for
RPC servers, 1.39 and later. A stream is one span, from its first message to its end.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.trace import StatusCode, use_span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator

    from modelport.serve.tracing import Tracing

__all__ = ["TracedCalls"]

_FAILURES = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
_END: Any = object()


class TracedCalls(grpc.aio.ServerInterceptor):  # type: ignore[misc] # grpcio has no types
    """Puts a span around each call of the model; other calls, as checks of health, have none.

    Args:
        tracing: What makes spans.
        paths: The addresses of the methods that call the model.
    """

    def __init__(self, tracing: Tracing, paths: Collection[str]) -> None:
        self._tracing = tracing
        self._paths = paths

    async def intercept_service(self, continuation: Any, details: Any) -> Any:  # noqa: ANN401 - grpcio's, without types
        """Return the handler of a call, with a span around what it does."""
        handler = await continuation(details)
        if handler is None or details.method not in self._paths:
            return handler
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(self._stream(handler.stream_stream, details))
        return grpc.stream_unary_rpc_method_handler(self._one(handler.stream_unary, details))

    def _one(self, answer: Any, details: Any) -> Any:  # noqa: ANN401 - as above
        async def traced(requests: Any, context: Any) -> Any:  # noqa: ANN401 - as above
            with self._span(details, context) as span, _within(span):
                return await answer(requests, context)

        return traced

    def _stream(self, answers: Any, details: Any) -> Any:  # noqa: ANN401 - as above
        async def traced(requests: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as above
            with self._span(details, context) as span:
                async with aclosing(answers(requests, context)) as found:
                    while True:
                        with _within(span):  # not around the yield: a generator may be closed in another context
                            one = await anext(found, _END)
                        if one is _END:
                            return
                        yield one

        return traced

    @contextmanager
    def _span(self, details: Any, context: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
        name = details.method.removeprefix("/")
        given = {key: value for key, value in details.invocation_metadata or () if isinstance(value, str)}
        span = self._tracing.begin(name, given, {"rpc.system.name": "grpc", "rpc.method": name})
        status = ""
        try:
            yield span
        except (asyncio.CancelledError, GeneratorExit):
            status = "CANCELLED"
            raise
        finally:
            code = context.code()  # 0 as long as nobody has set one
            status = status or (code.name if code else "OK")
            span.set_attribute("rpc.response.status_code", status)
            if status in _FAILURES:
                span.set_attribute("error.type", status)
                span.set_status(StatusCode.ERROR)
            span.end()


def _within(span: Any) -> Any:  # noqa: ANN401 - OpenTelemetry's own
    """Return a context in which *span* is the current one; how it ends is not told by exceptions."""
    return use_span(span, record_exception=False, set_status_on_exception=False)
