"""Writing an entry's files: YAML that a reviewer can read, and whose bytes depend on the content alone.

What fits on a line stands on one; a list of numbers stays a list of numbers; the rest is indented. Text is plain only
where no YAML reader could take it for anything else, and else in quotes, as JSON writes it (YAML 1.2 holds JSON).
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from modelport.catalog.document import shown
from modelport.catalog.scalars import find_unreadable
from modelport.errors import FormatError
from modelport.schema import schema_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["device_yaml", "model_yaml", "network_yaml", "variants_yaml", "version_yaml"]

_WIDTH = 120
_NUMBERS_WIDTH = 160  # a row of an image of 28 x 28 pixels stays a line
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./+<>()@=-]|:(?=[A-Za-z0-9])|,? (?=[A-Za-z0-9(]))*")
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./+<>()@=-]| (?=[A-Za-z0-9(]))*")
_OTHER_MEANING = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def version_yaml(document: Mapping[str, Any]) -> str:
    """Return the text of ``versions/<version>.yaml``; its top-level keys stand in the schema's order.

    Raises:
        FormatError: A value has no place in such a file: a number that is not finite, a control character.
    """
    return _yaml(document, "version")


def model_yaml(document: Mapping[str, Any]) -> str:
    """Return the text of a ``model.yaml``, as :func:`version_yaml` does for a version."""
    return _yaml(document, "model")


def variants_yaml(document: Mapping[str, Any]) -> str:
    """Return the text of a ``variants/<version>.yaml``, as :func:`version_yaml` does for a version."""
    return _yaml(document, "variants")


def device_yaml(document: Mapping[str, Any]) -> str:
    """Return the text of a ``devices/<id>.yaml``, as :func:`version_yaml` does for a version."""
    return _yaml(document, "device")


def network_yaml(document: Mapping[str, Any]) -> str:
    """Return the text of a ``networks/<id>.yaml``, as :func:`version_yaml` does for a version."""
    return _yaml(document, "network")


def _yaml(document: Mapping[str, Any], schema: str) -> str:
    order = list(schema_document(schema)["properties"])
    known = {key: document[key] for key in order if key in document}
    ordered = known | {key: value for key, value in document.items() if key not in known}
    return "".join(f"{line}\n" for line in _mapping(ordered, ""))


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        head = f"{indent}{_text(key, _PLAIN_IN_FLOW)}:"
        line = f"{head} {_one_line(item, _PLAIN)}"
        if len(line) <= _WIDTH or not _is_open(item):
            yield line
        elif isinstance(item, dict):
            yield head
            yield from _mapping(item, f"{indent}  ")
        else:
            yield head
            yield from _sequence(item, f"{indent}  ")


def _sequence(value: list[Any], indent: str) -> Iterator[str]:
    if all(isinstance(item, int | float) for item in value):
        yield from _wrapped([_flow(item) for item in value], indent)
        return
    for item in value:
        line = f"{indent}- {_one_line(item, _PLAIN)}"
        if len(line) <= _WIDTH or not _is_open(item):
            yield line
            continue
        inner = list((_mapping if isinstance(item, dict) else _sequence)(item, f"{indent}  "))
        yield f"{indent}- {inner[0].lstrip()}"
        yield from inner[1:]


def _wrapped(items: list[str], indent: str) -> Iterator[str]:
    """Yield a flow list on as many lines as it needs."""
    line = f"{indent}[{items[0]}"
    for item in items[1:]:
        if len(line) + len(item) + 3 > _NUMBERS_WIDTH:
            yield f"{line},"
            line = f"{indent} {item}"
        else:
            line += f", {item}"
    yield f"{line}]"


def _is_open(value: object) -> bool:
    """Return whether *value* can stand on more than one line."""
    return isinstance(value, dict | list) and bool(value)


def _one_line(value: object, plain: re.Pattern[str]) -> str:
    return _text(value, plain) if isinstance(value, str) else _flow(value)


def _flow(value: object) -> str:
    """Return *value* on one line."""
    match value:
        case dict():
            return f"{{{', '.join(f'{_text(k, _PLAIN_IN_FLOW)}: {_flow(v)}' for k, v in value.items())}}}"
        case list():
            return f"[{', '.join(_flow(item) for item in value)}]"
        case str():
            return _text(value, _PLAIN_IN_FLOW)
        case float() if not math.isfinite(value):
            raise FormatError(f"{value} is no number that a file can hold", hint='write it as the text "NaN"')
    return json.dumps(value)


def _text(text: str, plain: re.Pattern[str]) -> str:
    match = find_unreadable(text)
    if match:
        raise FormatError(f"{shown(text)} holds the control character U+{ord(match[0]):04X}", hint="remove it")
    if plain.fullmatch(text) and text.lower() not in _OTHER_MEANING:
        return text
    return json.dumps(text, ensure_ascii=False)
