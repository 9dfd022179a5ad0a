"""A message's fields as the parameters of a Python function: kinds, annotations, defaults, and words for `help()`."""

from __future__ import annotations

import inspect
import keyword
from typing import TYPE_CHECKING, Any

from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, single
from modelport.model.scalars import FLOATS
from modelport.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.kinds import FieldType, Single
    from modelport.model.spec import Message, MethodSpec, ModelSpec

__all__ = ["annotation_of", "fields_doc", "method_doc", "signature_of"]

_PYTHON: dict[str, type] = {"bool": bool, "string": str, "bytes": bytes}


def annotation_of(kind: FieldType, classes: Mapping[str, Any]) -> Any:
    """Return the annotation of a field; *classes* are those of the signature's messages and enumerations."""
    inner = _single(single(kind), classes)
    match kind:
        case ListOf():
            return list[inner]  # type: ignore[valid-type]  # an annotation that is made
        case MapOf():
            return dict[str, inner]  # type: ignore[valid-type]  # the same
        case OptionalOf():
            return inner | None
        case _:
            return inner


def _single(kind: Single, classes: Mapping[str, Any]) -> Any:
    match kind:
        case Scalar(name):
            return _PYTHON.get(name, float if name in FLOATS else int)
        case EnumRef(name):
            return classes.get(name, str)
        case MessageRef(name):
            return classes[name]
        case _:
            import numpy as np

            return np.ndarray


def signature_of(message: Message, classes: Mapping[str, Any], defaults: Mapping[str, Any]) -> inspect.Signature:
    """Return the signature of a function that takes the fields of *message* and gives the class called ``return``.

    Python wants no parameter without a default after one that has one: from there on they are given by name.
    """
    parameters: list[inspect.Parameter] = []
    optional_seen = False
    for field in message.fields:
        if keyword.iskeyword(field.name):
            continue  # it can be given by ** alone
        default = defaults.get(field.name, inspect.Parameter.empty)
        by_name = optional_seen and default is inspect.Parameter.empty
        by_name = by_name or bool(parameters and parameters[-1].kind is inspect.Parameter.KEYWORD_ONLY)
        kind = inspect.Parameter.KEYWORD_ONLY if by_name else inspect.Parameter.POSITIONAL_OR_KEYWORD
        annotation = annotation_of(field.type, classes)
        parameters.append(inspect.Parameter(field.name, kind, default=default, annotation=annotation))
        optional_seen = optional_seen or default is not inspect.Parameter.empty
    if any(keyword.iskeyword(f.name) for f in message.fields):
        parameters.append(inspect.Parameter("more", inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters, return_annotation=classes["return"])


def method_doc(method: MethodSpec, spec: ModelSpec) -> str:
    """Return the docstring of a method: its own, what it takes, and what it gives."""
    given = spec.message(method.output)
    returns = _fields(given, spec)
    parts = [method.doc.strip() or f"Call {method.name}.", _section("Args", _fields(spec.message(method.input), spec))]
    parts.append(_section("Returns", [f"{given.name}:", *(f"    {line}" for line in returns)] if returns else []))
    return "\n\n".join(part for part in parts if part)


def fields_doc(message: Message, spec: ModelSpec) -> str:
    """Return the docstring of a message's class."""
    parts = [message.doc.strip() or f"The message {message.name}.", _section("Attributes", _fields(message, spec))]
    return "\n\n".join(part for part in parts if part)


def _fields(message: Message, spec: ModelSpec) -> list[str]:
    words = Words.of(spec.to_json())
    lines = []
    for field in message.fields:
        said = " ".join(field.about.doc.split())
        told = words.field(field.to_json(), column=message.table)
        lines.append(f"{field.name}: {told}." + (f" {said}" if said else ""))
    return lines


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"    {line}" for line in lines)]) if lines else ""
