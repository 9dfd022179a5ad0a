"""The protocol's routes over HTTP. Its errors are ``{"error": text}``, with the status that the problem has."""

from __future__ import annotations

import json
import time
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from modelport.serve.body import gone
from modelport.serve.json_text import read_json
from modelport.serve.oip.answer import response_to
from modelport.serve.oip.first import predictions
from modelport.serve.oip.infer import answer_to, error_text
from modelport.serve.oip.models import Models, server_metadata
from modelport.serve.oip.request import JSON_LENGTH, read_request
from modelport.serve.problem import CLIENT_GONE, ProblemError, not_allowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from modelport.serve.oip.models import Served
    from modelport.serve.service import Service

__all__ = ["oip_routes"]

T = TypeVar("T")
_TYPES = ("application/json", "application/octet-stream")


def oip_routes(service: Service) -> list[Route]:
    """Return the protocol's routes; what lies under ``/v2`` and is none of them is told so."""
    models = service.models
    rest = _Rest(service, models)
    routes = [_route("/v2", rest.server), _route("/v2/health/live", rest.live), _route("/v2/health/ready", rest.ready)]
    for path in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [_route(path, rest.metadata), _route(f"{path}/ready", rest.model_ready)]
        routes += [_route(f"{path}/infer", rest.infer, "POST"), _route(f"{path}/stats", rest.stats)]
    routes += [_route("/v2/models/stats", rest.stats), _route("/v2/repository/index", rest.index, "POST")]
    routes += [_route("/v1/models", rest.names), _route("/v1/models/{model}", rest.model_ready)]
    routes += [_route("/v1/models/{model}:predict", rest.predict, "POST")]
    known = tuple(routes)

    async def unknown(request: Request) -> Response:
        return _unknown(request, known)

    every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    others = [Route(f"/{version}/{{rest:path}}", unknown, methods=every) for version in ("v1", "v2")]
    return [*sorted(routes, key=lambda one: "{" in one.path), *others]


class _Rest:
    """What the routes answer."""

    def __init__(self, service: Service, models: Models) -> None:
        self._service = service
        self._models = models

    async def server(self, _: Request) -> Response:
        return JSONResponse(server_metadata())

    async def live(self, _: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        ready = self._models.ready
        # The specification's text has `live` here, too.
        return JSONResponse({"live": True, "ready": ready}, 200 if ready else 503)

    async def metadata(self, request: Request) -> Response:
        return JSONResponse(self._find(request).metadata())

    async def model_ready(self, request: Request) -> Response:
        served, ready = self._find(request), self._models.ready
        return JSONResponse({"name": served.name, "ready": ready}, 200 if ready else 503)

    async def index(self, request: Request) -> Response:
        wanted, found = await _said(request, self._service), self._models.index()
        if not isinstance(wanted.get("ready", False), bool):
            raise ProblemError("arguments-do-not-fit", "ready is neither true nor false")
        return JSONResponse([one for one in found if not wanted.get("ready") or one["state"] == "READY"])

    async def stats(self, request: Request) -> Response:
        found = [self._find(request)] if "model" in request.path_params else list(self._models)
        return JSONResponse({"model_stats": [one.stats() for one in found]})

    async def names(self, _: Request) -> Response:
        return JSONResponse({"models": [one.name for one in self._models]})

    async def infer(self, request: Request) -> Response:
        return await self._counted(request, self._inferred)

    async def predict(self, request: Request) -> Response:
        return await self._counted(request, self._predicted)

    async def _counted(self, request: Request, answer: Callable[[Request, Served], Awaitable[Response]]) -> Response:
        start, served, status = time.perf_counter(), self._find(request), CLIENT_GONE
        try:
            response = await answer(request, served)
            status = response.status_code
        except ProblemError as problem:
            status = problem.status
            raise
        finally:
            seconds = time.perf_counter() - start
            self._service.metrics.request("oip", served.method.spec.name, status, seconds)
        return response

    async def _inferred(self, request: Request, served: Served) -> Response:
        service = self._service
        _check_type(request)
        length = request.headers.get(JSON_LENGTH)
        asked = await _read(request, service, lambda body: read_request(body, length, served, service.limits))
        write = partial(response_to, asked, served)
        request_id = request.state.request_id
        response = await answer_to(
            asked, served, service, write, request_id=request_id, gone=partial(gone, request.receive)
        )
        return Response(status_code=CLIENT_GONE) if response is None else response

    async def _predicted(self, request: Request, served: Served) -> Response:
        _check_type(request)
        document = await _said(request, self._service)
        leaves, request_id = partial(gone, request.receive), request.state.request_id
        content = await predictions(document, served, self._service, request_id=request_id, gone=leaves)
        return Response(content, media_type="application/json")

    def _find(self, request: Request) -> Served:
        return self._models.find(request.path_params["model"], request.path_params.get("version", ""))


def _route(path: str, endpoint: Any, method: str = "GET") -> Route:  # noqa: ANN401 - a coroutine function of Starlette's
    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)  # type: ignore[no-any-return]
        except ProblemError as problem:
            request.state.problem = problem.kind
            return _error(problem)

    return Route(path, answer, methods=[method])


def _error(problem: ProblemError) -> Response:
    content = json.dumps({"error": error_text(problem)}).encode()
    return Response(content, problem.status, problem.fields, media_type="application/json")


def _unknown(request: Request, known: tuple[Route, ...]) -> Response:
    """Tell a wrong method from a wrong address."""
    allowed = {
        method for route in known if route.matches(request.scope)[0] is Match.PARTIAL for method in route.methods or ()
    }
    if allowed:
        problem = not_allowed(request.method, allowed)
    else:
        problem = ProblemError("not-found", "there is no such address; /v2 says which extensions are there")
    request.state.problem = problem.kind
    return _error(problem)


def _check_type(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        detail = f"a body with Content-Encoding {encoding[:40]!r} is not read; send it as it is"
        raise ProblemError("unsupported-media-type", detail, headers={"Accept-Encoding": "identity"})
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given and given not in _TYPES:
        detail = f"Content-Type is {given[:100]!r}; tensors come as {' or '.join(_TYPES)}"
        raise ProblemError("unsupported-media-type", detail, headers={"Accept": ", ".join(_TYPES)})


async def _read(request: Request, service: Service, read: Callable[[bytes], T]) -> T:
    declared = request.headers.get("content-length", "")
    found, _ = await service.uploads.message(read, declared, request.receive)
    return found


async def _said(request: Request, service: Service) -> dict[str, Any]:
    """Return the JSON object that a request's body is."""
    document = await _read(request, service, lambda body: read_json(body, service.limits))
    if not isinstance(document, dict):
        raise ProblemError("malformed-json", "the body is not an object")
    return document
