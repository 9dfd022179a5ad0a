"""The messages of a signature as JSON Schemas (draft 2020-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.words import range_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.model.about import About
    from modelport.model.kinds import FieldType
    from modelport.model.spec import Enumeration, Field, Message, ModelSpec

__all__ = ["signature_schemas"]

# With padding, and not the alphabet for URLs (RFC 4648, section 4).
_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
# From here on a number is rounded to infinity: halfway between the largest float and the next one there would be.
_BEYOND = {"float": 3.4028235677973366e38, "float32": 3.4028235677973366e38, "float16": 65520.0}


def signature_schemas(spec: ModelSpec) -> dict[str, dict[str, Any]]:
    """Return the schema of each message and each enumeration, by name.

    A range binds those who call. An answer may be outside of it, so where a message is only given it is told in words.
    """
    taken = _taken(spec)
    messages = {m.name: _message_schema(m, bounded=m.name in taken) for m in spec.messages}
    return messages | {e.name: _enum_schema(e) for e in spec.enums}


def _message_schema(message: Message, *, bounded: bool) -> dict[str, Any]:
    """Return an object with the message's fields and no others; what may be left out is not required."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {f.name: _field_schema(f, bounded=bounded) for f in message.fields},
        "required": [f.name for f in message.fields if f.is_required],
        "additionalProperties": False,
    }
    words = [message.doc, "A table: its fields are columns, lists of one length." if message.table else ""]
    said = "\n\n".join(one for one in words if one)
    table = {"x-modelport-table": True} if message.table else {}
    return schema | table | ({"description": said} if said else {})


def _enum_schema(enum: Enumeration) -> dict[str, Any]:
    numbers = ", ".join(f"{name} = {number}" for name, number in enum.members)
    words = f"In protobuf: {numbers}; a number is taken here, too."
    names = [name for name, _ in enum.members]
    return {"type": "string", "enum": names, "description": f"{enum.doc}\n\n{words}" if enum.doc else words}


def _field_schema(field: Field, *, bounded: bool) -> dict[str, Any]:
    """Return the schema of a field's values, with what is said of them."""
    about = field.about
    schema = _type_schema(field.type, _bounds(about) if bounded else {})
    if about.media_types:
        _add_media_types(schema, about)
    words = ". ".join(one.rstrip(".") for one in [*_words(schema, about, bounded=bounded)])
    return {
        **schema,
        **({"description": words} if words else {}),
        **({"x-unit": about.unit} if about.unit else {}),
        **({"default": field.default} if field.has_default else {}),
    }


def _words(schema: dict[str, Any], about: About, *, bounded: bool) -> Iterator[str]:
    if about.doc:
        yield about.doc
    if about.unit:
        yield f"In {about.unit}"
    if not bounded and (words := range_words(about.minimum, about.maximum)):
        yield f"Range: {words}"
    if "description" in schema:
        yield schema["description"]


def _bounds(about: About) -> dict[str, float]:
    bounds = {"minimum": about.minimum, "maximum": about.maximum}
    return {key: bound for key, bound in bounds.items() if bound is not None}


def _add_media_types(schema: dict[str, Any], about: About) -> None:
    """Say what the bytes or the text are, in *schema* or in the part of it that holds them."""
    part = next((one for one in schema.get("anyOf", ()) if one.get("type") == "string"), schema)
    part = part.get("items") or part.get("additionalProperties") or part
    part["contentMediaType"] = about.media_types[0]
    if len(about.media_types) > 1:
        part["x-media-types"] = list(about.media_types)


def _type_schema(kind: FieldType, bounds: dict[str, float]) -> dict[str, Any]:
    match kind:
        case Scalar(name):
            return _scalar_schema(name, bounds)
        case MessageRef(name) | EnumRef(name):
            return {"$ref": f"#/components/schemas/{name}"}
        case ListOf(item):
            return {"type": "array", "items": _type_schema(item, bounds)}
        case MapOf(item):
            return {"type": "object", "additionalProperties": _type_schema(item, bounds)}
        case OptionalOf(item):
            inner = _type_schema(item, bounds)
            return {"anyOf": [*(inner["anyOf"] if set(inner) == {"anyOf"} else [inner]), {"type": "null"}]}
        case TensorOf():
            return _tensor_schema(kind, bounds)


def _scalar_schema(name: str, bounds: dict[str, float]) -> dict[str, Any]:
    """Return the schema of a scalar or of a tensor's element."""
    match name:
        case "bool":
            return {"type": "boolean"}
        case "string":
            return {"type": "string"}
        case "bytes":
            return {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}
        case "double" | "float64":
            return {"anyOf": [{"type": "number", "format": "double", **bounds}, *_special(bounds)]}
        case "float" | "float32" | "float16":
            beyond = _BEYOND[name]
            number = {"type": "number", "format": "float", "exclusiveMinimum": -beyond, "exclusiveMaximum": beyond}
            return {"anyOf": [number | bounds, *_special(bounds)]}
        case _:
            return _integer_schema(name, bounds)


def _special(bounds: dict[str, float]) -> Iterator[dict[str, Any]]:
    """Yield the schema of what JSON has no number for; NaN is in no range."""
    infinite = {"Infinity": "maximum", "-Infinity": "minimum"}
    names = [*([] if bounds else ["NaN"]), *(name for name, bound in infinite.items() if bound not in bounds)]
    if names:
        yield {"type": "string", "enum": names}


def _integer_schema(name: str, bounds: dict[str, float]) -> dict[str, Any]:
    bits = int(name.removeprefix("u").removeprefix("int"))
    low, high = (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    narrow = {"minimum": max(low, bounds.get("minimum", low)), "maximum": min(high, bounds.get("maximum", high))}
    number = {"type": "integer", "format": name, **narrow}
    if bits < 64:  # noqa: PLR2004 - only 64 bits outgrow the doubles that many JSON readers have for numbers
        return number
    text = {
        "type": "string",
        "format": name,
        "pattern": "^(0|[1-9][0-9]{0,19})$" if low == 0 else "^-?(0|[1-9][0-9]{0,18})$",
        "description": "The same number, for callers whose numbers are doubles; answers hold numbers.",
    }
    return {"anyOf": [number, text]}


def _tensor_schema(kind: TensorOf, bounds: dict[str, float]) -> dict[str, Any]:
    schema = _scalar_schema(kind.dtype, bounds)
    for size in reversed(kind.shape):
        schema = {"type": "array", "items": schema}
        if isinstance(size, int):
            schema |= {"minItems": size, "maxItems": size}
    return {
        **schema,
        "description": f"{kind}, as nested lists in row-major order",
        "x-modelport-tensor": {"dtype": kind.dtype, "shape": list(kind.shape)},
    }


def _taken(spec: ModelSpec) -> set[str]:
    """Return the names of the messages that a caller sends, those inside others included."""
    found: set[str] = set()
    left = {m.input for m in spec.methods}
    while left:
        found |= left
        inner = (single(f.type) for name in left for f in spec.message(name).fields)
        left = {one.name for one in inner if isinstance(one, MessageRef)} - found
    return found
