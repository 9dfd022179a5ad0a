"""The ASGI application: routes, the way errors become problems, and a line in the log for each request."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from modelport.serve.calls import MethodCalls
from modelport.serve.direct import DIRECT
from modelport.serve.documents import document_routes
from modelport.serve.limits import Limits
from modelport.serve.log import REQUEST_ID, Requests
from modelport.serve.metrics import metrics_routes
from modelport.serve.oip import oip_routes
from modelport.serve.problem import CLIENT_GONE, ProblemError, not_allowed
from modelport.serve.service import Service
from modelport.serve.stream_calls import stream_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from modelport.model import Method, Model
    from modelport.serve.direct import Direct
    from modelport.serve.info import ServiceInfo

__all__ = ["call_paths", "create_app"]

log = logging.getLogger(__name__)

_OK = 200
_FIELDS = b"content-type: %s\r\nx-request-id: %s\r\nserver-timing: %s\r\nx-content-type-options: nosniff\r\n"
_HEAD_BYTES = 16 * 1024
_NOTHING: dict[str, Any] = {}
_ids = Random()  # noqa: S311 - ids are no secrets; a generator of our own, because a model may seed the common one
_too_large = ProblemError("head-too-large", f"address and header fields have at most {_HEAD_BYTES} bytes in all")


def create_app(model: Model, info: ServiceInfo, limits: Limits | None = None) -> Starlette:
    """Return the application that serves *model*; ``app.state.service`` is its `Service`.

    Its lifespan starts the workers and calls the first golden example; until that has answered it is not ready.
    """
    service = Service(model, info, limits or Limits())
    return _Application(
        service,
        routes=[
            *stream_routes(service),
            Route("/model/methods/{method}", _no_such_method, methods=["POST"]),
            *document_routes(model, info, service.limits),
            *metrics_routes(service),
            *oip_routes(service),
        ],
        exception_handlers={ProblemError: _problem, HTTPException: _http_error, ClientDisconnect: _client_gone},
        lifespan=_lifespan,
    )


def call_paths(model: Model) -> frozenset[str]:
    """Return the paths where *model*'s methods are called; requests to them need no task."""
    return frozenset(_called(model))


def _called(model: Model) -> dict[str, Method]:
    methods = [method for method in model.methods.values() if not method.spec.streams]
    return {f"/model/methods/{method.spec.name}": method for method in methods}


class _Application(Starlette):
    """Starlette, with calls answered before it: what it does for a request takes longer than many models."""

    def __init__(self, service: Service, **settings: Any) -> None:  # noqa: ANN401 - Starlette's own
        super().__init__(**settings)
        self.router.redirect_slashes = False  # one resource, one address
        self.state.service = service

    def build_middleware_stack(self) -> ASGIApp:
        """Return what every request goes through."""
        return _Front(ExceptionMiddleware(self.router, handlers=self.exception_handlers), self.state.service)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.workers.start()
    warming = asyncio.create_task(service.warm_up())
    try:
        yield
    finally:
        warming.cancel()
        service.workers.close()


class _Front:
    """Answers calls, leaves all else to *app*, and ends in a problem what nobody foresaw.

    Each request has an id, which the answer and the log carry.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._metrics = service.metrics
        self._calls = {path: MethodCalls(method, service) for path, method in _called(service.model).items()}
        self._log = Requests(__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, size = time.perf_counter(), len(scope["raw_path"] or b"") + len(scope["query_string"])
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            headers.setdefault(name, value)
        given = headers.get(b"x-request-id")
        request_id = (
            given.decode("latin-1") if given and REQUEST_ID.fullmatch(given) else f"{_ids.getrandbits(128):032x}"
        )
        direct: Direct | None = scope.get("extensions", _NOTHING).get(DIRECT)
        sent = _Sent(send, request_id, direct)
        calls = self._calls.get(scope["path"]) if scope["method"] == "POST" else None
        scope.setdefault("state", {})["request_id"] = request_id
        try:
            if size > _HEAD_BYTES:
                await sent.problem(_too_large)
            elif calls:
                await _call(calls, headers, receive, sent)
            else:
                await self._app(scope, receive, sent)
        except Exception:
            log.exception("the service failed", extra={"request_id": request_id})
            if not sent.status:
                await sent.problem(ProblemError("service-failed", "the service's log says why under this request's id"))
        seconds = time.perf_counter() - start
        if calls:
            self._metrics.request("methods", calls.name, sent.status, seconds)
        kind = sent.kind or scope["state"].get("problem")
        self._log.add(scope["method"], scope["path"][:256], sent.status, request_id, kind, seconds)


class _Sent:
    """Where the answer of a request goes, what has been sent of it, and what it is besides.

    Attributes:
        status: The answer's status, once it has begun.
        kind: The kind of problem that was sent.
        direct: The server's short way, if it has one.
    """

    __slots__ = ("_send", "direct", "kind", "request_id", "status")

    def __init__(self, send: Send, request_id: str, direct: Direct | None) -> None:
        self._send = send
        self.direct = direct
        self.request_id = request_id
        self.status = 0
        self.kind: str | None = None

    async def __call__(self, message: Message) -> None:
        """Send a message of Starlette's."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers()]
        await self._send(message)

    async def success(self, content_type: bytes, body: bytes, seconds: float) -> None:
        """Send the answer of a call, and how long it took to make (Server-Timing): the rest was the network's."""
        took = b"call;dur=%.3f" % (1000 * seconds)
        named = content_type, self.request_id.encode(), took
        if self.direct and self.direct.answer(_OK, _FIELDS % named, body):
            self.status = _OK
        else:
            await self.answer(_OK, [(b"content-type", content_type), (b"server-timing", took)], body)

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer."""
        self.status = status
        length = b"content-length", b"%d" % len(body)
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*headers, length, *self._headers()]}
        )
        await self._send({"type": "http.response.body", "body": body})

    async def problem(self, problem: ProblemError, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send a problem, and header *fields* besides."""
        self.kind = problem.kind
        response = problem.response(self.request_id)
        headers = [one for one in response.raw_headers if one[0] != b"content-length"]
        await self.answer(response.status_code, [*headers, *fields], bytes(response.body))

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"x-request-id", self.request_id.encode()), (b"x-content-type-options", b"nosniff")]


async def _call(calls: MethodCalls, headers: dict[bytes, bytes], receive: Receive, sent: _Sent) -> None:
    try:
        here = sent.direct.body() if sent.direct else None
        body, content_type, seconds = await calls.answer(headers, receive, sent.request_id, here)
    except ProblemError as problem:
        # Who waits for "100 Continue" may send the body now, or not: what comes next cannot be told from it.
        await sent.problem(problem, [(b"connection", b"close")] if b"expect" in headers else [])
    except ClientDisconnect:
        await sent.answer(CLIENT_GONE, [], b"")
    else:
        await sent.success(content_type, body, seconds)


async def _no_such_method(request: Request) -> Response:
    methods = ", ".join(request.app.state.service.model.methods)
    raise ProblemError("not-found", f"the model has no such method; its methods are: {methods}")


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    request.state.problem = error.kind
    return error.response(request.state.request_id)


async def _http_error(request: Request, error: Exception) -> Response:
    """Turn the router's own errors, 404 and 405, into problems."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed (RFC 9110, section 15.5.6)
        allowed = (error.headers or {}).get("Allow", "").split(", ")
        return await _problem(request, not_allowed(request.method, allowed))
    detail = "there is no such address; /openapi.json lists all but the first version of KServe's protocol, /v1/models"
    return await _problem(request, ProblemError("not-found", detail))


async def _client_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)
