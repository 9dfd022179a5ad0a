"""Enum classes and ``Literal["a", "b"]`` -> the enumerations of a signature."""

from __future__ import annotations

import enum
from typing import Any

from modelport.errors import SignatureError
from modelport.model.names import is_identifier, is_reserved, same_but_for_case
from modelport.model.spec import Enumeration

__all__ = ["is_choice", "of_enum", "of_literal"]

_INT32 = range(-(2**31), 2**31)


def is_choice(kind: object) -> bool:
    """Tell whether *kind* is a class of members to choose one from."""
    return isinstance(kind, enum.EnumType)


def of_enum(kind: type[enum.Enum], where: str) -> Enumeration:
    """Return the enumeration of an Enum class.

    Values that are distinct integers of 32 bits are its numbers; otherwise its members are counted from 0.

    Raises:
        SignatureError: It has no members, a name of one is no identifier, or its members are flags.
    """
    if issubclass(kind, enum.Flag):
        raise SignatureError(
            f"{where}: {kind.__name__} is an enumeration of flags, whose values are combined",
            hint="use int, or a list of an Enum's members",
        )
    values = [member.value for member in kind]
    # A member's number may be True in a class of ints.
    numbered = all(isinstance(v, int) and not isinstance(v, bool) and v in _INT32 for v in values)
    members = tuple((m.name, int(m.value) if numbered else place) for place, m in enumerate(kind))
    doc = vars(kind).get("__doc__") or ""
    return _checked(Enumeration(kind.__name__, members, "" if doc == "An enumeration." else _clean(doc)), where)


def of_literal(texts: tuple[Any, ...], name: str, where: str) -> Enumeration:
    """Return the enumeration *name* of the texts in a ``Literal``; their values in Python are the texts themselves.

    Raises:
        SignatureError: One is no text, or no identifier.
    """
    shown = f"Literal[{', '.join(map(repr, texts))}]"
    if odd := [one for one in texts if not isinstance(one, str) or not is_identifier(one)]:
        raise SignatureError(
            f"{where}: {shown} has {odd[0]!r}, which is no name",
            hint="use texts of letters, digits and '_', an Enum, whose members have names, or int with a range",
        )
    return _checked(Enumeration(name, tuple((text, place) for place, text in enumerate(dict.fromkeys(texts)))), where)


def _checked(made: Enumeration, where: str) -> Enumeration:
    if not is_identifier(made.name) or is_reserved(made.name):
        why = "is reserved" if is_identifier(made.name) else "is no name"
        raise SignatureError(f"{where}: the enumeration's name {made.name!r} {why}", hint="give it another name")
    if not made.members:
        raise SignatureError(f"{where}: {made.name} has no members", hint="give it at least one, such as RED = 1")
    names = [name for name, _ in made.members]
    if odd := [name for name in names if not is_identifier(name)]:
        raise SignatureError(
            f"{where}: {made.name} has a member {odd[0]!r}, and a name starts with a letter and goes on with letters,"
            " digits and '_' (at most 128)",
            hint="rename it: the name stands in JSON and in protobuf",
        )
    if clash := same_but_for_case(names):
        raise SignatureError(
            f"{where}: {made.name} has members {clash[0]!r} and {clash[1]!r}, which differ only in '_' or case",
            hint="rename one",
        )
    return made


def _clean(doc: str) -> str:
    import inspect

    return inspect.cleandoc(doc)
