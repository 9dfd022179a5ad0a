"""The Python side of a signature that is only known by its descriptors: a class for each message and enumeration.

A message is a named tuple with its fields' defaults and documentation; one that Python cannot say so (a field called
``class``) has its fields as attributes, too, but is no tuple. A member of an enumeration is text that is equal to its
name: ``answer.colour == "red"`` and ``answer.colour is Colour.red``.
"""

from __future__ import annotations

import keyword
from collections import namedtuple
from enum import Enum, StrEnum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from modelport.client.parameters import annotation_of, fields_doc
from modelport.model import Codec
from modelport.model.kinds import OptionalOf
from modelport.model.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import Enumeration, Message, ModelSpec

__all__ = ["client_codec", "defaults_of"]


def client_codec(spec: ModelSpec) -> Codec:
    """Return the codec of *spec* with classes made for it; those of messages have annotations and defaults."""
    enums = {one.name: made for one in spec.enums if (made := _choice(one)) is not None}
    records = {m.name: Record.of_class(_class_of(m, spec)) for m in spec.messages}
    codec = Codec(spec, records, enums)
    classes: dict[str, type] = {**codec.types, **enums}
    for message in spec.messages:
        kind: Any = codec.types[message.name]
        kind.__annotations__ = {f.name: annotation_of(f.type, classes) for f in message.fields}
        defaults = defaults_of(message, codec)
        if issubclass(kind, tuple):
            kind._field_defaults = defaults
            kind.__new__.__defaults__ = _trailing(message, defaults)
    return codec


def defaults_of(message: Message, codec: Codec) -> dict[str, Any]:
    """Return the native value of each field of *message* that may be left out, when it is."""
    found: dict[str, Any] = {}
    for field in message.fields:
        if field.has_default:
            found[field.name] = codec.native(field.default, field)
        elif isinstance(field.type, OptionalOf):
            found[field.name] = None
    return found


def _class_of(message: Message, spec: ModelSpec) -> type:
    names = [f.name for f in message.fields]
    doc = fields_doc(message, spec)
    if any(keyword.iskeyword(n) for n in (message.name, *names)):
        return type(message.name, (SimpleNamespace,), {"__doc__": doc})
    bare = namedtuple(message.name, names)  # type: ignore[misc]  # noqa: PYI024 - its fields are known only now
    bare.__doc__ = doc
    return bare


def _trailing(message: Message, defaults: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the defaults of the last fields, which are all that a tuple's constructor can have."""
    found: list[Any] = []
    for field in reversed(message.fields):
        if field.name not in defaults:
            break
        found.insert(0, defaults[field.name])
    return tuple(found)


def _choice(enum: Enumeration) -> type[Enum] | None:
    """Return the class of an enumeration; None where its members' names cannot be a class's (``mro``)."""
    names = [name for name, _ in enum.members]
    try:
        made = StrEnum(enum.name, [(name, name) for name in names])  # type: ignore[misc]  # its members are known only now
    except (TypeError, ValueError):
        return None
    return made if all(isinstance(made[n], made) and made[n].name == n for n in names) else None
