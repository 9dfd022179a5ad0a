"""The service's contract as an OpenAPI 3.1 document, with the model's own messages and golden examples.

https://spec.openapis.org/oas/v3.1.1.html. Components of ours have a dot in their names, so that no message can clash
with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.model.json_form import JSON_MAPPING
from modelport.serve.media import MEDIA_TYPES, Form
from modelport.serve.problem import KINDS, PROBLEM_TYPE
from modelport.serve.raw import raw_answer_types, raw_types
from modelport.serve.schemas import signature_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.model import Example, Model
    from modelport.model.spec import MethodSpec
    from modelport.serve.info import ServiceInfo

__all__ = ["openapi_document"]

_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "enum": [f"urn:modelport:problem:{kind}" for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "As in the header X-Request-ID and in the service's log."},
        "errors": {
            "type": "array",
            "description": "Every misfit of a call's arguments, up to a hundred.",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_CALL_ERRORS = (400, 404, 406, 408, 413, 415, 422, 500, 503, 504)
_EXAMPLES = 3
_EXAMPLE_CHARS = 32_768


def openapi_document(model: Model, info: ServiceInfo) -> dict[str, Any]:
    """Return the OpenAPI document of a service."""
    spec = model.spec
    return {
        "openapi": "3.1.0",
        "info": {
            "title": info.name,
            "version": info.version or "unversioned",
            "description": f"The methods of the model {info.name}."
            + (f" Its package is {info.digest}." if info.digest else ""),
            "x-modelport-json": JSON_MAPPING,
        },
        "servers": [{"url": "/"}],
        "paths": {f"/model/methods/{m.name}": {"post": _operation(m, model)} for m in spec.methods} | _documents(info),
        "components": {
            "schemas": signature_schemas(spec) | {"modelport.Problem": _PROBLEM},
            "responses": {f"problem.{status}": _problem_response(status) for status in (*_CALL_ERRORS, 405)},
        },
    }


def _operation(method: MethodSpec, model: Model) -> dict[str, Any]:
    examples = [e for e in model.examples if e.method == method.name and _is_short(e)][:_EXAMPLES]
    summary = method.doc.strip().partition("\n")[0]
    taken, given = (model.spec.message(name) for name in (method.input, method.output))
    return {
        "operationId": method.name,
        "tags": ["methods"],
        "summary": summary or method.name,
        **({"description": method.doc} if method.doc.strip() != summary else {}),
        "requestBody": {
            "required": any(f.is_required for f in taken.fields),  # no body is an empty message
            "content": _content(method.input, model, (e.input for e in examples)) | _raw_content(raw_types(taken)),
        },
        "responses": {
            "200": {
                "description": f"The answer, a {method.output}, in the form that Accept prefers.",
                "content": _content(method.output, model, (e.output for e in examples))
                | _raw_content(raw_answer_types(given)),
            },
            **_errors(*_CALL_ERRORS),
        },
    }


def _content(message: str, model: Model, examples: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the media types of a message: JSON with its schema, protobuf with the message's full name."""
    shown = {f"example-{n}": {"summary": f"Golden example {n}", "value": e} for n, e in enumerate(examples, 1)}
    content: dict[str, Any] = {}
    for media_type, form in MEDIA_TYPES.items():
        if form is Form.JSON:
            content[media_type] = {"schema": {"$ref": f"#/components/schemas/{message}"}}
            content[media_type] |= {"examples": shown} if shown else {}
        else:
            name = f"{model.spec.proto_package}.{message}"
            schema = {
                "description": f"The message {name} of /model/artifacts/protobuf.",
                "contentMediaType": media_type,
            }
            content[media_type] = {"schema": schema, "x-modelport-message": name}
    return content


def _raw_content(media_types: Iterable[str]) -> dict[str, Any]:
    """Return the media types of a body that is one field by itself."""
    words = "The one field that is needed, as it is"
    return {one: {"schema": {"description": f"{words}: {one}.", "contentMediaType": one}} for one in media_types}


def _documents(info: ServiceInfo) -> dict[str, Any]:
    """Return the paths that say something about the model and the service."""
    paths = {
        "/model/artifacts/metadata": _document(
            "What is served: the model, its methods and messages", "application/json"
        ),
        "/model/artifacts/protobuf": _document("The .proto file of the methods and messages", "text/plain"),
        "/openapi.json": _document("This document", "application/json"),
        "/health/live": _document("The process runs", "application/json"),
        "/health/ready": _document("Calls are answered", "application/json", 503),
        "/": _document("A page for people", "text/html"),
    }
    if info.license is not None:
        paths["/model/artifacts/license"] = _document("The model's licence", "text/plain")
    return paths


def _document(summary: str, media_type: str, *errors: int) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "object" if media_type == "application/json" else "string"}}}
    found = {"200": {"description": f"{summary}.", "content": content}}
    return {"get": {"tags": ["service"], "summary": summary, "responses": found | _errors(*errors)}}


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/problem.{status}"} for status in statuses}


def _problem_response(status: int) -> dict[str, Any]:
    kinds = [f"{title} (`{kind}`)" for kind, (one, title) in KINDS.items() if one == status]
    response: dict[str, Any] = {
        "description": "; ".join(kinds) + ".",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/modelport.Problem"}}},
    }
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response


def _is_short(example: Example) -> bool:
    return len(json.dumps([example.input, example.output])) <= _EXAMPLE_CHARS
