"""The ASGI application: routes, the way errors become problems, and a line in the log for each request."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from modelport.serve.calls import answer_call
from modelport.serve.documents import document_routes
from modelport.serve.limits import Limits
from modelport.serve.metrics import metrics_routes
from modelport.serve.oip import oip_routes
from modelport.serve.problem import ProblemError
from modelport.serve.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from modelport.model import Model
    from modelport.serve.info import ServiceInfo

__all__ = ["create_app"]

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_CLIENT_GONE = 499
_HEAD_BYTES = 16 * 1024  # h11 has the same limit, but only for a head that comes in parts
_too_large = ProblemError("head-too-large", f"the header fields have at most {_HEAD_BYTES} bytes in all")


def create_app(model: Model, info: ServiceInfo, limits: Limits | None = None) -> Starlette:
    """Return the application that serves *model*; ``app.state.service`` is its `Service`.

    Its lifespan starts the workers and calls the first golden example; until that has answered it is not ready.
    """
    service = Service(model, info, limits or Limits())
    app = Starlette(
        routes=[
            Route("/model/methods/{method}", answer_call, methods=["POST"]),
            *document_routes(model, info),
            *metrics_routes(service),
            *oip_routes(service),
        ],
        exception_handlers={ProblemError: _problem, HTTPException: _http_error, ClientDisconnect: _client_gone},
        middleware=[Middleware(_Recorded)],
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False  # one resource, one address
    app.state.service = service
    return app


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


class _Recorded:
    """Gives each request an id, which the answer and the log carry, and ends in a problem what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_recorded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            if sum(len(name) + len(value) for name, value in scope["headers"]) > _HEAD_BYTES:
                await _too_large.response(request_id)(scope, receive, send_recorded)
            else:
                await self.app(scope, receive, send_recorded)
        except Exception:
            log.exception("the service failed", extra={"request_id": request_id})
            if not status:
                problem = ProblemError("service-failed", "the service's log says why under this request's id")
                await problem.response(request_id)(scope, receive, send_recorded)
        fields = {"method": scope["method"], "path": scope["path"][:256], "status": status, "request_id": request_id}
        fields |= {"problem": scope["state"].get("problem"), "ms": round(1000 * (time.perf_counter() - start), 3)}
        log.info("request", extra=fields)


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
        headers = {"Allow": ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))}
        detail = f"{request.method} is not allowed here; {headers['Allow']} is"
        return await _problem(request, ProblemError("method-not-allowed", detail, headers=headers))
    return await _problem(request, ProblemError("not-found", "there is no such address; /openapi.json lists all"))


async def _client_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=_CLIENT_GONE)
