"""Optional traces by OpenTelemetry: a span for each call, within the caller's trace, and one for the model inside it.

Calls have theirs at every door, by HTTP here and by gRPC in `modelport.serve.grpc.tracing`; the model's lies around
`Service.call`. A call that takes or gives a stream has only its own.

Off, and nothing of it imported, unless ``--otel`` or ``OTEL_EXPORTER_OTLP_ENDPOINT`` asks for it. Where and how traces
are sent is for OpenTelemetry's own variables to say (``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER``,
``OTEL_EXPORTER_OTLP_HEADERS``...): its exporter reads them. The caller's trace comes in the header ``traceparent`` (W3C
Trace Context). Names and attributes are those of the semantic conventions for HTTP servers.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

from modelport.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from modelport.model import Method
    from modelport.serve.info import ServiceInfo
    from modelport.serve.service import Call

__all__ = ["Tracing", "is_asked_for", "tracing_of"]

log = logging.getLogger(__name__)

_VARIABLES = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}  # OpenTelemetry's, not Modelport's
_CALL = re.compile(
    r"(/model/methods/)([^/]+)|(/v2/models/)([^/]+)((?:/versions/[^/]+)?/infer)|(/v1/models/)([^/]+)(:predict)"
)
_SERVER_ERROR = 500


def is_asked_for() -> bool:
    """Tell whether the environment says where traces go."""
    return bool(_VARIABLES & os.environ.keys())


def tracing_of(info: ServiceInfo, *, asked: bool) -> Tracing | None:
    """Return what makes traces, or None where nobody asked for them.

    Raises:
        SetupError: OpenTelemetry is not installed, and the command line *asked* for it. Variables are often set for
            many programs at once: where only they ask, the log says that there will be no traces.
    """
    if not asked and not is_asked_for():
        return None
    try:
        return Tracing(info)
    except SetupError as error:
        if asked:
            raise
        log.warning("no traces are sent", extra={"why": str(error)})
        return None


class Tracing:
    """Makes spans and sends them in batches, from a thread of its own.

    Args:
        info: What is served; it names the service where ``OTEL_SERVICE_NAME`` does not.

    Raises:
        SetupError: OpenTelemetry is not installed.
    """

    def __init__(self, info: ServiceInfo) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise SetupError(
                "OpenTelemetry is not installed, which sends traces", hint="pip install 'modelport[otel]'"
            ) from error
        said = {"service.name": info.name, "service.version": info.version, "modelport.digest": info.digest}
        resource = Resource.create({key: value for key, value in said.items() if value})
        self._provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("modelport")
        self._context = TraceContextTextMapPropagator()

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return *app* with a span around each call; other requests, as health checks, have none."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            found = _CALL.fullmatch(scope["path"]) if scope["type"] == "http" else None
            if found is None or scope["method"] != "POST":
                await app(scope, receive, send)
                return
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            attributes = _attributes(scope, found, headers)
            name = f"{scope['method']} {attributes['http.route']}"
            with self._current(self.begin(name, headers, attributes)) as span:
                # Without extensions: the server's short way of answering is none that can be watched.
                await app({**scope, "extensions": {}}, receive, _watching(span, send))

        return traced

    def begin(self, name: str, given: Mapping[str, str], attributes: Mapping[str, Any]) -> Any:  # noqa: ANN401 - imported late
        """Return a new span of the service's, within the trace that the fields *given* name; the caller ends it."""
        from opentelemetry.trace import SpanKind

        context = self._context.extract(given)
        return self._tracer.start_span(name, context=context, kind=SpanKind.SERVER, attributes=attributes)

    def around_call(self, call: Call) -> Call:
        """Return *call* with a span around it: the wait in line and the run of the model."""

        async def traced(method: Method, message: object, **more: Any) -> Any:  # noqa: ANN401 - as Service.call has it
            attributes = {"modelport.method": method.spec.name, "modelport.request_id": more.get("request_id", "")}
            with self._tracer.start_as_current_span(f"predict {method.spec.name}", attributes=attributes):
                return await call(method, message, **more)

        return traced

    def _current(self, span: Any) -> AbstractContextManager[Any]:  # noqa: ANN401 - imported late
        from opentelemetry.trace import use_span

        return use_span(span, end_on_exit=True)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def _attributes(scope: Scope, found: re.Match[str], headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributes of an HTTP server's span; source: semantic conventions for HTTP spans, 1.23 and later."""
    host, port = scope.get("server") or ("", None)
    peer = (scope.get("client") or ("",))[0]
    door, rest = found[1] or found[3] or found[6], found[5] or found[8] or ""
    route = f"{door}{{{'method' if found[1] else 'model'}}}{rest}"
    said = {
        "http.request.method": scope["method"],
        "http.route": re.sub(r"/versions/[^/]+", "/versions/{version}", route),
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
        "server.address": host,
        "server.port": port,
        "client.address": peer,
        "network.protocol.version": scope.get("http_version"),
        "user_agent.original": headers.get("user-agent"),
    }
    return {key: value for key, value in said.items() if value}


def _watching(span: Any, send: Send) -> Send:  # noqa: ANN401 - imported late
    """Return *send*, which notes the answer's status in *span*."""

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            from opentelemetry.trace import StatusCode

            status = message["status"]
            span.set_attribute("http.response.status_code", status)
            if status >= _SERVER_ERROR:
                span.set_attribute("error.type", str(status))
                span.set_status(StatusCode.ERROR)
        await send(message)

    return watched
