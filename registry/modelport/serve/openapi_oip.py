"""The Open Inference Protocol's REST door in the OpenAPI document.

https://github.com/open-inference/open-inference-protocol/blob/main/specification/protocol/open_inference_rest.yaml has
the same for any server; here models and versions are this service's own, and requests have its golden examples.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.serve.oip.mapping import MethodTensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.model import Model
    from modelport.model.spec import MethodSpec
    from modelport.serve.info import ServiceInfo

__all__ = ["oip_paths"]

_INFER_ERRORS = (400, 404, 408, 413, 415, 422, 429, 500, 503, 504)
_INDEX_ERRORS = (400, 408, 413, 422, 429)
_EXAMPLE_CHARS = 32_768


def oip_paths(model: Model, info: ServiceInfo) -> dict[str, Any]:
    """Return the protocol's paths; of each model, and of its version where it has one."""
    methods = [m for m in model.spec.methods if not m.streams]
    if not methods:
        return {}
    names = [info.name, *(f"{info.name}.{m.name}" for m in methods)]
    index = _operation(
        "oipIndex", "All models", "Index", errors=_INDEX_ERRORS, request=_body("IndexRequest", required=False)
    )
    paths = {
        "/v2": _get("oipServer", "What the server is", "Server"),
        "/v2/health/live": _get("oipLive", "The process runs", "Live"),
        "/v2/health/ready": _get("oipReady", "Calls are answered", "Live", unready="Live"),
        "/v2/models/stats": _get("oipAllStats", "What was asked of all models", "Stats"),
        "/v2/repository/index": {"post": index},
    }
    model_name = _parameter("model", names, f"{info.name} is its first method; each method has a name of its own, too.")
    for words, path, more in _addresses(info):
        parameters = [model_name, *more]
        request = _body("InferRequest", _examples(model, methods))
        request["content"]["application/octet-stream"] = {
            "schema": {"description": "JSON, and behind it the bytes of tensors (the binary tensor data extension)."}
        }
        infer = _operation(f"oipInfer{words}", "Call a model", "InferResponse", errors=_INFER_ERRORS, request=request)
        infer["responses"]["200"]["content"]["application/octet-stream"] = {"schema": {}}
        paths[path] = _get(f"oipModel{words}", "What a model takes and gives", "Model", 404, parameters=parameters)
        paths[f"{path}/ready"] = _get(
            f"oipModelReady{words}", "A model answers", "Ready", 404, unready="Ready", parameters=parameters
        )
        paths[f"{path}/stats"] = _get(
            f"oipStats{words}", "What was asked of a model", "Stats", 404, parameters=parameters
        )
        paths[f"{path}/infer"] = {"post": infer | {"parameters": parameters}}
    return paths


def _addresses(info: ServiceInfo) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    yield "", "/v2/models/{model}", []
    if info.version:
        version = _parameter("version", [info.version], "The version that is served.")
        yield "OfVersion", "/v2/models/{model}/versions/{version}", [version]


def _parameter(name: str, values: list[str], description: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": values}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _get(name: str, summary: str, schema: str, *errors: int, unready: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an operation
    operation = _operation(name, summary, schema, errors=errors) | more
    if unready:
        operation["responses"]["503"] = _response("Not ready.", unready)
    return {"get": operation}


def _operation(
    name: str, summary: str, schema: str, *, errors: tuple[int, ...] = (), request: dict[str, Any] | None = None
) -> dict[str, Any]:
    responses = {"200": _response(f"{summary}.", schema)}
    responses |= {str(status): _response("It cannot be answered; the text says why.", "Error") for status in errors}
    body = {"requestBody": request} if request else {}
    return {
        "operationId": name,
        "tags": ["open inference protocol"],
        "summary": summary,
        **body,
        "responses": responses,
    }


def _response(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/oip.{schema}"}}},
    }


def _body(schema: str, examples: dict[str, Any] | None = None, *, required: bool = True) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/oip.{schema}"}} | ({"examples": examples} if examples else {})
    return {"required": required, "content": {"application/json": content}}


def _examples(model: Model, methods: list[MethodSpec]) -> dict[str, Any]:
    """Return a request for the first method, from its first golden example if its tensors are easily written."""
    inputs = [e.input for e in model.examples if e.method == methods[0].name][:1]
    found = {}
    for value in inputs:
        tensors = MethodTensors(model.methods[methods[0].name], model.codec).inputs
        written = [_tensor(name, tensor.datatype, value.get(name)) for name, tensor in tensors.items()]
        request = {"inputs": [one for one in written if one]}
        if all(written) and len(written) == len(value) and len(json.dumps(request)) <= _EXAMPLE_CHARS:
            found["example-1"] = {"summary": "Golden example 1", "value": request}
    return found


def _tensor(name: str, datatype: str, value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    data = value if isinstance(value, list) else [value]
    shape: list[int] = []
    inner: Any = data
    while isinstance(inner, list):
        shape.append(len(inner))
        inner = inner[0] if inner else 0
    if isinstance(inner, dict | type(None)) or 0 in shape:
        return None
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}
