"""Which names a signature may hold: every name becomes a protobuf name, most become a JSON or a URL name, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["is_identifier", "is_reserved", "map_entry", "same_but_for_case"]

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_OWN = re.compile(r"Tensor(Bool|U?Int(8|16|32|64)|Float(16|32|64))|Model")
_PROTOBUF = frozenset({
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
    "sfixed64", "bool", "string", "bytes", "message", "enum", "group", "oneof", "option", "optional", "required",
    "repeated", "reserved", "extend", "extensions", "stream",
})  # fmt: skip


def is_identifier(name: str) -> bool:
    """Tell whether *name* may name a method, a message, a field or a dimension."""
    return _IDENTIFIER.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    """Tell whether *name* cannot name a message: it is ours, or where a type is due protobuf's grammar reads a word."""
    return name in _PROTOBUF or _OWN.fullmatch(name) is not None


def same_but_for_case(names: Iterable[str]) -> tuple[str, str] | None:
    """Return two of *names* that are equal without ``_`` and case, if there are any.

    protoc refuses two fields of one message whose names in protobuf JSON (lowerCamelCase) are the same.
    """
    seen: dict[str, str] = {}
    for name in names:
        bare = name.replace("_", "").lower()
        if bare in seen:
            return seen[bare], name
        seen[bare] = name
    return None


def map_entry(name: str) -> str:
    """Return the name that protoc gives the message of the entries of the map field *name*."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"
