"""The Open Inference Protocol's own schemas, as far as this service speaks it.

A dot is in each name, so that no message of a model can clash.
"""

from __future__ import annotations

from typing import Any

__all__ = ["oip_schemas"]

_DATATYPES = "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES"
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_TRUTH = {"type": "boolean"}
_DATATYPE = {"type": "string", "enum": _DATATYPES.split()}


def oip_schemas() -> dict[str, Any]:
    """Return the schemas, by name."""
    parameters = {"$ref": "#/components/schemas/oip.Parameters"}
    tensor = {
        "name": _TEXT,
        "datatype": _DATATYPE,
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "parameters": parameters,
        "data": {"type": "array", "description": "The elements, nested or flat, in row-major order."},
    }
    described = {"name": _TEXT, "datatype": _DATATYPE, "shape": {"type": "array", "items": {"type": "integer"}}}
    indexed = _object("name state", name=_TEXT, version=_TEXT, state=_TEXT, reason=_TEXT)
    found = {
        "Parameters": {"type": "object", "description": "What the protocol's extensions say."},
        "Error": _object("error", error=_TEXT),
        "Server": _object("name version extensions", name=_TEXT, version=_TEXT, extensions=_TEXTS),
        "Live": _object("live", live=_TRUTH, ready=_TRUTH),
        "Ready": _object("name ready", name=_TEXT, ready=_TRUTH),
        "TensorMetadata": _object("name datatype shape", **described, parameters=parameters),
        "Model": _object(
            "name platform inputs outputs",
            name=_TEXT,
            versions=_TEXTS,
            platform=_TEXT,
            inputs=_list("TensorMetadata"),
            outputs=_list("TensorMetadata"),
            properties={"type": "object"},
        ),
        "Tensor": _object("name datatype shape", **tensor),
        "Wanted": _object("name", name=_TEXT, parameters=parameters),
        "InferRequest": _object(
            "inputs", id=_TEXT, parameters=parameters, inputs=_list("Tensor"), outputs=_list("Wanted")
        ),
        "InferResponse": _object(
            "model_name outputs",
            model_name=_TEXT,
            model_version=_TEXT,
            id=_TEXT,
            parameters=parameters,
            outputs=_list("Tensor"),
        ),
        "Stats": _object("model_stats", model_stats={"type": "array", "items": {"type": "object"}}),
        "IndexRequest": {"type": "object", "properties": {"ready": _TRUTH}},
        "Index": {"type": "array", "items": indexed},
    }
    return {f"oip.{name}": schema for name, schema in found.items()}


def _object(required: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schemas
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(item: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/oip.{item}"}}
