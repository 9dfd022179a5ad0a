"""What a service says about itself: metadata, .proto, licence, examples, OpenAPI, health, and a page for people.

All but health and the page never change while a service runs, and are made once, when first asked for. What makes them
is imported then, too: a service is ready sooner.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from modelport.model.json_form import JSON_MAPPING
from modelport.serve.costs import costs
from modelport.serve.limits import Limits
from modelport.serve.problem import ProblemError
from modelport.serve.raw import raw_answer_types, raw_types
from modelport.serve.static import static_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from modelport.model import Model
    from modelport.model.spec import MethodSpec
    from modelport.serve.info import ServiceInfo
    from modelport.serve.service import Service

__all__ = ["document_routes", "metadata"]

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


def metadata(model: Model, info: ServiceInfo, limits: Limits | None = None) -> dict[str, Any]:
    """Return the metadata document.

    ``schema``, ``name``, ``runtime`` and ``methods`` are as Acumos clients know them (acumos.schema.model 0.6.0);
    the rest is ours.
    """
    pins = [r.partition("==") for r in info.requirements]
    named = {"version": info.version, "digest": info.digest, "license": info.spdx}
    return {
        "schema": "acumos.schema.model:0.6.0",
        "name": info.name,
        **{key: value for key, value in named.items() if value},
        "tier": info.tier,
        "python": info.python,
        "requirements": list(info.requirements),
        "runs_on": info.runtime,
        "limits": {one.name: one.value for one in costs(model, info, limits or Limits())},
        "runtime": {
            "name": "python",
            "version": info.python,
            "dependencies": {
                "pip": {"indexes": [], "requirements": [{"name": name, "version": v} for name, _, v in pins]}
            },
        },
        "methods": {
            m.name: {
                "description": m.doc,
                "input": _described(m.input, raw_types(model.spec.message(m.input))),
                "output": _described(m.output, raw_answer_types(model.spec.message(m.output))),
            }
            for m in model.spec.methods
        },
        "json": JSON_MAPPING,
        "signature": model.spec.to_json(),
    }


def document_routes(model: Model, info: ServiceInfo, limits: Limits | None = None) -> list[Route]:
    """Return the routes of a service's documents; each answers GET and HEAD."""
    json_type, text_type = "application/json", "text/plain; charset=utf-8"
    made: dict[str, tuple[Callable[[], str], str]] = {
        "/model/artifacts/metadata": (lambda: _json(metadata(model, info, limits)), json_type),
        "/model/artifacts/protobuf": (partial(_proto, model), text_type),
        "/model/artifacts/examples": (lambda: _json({"examples": [asdict(e) for e in model.examples]}), json_type),
        "/openapi.json": (partial(_openapi, model, info), json_type),
    }
    for method in model.spec.methods:
        kind = "application/x-ndjson" if method.streams_in else json_type
        made[f"/model/artifacts/examples/{method.name}"] = partial(_starting, method, model), kind
    if info.license_name:
        made["/model/artifacts/license"] = partial(str, info.license or f"{info.spdx}\n"), text_type
    routes = [Route(path, _once(*document), methods=["GET"]) for path, document in made.items()]
    if not info.license_name:
        routes.append(Route("/model/artifacts/license", _no_license, methods=["GET"]))
    return [
        *routes,
        Route("/health/live", _live, methods=["GET"]),
        Route("/health/ready", _ready, methods=["GET"]),
        Route("/", _page, methods=["GET"]),
        *static_routes(),
    ]


def _described(message: str, raw: tuple[str, ...]) -> dict[str, Any]:
    types = ["application/json", "application/vnd.google.protobuf", *raw]
    return {"name": message, "media_type": types, "metadata": {}, "description": ""}


def _proto(model: Model) -> str:
    from modelport.model.proto import proto_text

    return proto_text(model.spec)


def _openapi(model: Model, info: ServiceInfo) -> str:
    from modelport.serve.openapi import openapi_document

    return _json(openapi_document(model, info))


def _starting(method: MethodSpec, model: Model) -> str:
    from modelport.serve.shell import starting_body

    return starting_body(method, model)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)


def _once(make: Callable[[], str], media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a document that is made when it is first asked for: a service is ready sooner then."""
    made = cache(lambda: make().encode("utf-8", "replace"))

    async def answer(_: Request) -> Response:
        return Response(made(), media_type=media_type)

    return answer


async def _no_license(_: Request) -> Response:
    raise ProblemError("not-found", "nothing is known of the model's licence: its package holds no text of one")


async def _live(_: Request) -> Response:
    return JSONResponse({"status": "live"})


async def _ready(request: Request) -> Response:
    service: Service = request.app.state.service
    service.check_ready()
    return JSONResponse({"status": "ready"})


async def _page(request: Request) -> Response:
    from modelport.serve.page import page_html

    service: Service = request.app.state.service
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = ":".join(map(str, request.scope["server"] or ("127.0.0.1",)))
    url = f"{request.scope['scheme']}://{host}"
    paths = {route.path for route in request.app.routes if isinstance(route, Route)}
    html = page_html(service.model, service.info, url, limits=service.limits, paths=paths, grpc=service.grpc_address)
    return HTMLResponse(html, headers=_PAGE_HEADERS)
