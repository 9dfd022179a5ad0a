"""A signature as text: each method with what it takes and gives, and an example."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from modelport.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["interface_lines"]

_SHOWN = 160
_WIDTH = 100
_NAME = 24
_DEPTH = 4


def interface_lines(
    signature: Mapping[str, Any], examples: Iterable[Mapping[str, Any]], row_independent: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the lines that tell a signature, in JSON form.

    Args:
        signature: The signature.
        examples: Golden examples, the first of each method is shown.
        row_independent: The methods whose rows are independent, as a version says them.
    """
    messages = {message["name"]: message for message in signature["messages"]}
    words, rows = Words.of(signature), {one["method"]: one["rows"] for one in row_independent}
    examples = list(examples)
    for method in signature["methods"]:
        doc = str(method.get("doc", "")).strip()
        yield f"{method['name']}" + (f": {doc.splitlines()[0]}" if doc else "")
        for word, side, streams in (("takes", "input", "streams_in"), ("gives", "output", "streams_out")):
            if method.get(streams):
                yield f"  {word} {words.stream(method[side])}"
            yield from _fields(f"  {word}", "", messages[method[side]], messages, words) or [f"  {word} nothing"]
        if method["name"] in rows:
            yield f"  rows are independent (shown by {rows[method['name']]} rows), so calls can be batched"
        example = next((e for e in examples if e["method"] == method["name"]), None)
        if example:
            yield f"  example {_short(example['input'])}"
            yield f"       -> {_short(example['output'])}"


def _fields(
    head: str, path: str, message: Mapping[str, Any], messages: Mapping[str, Mapping[str, Any]], words: Words
) -> list[str]:
    """Return a line for each field, its words below, and the fields of what it holds."""
    lines = []
    for field in message["fields"]:
        name = f"{path}{field['name']}"
        lines.append(f"{head} {name:<{_NAME}} {words.field(field, column=bool(message.get('table')))}")
        indent = " " * (len(head) + _NAME + 2)
        lines += wrap(" ".join(field.get("doc", "").split()), _WIDTH, initial_indent=indent, subsequent_indent=indent)
        kind = field["type"]
        inner = (kind.get("list") or kind.get("map") or kind.get("optional") or kind).get("message")
        if inner in messages and path.count(".") < _DEPTH:  # a stranger's message may hold itself
            lines += _fields(head, f"{name}.", messages[inner], messages, words)
    return lines


def _short(document: object) -> str:
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."
