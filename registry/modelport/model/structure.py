"""What is wrong with a signature besides the form of its parts: names, references, nesting, defaults and size."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from modelport.model.default_problems import default_problems
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.names import is_reserved, map_entry, same_but_for_case
from modelport.model.scalars import FLOATS, INTEGER_RANGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model.spec import Enumeration, Field, Message, ModelSpec

__all__ = ["problems_of"]

_MOST_METHODS, _MOST_MESSAGES, _MOST_FIELDS = 256, 1024, 4096  # as in the schema
_DEEPEST = 64  # protobuf's parsers stop at 100
_INT32 = range(-(2**31), 2**31)
_WORDS = {"option", "reserved"}  # protobuf's grammar reads a statement where one begins a member's line
_T = TypeVar("_T", str, int)


def problems_of(spec: ModelSpec) -> list[str]:
    """Return what is wrong with *spec* besides the form of its parts."""
    messages = {m.name: m for m in spec.messages}
    types = [m.name for m in spec.messages] + [e.name for e in spec.enums]
    methods = [m.name for m in spec.methods]
    problems = [f"message or enumeration {n!r} is there twice" for n in _twice(types)]
    problems += [f"method {n!r} is there twice" for n in _twice(methods)]
    problems += [f"the name {n!r} is reserved" for n in types if is_reserved(n)]
    problems += [problem for message in spec.messages for problem in _message_problems(message)]
    problems += [problem for enum in spec.enums for problem in _enum_problems(enum)]
    used = {name for m in spec.methods for name in (m.input, m.output)}
    used |= {ref for m in spec.messages for ref in _references(m, MessageRef)}
    problems += [f"message {n!r} is missing" for n in sorted(used - set(messages))]
    chosen = {ref for m in spec.messages for ref in _references(m, EnumRef)}
    problems += [f"enumeration {n!r} is missing" for n in sorted(chosen - {e.name for e in spec.enums})]
    if len(types) > _MOST_MESSAGES or len(methods) > _MOST_METHODS:
        problems.append(f"more than {_MOST_MESSAGES} messages or {_MOST_METHODS} methods")
    return problems or _nesting_problems(messages) or default_problems(spec)


def _message_problems(message: Message) -> list[str]:
    problems = []
    if clash := same_but_for_case(f.name for f in message.fields):
        problems.append(f"{message.name}: fields {clash[0]!r} and {clash[1]!r} differ only in '_' or case")
    if len(message.fields) > _MOST_FIELDS:
        problems.append(f"{message.name} has {len(message.fields)} fields; at most {_MOST_FIELDS}: use a tensor")
    for one in message.fields:
        problems += [f"{message.name}.{one.name}: {problem}" for problem in _field_problems(one, message)]
    return problems


def _field_problems(field: Field, message: Message) -> list[str]:
    problems = []
    kind, inner = field.type, single(field.type)
    if message.table and not (isinstance(kind, ListOf) and isinstance(inner, Scalar | EnumRef)):
        problems.append("a column of a table is a list of single values")
    if isinstance(kind, MapOf) and (entry := map_entry(field.name)) in {f.name for f in message.fields}:
        problems.append(f"protobuf needs the name {entry!r} for this map, and a field has it")
    if field.has_default and (
        isinstance(kind, OptionalOf)
        or (isinstance(kind, ListOf) and field.default != [])
        or (isinstance(kind, MapOf) and field.default != {})
    ):
        # An absent list, map or optional field is one already in protobuf.
        problems.append(f"{kind} cannot have a default: absent means none")
    name = inner.dtype if isinstance(inner, TensorOf) else inner.name if isinstance(inner, Scalar) else ""
    numeric = name in INTEGER_RANGES or name in FLOATS
    if not numeric and (field.about.minimum is not None or field.about.maximum is not None):
        problems.append(f"{kind} has no numbers, and a range is given")
    if field.about.media_types and inner not in {Scalar("bytes"), Scalar("string")}:
        problems.append(f"{kind} is neither bytes nor text, and a media type is given")
    return problems


def _enum_problems(enum: Enumeration) -> list[str]:
    problems = [f"{enum.name}: member {n!r} is there twice" for n in _twice([name for name, _ in enum.members])]
    numbers = [number for _, number in enum.members]
    problems += [f"{enum.name}: two members have the number {n}" for n in _twice(numbers)]
    problems += [f"{enum.name}: the name {n!r} is reserved" for n, _ in enum.members if n in _WORDS]
    problems += [f"{enum.name}: {n} is no number of 32 bits" for n in numbers if n not in _INT32]
    if clash := same_but_for_case(name for name, _ in enum.members):
        problems.append(f"{enum.name}: members {clash[0]!r} and {clash[1]!r} differ only in '_' or case")
    return problems if enum.members else [f"{enum.name} has no members"]


def _references(message: Message, kind: type[MessageRef | EnumRef]) -> set[str]:
    inner = (single(f.type) for f in message.fields)
    return {one.name for one in inner if isinstance(one, kind)}


def _twice(found: list[_T]) -> list[_T]:
    return sorted(one for one, times in Counter(found).items() if times > 1)


def _nesting_problems(messages: Mapping[str, Message]) -> list[str]:
    left = {name: _references(message, MessageRef) for name, message in messages.items()}
    for _ in range(_DEEPEST):
        left = {name: refs & left.keys() for name, refs in left.items() if refs & left.keys()}
    if not left:
        return []
    return [f"messages that hold themselves, or are nested more than {_DEEPEST} deep: {', '.join(sorted(left))}"]
