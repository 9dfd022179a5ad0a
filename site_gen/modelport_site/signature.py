"""A signature, as tables that a person can read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport_site.shorten import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["FieldRow", "MethodTable", "method_tables", "skeleton", "type_words"]

_DEPTH = 4
_TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: name, how deep it lies, type in words, shape, an example, whether fields of its own follow."""

    name: str
    depth: int
    type: str
    shape: str
    example: str
    nested: bool


@dataclass(frozen=True, slots=True)
class MethodTable:
    """A method with the fields it takes and gives."""

    name: str
    doc: str
    input_doc: str
    output_doc: str
    inputs: tuple[FieldRow, ...]
    outputs: tuple[FieldRow, ...]


def method_tables(signature: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> tuple[MethodTable, ...]:
    """Return a table for each method; the first example of a method fills its example column."""
    messages = {message["name"]: message for message in signature["messages"]}
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
                tuple(_rows(taken, messages, example.get("input"), 0)),
                tuple(_rows(given, messages, example.get("output"), 0)),
            )
        )
    return tuple(tables)


def type_words(kind: Mapping[str, Any]) -> str:
    """Return a field's type and shape in words, so that two types are the same when their words are."""
    return f"{_words(kind)} ({_shape(kind)})" if "tensor" in kind else _words(kind)


def skeleton(signature: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return arguments of the right form for a method without examples: zeros, empty texts and lists."""
    messages = {message["name"]: message for message in signature["messages"]}
    taken = next(m["input"] for m in signature["methods"] if m["name"] == method)
    return _empty_message(messages[taken], messages, 0)


def _rows(message: Mapping[str, Any], messages: Mapping[str, Any], example: object, depth: int) -> Iterator[FieldRow]:
    for field in message["fields"]:
        value = example.get(field["name"]) if isinstance(example, dict) else None
        kind, inner = _words(field["type"]), _inner(field["type"])
        shown = "" if value is None or inner else one_line(value)
        deeper = inner if depth < _DEPTH else None  # a message may hold itself
        yield FieldRow(field["name"], depth, kind, _shape(field["type"]), shown, nested=bool(deeper))
        if deeper:
            first = value[0] if isinstance(value, list) and value else value
            yield from _rows(messages[deeper], messages, first, depth + 1)


def _words(kind: Mapping[str, Any]) -> str:
    if "list" in kind:
        return f"list of {_words(kind['list'])}"
    if "tensor" in kind:
        return f"tensor of {kind['tensor']['dtype']}"
    return str(kind.get("scalar") or kind["message"])


def _shape(kind: Mapping[str, Any]) -> str:
    if "list" in kind:
        return "any length"
    if "tensor" in kind:
        return _TIMES.join("any" if d is None else str(d) for d in kind["tensor"]["shape"]) or "one value"
    return ""


def _inner(kind: Mapping[str, Any]) -> str | None:
    message: str | None = kind["list"].get("message") if "list" in kind else kind.get("message")
    return message


def _empty_message(message: Mapping[str, Any], messages: Mapping[str, Any], depth: int) -> dict[str, Any]:
    return {field["name"]: _empty(field["type"], messages, depth) for field in message["fields"]}


def _empty(kind: Mapping[str, Any], messages: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401 - a JSON value
    if "list" in kind or "tensor" in kind:
        return []
    if "message" in kind:
        return _empty_message(messages[kind["message"]], messages, depth + 1) if depth < _DEPTH else {}
    return json.loads({"string": '""', "bytes": '""', "bool": "false"}.get(kind["scalar"], "0"))
