"""What is wrong with a signature's defaults: not JSON, too big, or not of their fields' types.

A default of a message may lean on the defaults inside it, and those on others: a few lines could ask for more messages
than any machine holds. So it is counted what all defaults make, before any is made.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelport.model.kinds import ListOf, MapOf, MessageRef, OptionalOf, single

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.kinds import FieldType
    from modelport.model.spec import Message, ModelSpec

__all__ = ["default_problems"]

_LONGEST = 2**16  # characters of JSON
_MOST = 10_000  # messages that all defaults make


class _TooManyError(Exception):
    """The defaults ask for more messages than anybody means."""


def default_problems(spec: ModelSpec) -> list[str]:
    """Return what is wrong with the defaults of *spec*, whose names, references and nesting are right."""
    from modelport.model.codec import Codec

    given = [(m, f) for m in spec.messages for f in m.fields if f.has_default]
    if not given:
        return []
    problems = [(f"{m.name}.{f.name}: the default {said}") for m, f in given if (said := _no_json(f.default))]
    if problems:
        return problems
    messages, left = {m.name: m for m in spec.messages}, [_MOST]
    try:
        for _, one in given:
            _count(one.default, one.type, messages, left)
    except _TooManyError:
        return [f"the defaults make more than {_MOST} messages"]
    codec = Codec.bare(spec)
    return [f"{m.name}.{f.name}: {said}" for m, f in given for said in codec.misfits(f.default, f, "the default")]


def _no_json(value: Any) -> str:
    """Return why *value* is no JSON of a decent size, or nothing."""
    try:
        text = json.dumps(value, allow_nan=False)
    except RecursionError:
        return "is nested too deeply"
    except (TypeError, ValueError):
        return "is not JSON"
    return f"is longer than {_LONGEST} characters" if len(text) > _LONGEST else ""


def _count(value: Any, kind: FieldType, messages: Mapping[str, Message], left: list[int]) -> None:
    """Take the messages that reading *value* makes from what is *left*; what does not fit makes none."""
    inner = single(kind)
    if not isinstance(inner, MessageRef):
        return
    match kind, value:
        case ListOf(), list():
            parts = value
        case MapOf(), dict():
            parts = list(value.values())
        case ((MessageRef() | OptionalOf()), _):
            parts = [value]
        case _:
            return
    for part in parts:
        if not isinstance(part, dict):
            continue
        left[0] -= 1
        if left[0] < 0:
            raise _TooManyError
        for field in messages[inner.name].fields:
            _count(part.get(field.name, field.default), field.type, messages, left)
