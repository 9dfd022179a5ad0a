"""Defaults as Python has them -> defaults in JSON form, as a signature says them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, SignatureError
from modelport.model.codec import Codec
from modelport.model.kinds import ListOf, MapOf, OptionalOf
from modelport.model.records import Record
from modelport.model.spec import NO_DEFAULT, Field, Message, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import Enum

__all__ = ["Default", "Made", "default_of", "with_defaults"]

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Made:
    """What a default's factory made, and what it made the next time."""

    value: Any
    again: Any


@dataclass(frozen=True, slots=True)
class Default:
    """The default of a field, as Python has it."""

    message: str
    field: Field
    value: Any
    again: Any
    where: str


def default_of(value: Any, message: str, field: Field, where: str) -> Default | None:
    """Return the default *value* of a field, or None where it has none that a signature says.

    Raises:
        SignatureError: It is one that protobuf cannot tell from an absent field.
    """
    if isinstance(value, Made):
        value, again = value.value, value.again
    else:
        again = value
    if value is NO_DEFAULT or (isinstance(field.type, OptionalOf) and value is None):
        return None
    if isinstance(field.type, OptionalOf):
        raise SignatureError(
            f"{where}: is optional, and its default is {_brief(value)}: an absent field means None in protobuf",
            hint=f"use the default None, or leave None out of the type: {field.type.item} with that default",
        )
    if isinstance(field.type, ListOf | MapOf) and (not isinstance(value, list | tuple | dict) or len(value)):
        empty = "[]" if isinstance(field.type, ListOf) else "{}"
        raise SignatureError(
            f"{where}: is a {field.type}, and its default is {_brief(value)}: an absent one is empty in protobuf",
            hint=f"use the default {empty} and fill it in the function",
        )
    if value is None:
        raise SignatureError(
            f"{where}: the default None is no {field.type}", hint="say that it is optional: T | None = None"
        )
    return Default(message, field, value, again, where)


def with_defaults(
    spec: ModelSpec, records: Mapping[str, Record], enums: Mapping[str, type[Enum]], given: Iterable[Default]
) -> ModelSpec:
    """Return *spec* with the defaults in *given*.

    Raises:
        SignatureError: One does not fit its field.
    """
    given = list(given)
    if not given:
        return spec
    # Each goes through a message of its own, so that the codec alone knows what a value looks like.
    names = [f"{one.message}.{one.field.name}" for one in given]  # no message is called so
    holding = replace(
        spec, messages=(*spec.messages, *(Message(n, (one.field,)) for n, one in zip(names, given, strict=True)))
    )
    held = dict.fromkeys(names, Record(SimpleNamespace, SimpleNamespace))
    codec = Codec(holding.with_proto_package(), {**records, **held}, enums)
    found = {(one.message, one.field.name): _in_json(one, n, codec) for n, one in zip(names, given, strict=True)}
    messages = (
        replace(m, fields=tuple(replace(f, default=found.get((m.name, f.name), NO_DEFAULT)) for f in m.fields))
        for m in spec.messages
    )
    return replace(spec, messages=tuple(messages))


def _in_json(one: Default, name: str, codec: Codec) -> Any:
    try:
        document, again = (
            codec.to_json(SimpleNamespace(**{one.field.name: value}), name) for value in (one.value, one.again)
        )
        codec.from_json(document, name)  # its range, too
    except CallError as error:
        said = error.problems[0].removeprefix(one.field.name).removeprefix(": ")
        raise SignatureError(
            f"{one.where}: the default {_brief(one.value)} does not fit: {said}",
            hint="give a default of the annotated type and within its range, or none",
        ) from error
    if document != again:
        raise SignatureError(
            f"{one.where}: its default differs each time it is made, {_brief(one.value)} and {_brief(one.again)}",
            hint="a signature says one default: make the field optional (T | None = None) and fill it in the function",
        )
    return document[one.field.name]


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
