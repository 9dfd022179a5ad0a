"""Examples against the signature: the method is there; its messages' fields are given, all that are needed, no others.

Whether the values fit the fields' types is for a check that knows the model room.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.catalog.document import Document, Path
    from modelport.catalog.problem import Problem

__all__ = ["check_examples"]


def check_examples(version: Document) -> Iterator[Problem]:
    """Yield the examples' misfits with the signature of the same version."""
    signature = version.value.get("signature")
    if signature is None:
        return
    methods = {method["name"]: method for method in signature["methods"]}
    fields = {m["name"]: {field["name"]: field for field in m["fields"]} for m in signature["messages"]}
    for place, example in enumerate(version.value.get("examples", ())):
        method = methods.get(example["method"])
        if method is None:
            message = f"{shown(example['method'])} is not a method of the signature"
            hint = _did_you_mean(example["method"], methods)
            yield version.problem(("examples", place, "method"), message, hint=hint, rule="example-method")
            continue
        for side, streams in (("input", "streams_in"), ("output", "streams_out")):
            path = "examples", place, side
            check = _check_stream if method.get(streams) else _check_message
            yield from check(version, path, example[side], method[side], fields)


def _check_stream(
    version: Document, path: Path, value: Mapping[str, Any], name: str, fields: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield the misfits of a stream's messages, which stand under one key."""
    messages = value.get("stream")
    if list(value) != ["stream"] or not isinstance(messages, list):
        said = f'is a stream of {name}: it is {{"stream": [...]}} and nothing else'
        yield version.problem(path, said, rule="example-fields")
        return
    for place, message in enumerate(messages):
        yield from _check_message(version, (*path, "stream", place), message, name, fields)


def _check_message(
    version: Document, path: Path, value: object, name: str, fields: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    known = fields.get(name)
    if known is None or not isinstance(value, dict):
        return
    for key in value.keys() - known.keys():
        message, hint = f"is not a field of {name}", _did_you_mean(key, known)
        yield version.problem((*path, key), message, hint=hint, rule="example-fields")
    for key in known.keys() - value.keys():
        if "default" in known[key] or "optional" in known[key]["type"]:
            continue
        yield version.problem((*path, key), f"is missing: it is a field of {name}", rule="example-fields")
    for key in known.keys() & value.keys():
        yield from _check_value(version, (*path, key), value[key], known[key]["type"], fields)


def _check_value(
    version: Document, path: Path, value: object, kind: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    match kind, value:
        case (({"message": name} | {"optional": {"message": name}}), _):
            yield from _check_message(version, path, value, name, fields)
        case {"list": {"message": name}}, list():
            for place, item in enumerate(value):
                yield from _check_message(version, (*path, place), item, name, fields)
        case {"map": {"message": name}}, dict():
            for key, item in value.items():
                yield from _check_message(version, (*path, key), item, name, fields)


def _did_you_mean(word: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(word[:64], known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known) or 'none'}"
