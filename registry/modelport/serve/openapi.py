"""The service's contract as an OpenAPI 3.1 document, with the model's own messages and golden examples.

https://spec.openapis.org/oas/v3.1.1.html. Components of ours have a dot in their names, so that no message can clash
with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.model.json_form import JSON_MAPPING
from modelport.serve.media import MEDIA_TYPES, Form
from modelport.serve.openapi_oip import oip_paths
from modelport.serve.openapi_oip_schemas import oip_schemas
from modelport.serve.openapi_parts import PROBLEM, document, errors, problem_response
from modelport.serve.raw import raw_answer_types, raw_types
from modelport.serve.schemas import signature_schemas
from modelport.serve.stream_calls import EVENTS, NDJSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelport.model import Example, Model
    from modelport.model.spec import MethodSpec
    from modelport.serve.info import ServiceInfo

__all__ = ["openapi_document"]

_CALL_ERRORS = (400, 404, 406, 408, 412, 413, 415, 422, 429, 500, 503, 504)
_TAGS = {
    "methods": "The model's methods.",
    "service": "What the service says of the model and of itself.",
    "open inference protocol": "The same methods by the Open Inference Protocol, version 2.",
}
_EXAMPLES = 3
_EXAMPLE_CHARS = 32_768


def openapi_document(model: Model, info: ServiceInfo) -> dict[str, Any]:
    """Return the OpenAPI document of a service."""
    spec = model.spec
    calls = {f"/model/methods/{m.name}": {"post": _operation(m, model)} for m in spec.methods}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": info.name,
            "version": info.version or "unversioned",
            "description": f"The methods of the model {info.name}."
            + (f" Its package is {info.digest}." if info.digest else "")
            + " What a call may cost is said in `limits` of /model/artifacts/metadata, and on the page.",
            **_license(info),
            "x-modelport-json": JSON_MAPPING,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": calls
        | _with_unique_ids(_service_paths(model, info) | oip_paths(model, info), {m.name for m in spec.methods}),
        "components": {
            "schemas": signature_schemas(spec) | {"modelport.Problem": PROBLEM} | oip_schemas(),
            "responses": {f"problem.{status}": problem_response(status) for status in (*_CALL_ERRORS, 405)},
        },
    }


def _license(info: ServiceInfo) -> dict[str, Any]:
    """Return the licence as OpenAPI has it: a name, and the SPDX expression where it is known."""
    known = {"identifier": info.spdx} if info.spdx else {}
    return {"license": {"name": info.license_name} | known} if info.license_name else {}


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
            # No body is an empty message, and an empty stream.
            "required": not method.streams_in and any(f.is_required for f in taken.fields),
            "content": _stream_content(method.input, model)
            if method.streams_in
            else _content(method.input, model, [e.input for e in examples]) | _raw_content(raw_types(taken)),
        },
        "responses": {
            "200": {
                "description": f"The answer, a {method.output}, in the form that Accept prefers.",
                "content": _answered_stream(method.output, model)
                if method.streams_out
                else _content(method.output, model, [e.output for e in examples])
                | _raw_content(raw_answer_types(given)),
            },
            **errors(*_CALL_ERRORS),
        },
    }


def _stream_content(message: str, model: Model) -> dict[str, Any]:
    """Return the media types of a stream of messages; what a line holds is in a member that OpenAPI 3.2 will know."""
    line = {
        "description": f"One {message} as JSON a line.",
        "x-modelport-line": {"$ref": f"#/components/schemas/{message}"},
    }
    name = f"{model.spec.proto_package}.{message}"
    parts = {"description": f"Messages {name}, each with its length before it as a varint."}
    delimited = {media_type: {"schema": parts} for media_type, form in MEDIA_TYPES.items() if form is Form.PROTOBUF}
    return {NDJSON: {"schema": line}, **delimited}


def _answered_stream(message: str, model: Model) -> dict[str, Any]:
    """Return the media types of a stream of answers, which may end with what went wrong."""
    content = _stream_content(message, model)
    line = content[NDJSON]["schema"]
    wrong = "says what went wrong after the first message."
    line["description"] += f' A last line {{"error": PROBLEM}} {wrong}'
    events = {**line, "description": f"Events whose data are one {message} as JSON. A last event `error` {wrong}"}
    return content | {EVENTS: {"schema": events}}


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


def _service_paths(model: Model, info: ServiceInfo) -> dict[str, Any]:
    """Return the paths that say something about the model and the service."""
    json_type, text_type = "application/json", "text/plain"
    paths = {
        "/model/artifacts/metadata": document(
            "getMetadata", "What is served: the model, its methods and messages", json_type
        ),
        "/model/artifacts/protobuf": document("getProtobuf", "The .proto file of the methods and messages", text_type),
        "/model/artifacts/examples": document("getExamples", "The golden examples of all methods", json_type),
        "/openapi.json": document("getOpenapi", "This document", json_type),
        "/metrics": document("getMetrics", "Counts and times, for Prometheus", text_type),
        "/health/live": document("getLive", "The process runs", json_type, schema=_status("live")),
        "/health/ready": document("getReady", "Calls are answered", json_type, 503, schema=_status("ready")),
        "/": document("getPage", "A page for people", "text/html"),
    }
    for method in model.spec.methods:
        kind = NDJSON if method.streams_in else json_type
        summary = f"Arguments of {method.name} to start from"
        paths[f"/model/artifacts/examples/{method.name}"] = document(f"getArguments_{method.name}", summary, kind)
    if info.license_name:
        paths["/model/artifacts/license"] = document("getLicense", "The model's licence", text_type)
    return paths


def _status(word: str) -> dict[str, Any]:
    return {"type": "object", "required": ["status"], "properties": {"status": {"type": "string", "enum": [word]}}}


def _with_unique_ids(paths: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return *paths* with ids that no method has: a method is called what its model calls it."""
    for operation in (one for path in paths.values() for one in path.values()):
        while operation["operationId"] in taken:
            operation["operationId"] += "_"
    return paths


def _is_short(example: Example) -> bool:
    return len(json.dumps([example.input, example.output])) <= _EXAMPLE_CHARS
