"""A signature, as tables that a person can read."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, prod
from typing import TYPE_CHECKING, Any

from modelport.words import Words, about_words
from modelport_site.shorten import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["FieldRow", "MethodTable", "field_words", "first_message", "method_tables", "skeleton"]

_DEPTH = 4
_MOST_ZEROS = 1024  # nobody types more
_TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a method.

    Attributes:
        name: Its name.
        depth: How deep it lies in the message.
        type: Its type in words, with its unit.
        shape: How many values there are; empty for one.
        example: Its value in the first example.
        nested: Whether fields of its own follow.
        about: What is said of its values: range, default, media types.
        doc: What it is.
    """

    name: str
    depth: int
    type: str
    shape: str
    example: str
    nested: bool
    about: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class MethodTable:
    """A method with the fields it takes and gives, whether these are tables, and the streams of them in words."""

    name: str
    doc: str
    input_doc: str
    output_doc: str
    inputs: tuple[FieldRow, ...]
    outputs: tuple[FieldRow, ...]
    takes_table: bool = False
    gives_table: bool = False
    takes_stream: str = ""
    gives_stream: str = ""


def method_tables(signature: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> tuple[MethodTable, ...]:
    """Return a table for each method; the first example of a method fills its example column."""
    messages = {message["name"]: message for message in signature["messages"]}
    words = Words.of(signature)
    tables = []
    for method in signature["methods"]:
        example = next((e for e in examples if e["method"] == method["name"]), {})
        taken, given = messages[method["input"]], messages[method["output"]]
        tables.append(
            MethodTable(
                method["name"],
                method.get("doc", ""),
                taken.get("doc", ""),
                given.get("doc", ""),
                tuple(_rows(taken, messages, words, first_message(method, "input", example), 0)),
                tuple(_rows(given, messages, words, first_message(method, "output", example), 0)),
                taken.get("table", False),
                given.get("table", False),
                words.stream(method["input"]) if method.get("streams_in") else "",
                words.stream(method["output"]) if method.get("streams_out") else "",
            )
        )
    return tuple(tables)


def field_words(field: Mapping[str, Any]) -> str:
    """Return all but the name and the words of a field, so that two fields are the same when this is.

    An enumeration is called by its name here; what it is made of is another matter.
    """
    kind = field["type"]
    inner = _inner(kind)
    shape = f" ({_tensor_shape(inner['tensor'])})" if "tensor" in inner else ""
    return ", ".join([f"{_type(field, Words({}))}{shape}", *about_words(field)])


def first_message(method: Mapping[str, Any], side: str, example: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Return the message of an example of *method*, the first one of a stream; *side* is ``input`` or ``output``."""
    value = example.get(side)
    if method.get("streams_in" if side == "input" else "streams_out"):
        return next(iter((value or {}).get("stream", ())), None)
    return value


def skeleton(signature: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return a message of the right form for a method without examples: defaults, zeros, empty texts and lists."""
    taken = next(m["input"] for m in signature["methods"] if m["name"] == method)
    return _empty_message(next(m for m in signature["messages"] if m["name"] == taken), signature, 0)


def _rows(
    message: Mapping[str, Any], messages: Mapping[str, Any], words: Words, example: object, depth: int
) -> Iterator[FieldRow]:
    for field in message["fields"]:
        value = example.get(field["name"]) if isinstance(example, dict) else None
        inner = _inner(field["type"]).get("message")
        deeper = inner if depth < _DEPTH else None  # a message may hold itself
        yield FieldRow(
            field["name"],
            depth,
            _type(field, words, column=bool(message.get("table"))),
            _shape(field["type"], column=bool(message.get("table"))),
            "" if value is None or inner else one_line(value),
            bool(deeper),
            ", ".join(about_words(field)),
            field.get("doc", ""),
        )
        if deeper:
            yield from _rows(messages[deeper], messages, words, _first(value, field["type"]), depth + 1)


def _first(value: object, kind: Mapping[str, Any]) -> object:
    """Return the first of what lies in a list or a map, or the value itself."""
    if isinstance(value, dict) and "map" in kind:
        return next(iter(value.values()), None)
    return value[0] if isinstance(value, list) and value else value


def _type(field: Mapping[str, Any], words: Words, *, column: bool = False) -> str:
    """Return a field's type and unit; the shape of a tensor has a column of its own."""
    (kind,), inner = field["type"], _inner(field["type"])
    shapeless = {"scalar": f"tensor of {inner['tensor']['dtype']}"} if "tensor" in inner else inner
    said = words.type({kind: shapeless} if inner is not field["type"] else shapeless, column=column)
    return f"{said} ({field['unit']})" if field.get("unit") else said


def _shape(kind: Mapping[str, Any], *, column: bool = False) -> str:
    inner = _inner(kind)
    one = _tensor_shape(inner["tensor"]) if "tensor" in inner else ""
    match kind:
        case {"list": _}:
            return "one value a row" if column else f"any length, each {one}" if one else "any length"
        case {"map": _}:
            return f"any keys, each {one}" if one else "any keys"
        case {"optional": _}:
            return f"{one or 'one'} or none"
        case _:
            return one


def _tensor_shape(tensor: Mapping[str, Any]) -> str:
    if tensor["shape"] == [None]:
        return "any length"
    return _TIMES.join("any" if d is None else str(d) for d in tensor["shape"]) or "one value"


def _inner(kind: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the type of one value: what a list, a map or an optional field holds, or *kind* itself."""
    inner: Mapping[str, Any] = kind.get("list") or kind.get("map") or kind.get("optional") or kind
    return inner


def _empty_message(message: Mapping[str, Any], signature: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Return a message without what may be absent."""
    fields = (field for field in message["fields"] if "optional" not in field["type"])
    return {f["name"]: f["default"] if "default" in f else _empty(f, signature, depth) for f in fields}


def _empty(field: Mapping[str, Any], signature: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401 - a JSON value
    match field["type"]:
        case {"map": _}:
            return {}
        case {"message": name}:
            message = next(m for m in signature["messages"] if m["name"] == name)
            return _empty_message(message, signature, depth + 1) if depth < _DEPTH else {}
        case {"enum": name}:
            return next(e for e in signature["enums"] if e["name"] == name)["members"][0]["name"]
        case {"tensor": {"shape": shape}}:
            return _empty_tensor(shape) if prod(d for d in shape if isinstance(d, int)) <= _MOST_ZEROS else []
        case {"scalar": scalar}:
            return {"string": "", "bytes": "", "bool": False}.get(scalar, _nearest_to_zero(field))
        case _:
            return []


def _empty_tensor(shape: Sequence[Any]) -> Any:  # noqa: ANN401 - a JSON value
    """Return zeros for the dimensions that have a size, and nothing from the first one that has none."""
    if not shape:
        return 0
    return [_empty_tensor(shape[1:])] * shape[0] if isinstance(shape[0], int) else []


def _nearest_to_zero(field: Mapping[str, Any]) -> float:
    least, most = field.get("minimum", 0), field.get("maximum", 0)
    nearest: float = least if least > 0 else min(most, 0)
    if field["type"]["scalar"] in {"double", "float", "float16"}:
        return nearest
    return ceil(nearest) if nearest > 0 else floor(nearest)
