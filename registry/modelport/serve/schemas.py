"""The messages of a signature as JSON Schemas (draft 2020-12), and a smallest value of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.model.spec import FieldType, ListOf, MessageRef, Scalar, TensorOf

if TYPE_CHECKING:
    from modelport.model.spec import Message, ModelSpec

__all__ = ["message_schema", "sample"]

_SPECIAL = {"enum": ["NaN", "Infinity", "-Infinity"]}
# From here on a number is rounded to infinity: halfway between the largest float and the next one there would be.
_BEYOND = {"float": 3.4028235677973366e38, "float32": 3.4028235677973366e38, "float16": 65520.0}


def message_schema(message: Message) -> dict[str, Any]:
    """Return the schema of a message: an object with exactly its fields."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {f.name: _field_schema(f.type) for f in message.fields},
        "required": [f.name for f in message.fields],
        "additionalProperties": False,
    }
    return schema | ({"description": message.doc} if message.doc else {})


def sample(name: str, spec: ModelSpec) -> dict[str, Any]:
    """Return a small message *name* in JSON form: zeros, empty texts, one element where any number may stand."""
    return {f.name: _sample_value(f.type, spec) for f in spec.message(name).fields}


def _field_schema(kind: FieldType) -> dict[str, Any]:
    match kind:
        case Scalar(name):
            return _scalar_schema(name)
        case MessageRef(name):
            return {"$ref": f"#/components/schemas/{name}"}
        case ListOf(item):
            return {"type": "array", "items": _field_schema(item)}
        case TensorOf():
            return _tensor_schema(kind)


def _scalar_schema(name: str) -> dict[str, Any]:
    """Return the schema of a protobuf scalar or of a tensor's element."""
    match name:
        case "bool":
            return {"type": "boolean"}
        case "string":
            return {"type": "string"}
        case "bytes":
            return {"type": "string", "contentEncoding": "base64"}
        case "double" | "float64":
            return {"anyOf": [{"type": "number", "format": "double"}, _SPECIAL]}
        case "float" | "float32" | "float16":
            beyond = _BEYOND[name]
            number = {"type": "number", "format": "float", "exclusiveMinimum": -beyond, "exclusiveMaximum": beyond}
            return {"anyOf": [number, _SPECIAL]}
        case _:
            return _integer_schema(name)


def _integer_schema(name: str) -> dict[str, Any]:
    bits = int(name.removeprefix("u").removeprefix("int"))
    low, high = (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    number = {"type": "integer", "format": name, "minimum": low, "maximum": high}
    if bits < 64:  # noqa: PLR2004 - only 64 bits outgrow the doubles that many JSON readers have for numbers
        return number
    text = {
        "type": "string",
        "format": name,
        "pattern": "^(0|[1-9][0-9]{0,19})$" if low == 0 else "^-?(0|[1-9][0-9]{0,18})$",
        "description": "The same number, for callers whose numbers are doubles; answers hold numbers.",
    }
    return {"anyOf": [number, text]}


def _tensor_schema(kind: TensorOf) -> dict[str, Any]:
    schema = _scalar_schema(kind.dtype)
    for size in reversed(kind.shape):
        schema = {"type": "array", "items": schema}
        if isinstance(size, int):
            schema |= {"minItems": size, "maxItems": size}
    return {
        **schema,
        "description": f"{kind}, as nested lists in row-major order",
        "x-modelport-tensor": {"dtype": kind.dtype, "shape": list(kind.shape)},
    }


def _sample_value(kind: FieldType, spec: ModelSpec) -> Any:  # noqa: ANN401 - JSON
    match kind:
        case Scalar(name):
            return _sample_scalar(name)
        case MessageRef(name):
            return sample(name, spec)
        case ListOf(item):
            return [_sample_value(item, spec)]
        case TensorOf(dtype, shape):
            value = _sample_scalar(dtype)
            for size in reversed(shape):
                value = [value] * (size if isinstance(size, int) else 1)
            return value


def _sample_scalar(name: str) -> Any:  # noqa: ANN401 - JSON
    zero: dict[str, Any] = {"bool": False, "string": "", "bytes": ""}
    return zero.get(name, 0.0 if name.startswith(("float", "double")) else 0)
