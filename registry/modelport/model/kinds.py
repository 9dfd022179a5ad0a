"""The types that a field of a signature may have.

=================================================================  ===================================================
JSON form                                                          meaning
=================================================================  ===================================================
``{"scalar": "double"}``                                           one value: see ``SCALARS``
``{"enum": "Colour"}``                                             a member of an enumeration of the same signature
``{"message": "Input"}``                                           another message of the same signature
``{"tensor": {"dtype": "float32", "shape": ["n", 28, 28]}}``       an array; a dimension is a size, a name that stands
                                                                   for one size in the whole call, or null for any size
``{"list": TYPE}``                                                 zero or more of TYPE, one of the four above
``{"map": TYPE}``                                                  values of TYPE, one of the four, by text keys
``{"optional": TYPE}``                                             TYPE, one of the four, or nothing
=================================================================  ===================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "CARRIERS", "DTYPES", "SCALARS", "EnumRef", "FieldType", "ListOf", "MapOf", "MessageRef", "OptionalOf", "Scalar",
    "Single", "TensorOf", "single", "type_from_json",
]  # fmt: skip

SCALARS = (
    "double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes",
    "int8", "int16", "uint8", "uint16", "float16",
)  # fmt: skip
"""The scalars that a field may have: protobuf's, and the smaller ones of NumPy."""

CARRIERS = {name: name for name in SCALARS} | {
    "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32", "float16": "float",
}  # fmt: skip
"""The protobuf scalar that carries each of ``SCALARS``."""

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
)  # fmt: skip
"""The element types a tensor may have, by NumPy's names."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A protobuf scalar."""

    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"scalar": self.name}

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class EnumRef:
    """A member of an enumeration of the same signature, by the enumeration's name."""

    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"enum": self.name}

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message of the same signature, by its name."""

    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"message": self.name}

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class TensorOf:
    """An array in row-major order: its dtype and its dimensions (a size, a name, or None for any size)."""

    dtype: str
    shape: tuple[int | str | None, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"tensor": {"dtype": self.dtype, "shape": list(self.shape)}}

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('?' if d is None else str(d) for d in self.shape)}]"


Single: TypeAlias = Scalar | EnumRef | MessageRef | TensorOf
"""What a list, a map or an optional field may hold."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """Zero or more values of one type."""

    item: Single

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"list": self.item.to_json()}

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True, slots=True)
class MapOf:
    """Values of one type by text keys."""

    item: Single

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"map": self.item.to_json()}

    def __str__(self) -> str:
        return f"map of {self.item}"


@dataclass(frozen=True, slots=True)
class OptionalOf:
    """One value, or nothing: null or an absent field in JSON, an absent field in protobuf, None in Python."""

    item: Single

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"optional": self.item.to_json()}

    def __str__(self) -> str:
        return f"optional {self.item}"


FieldType: TypeAlias = Single | ListOf | MapOf | OptionalOf


def single(kind: FieldType) -> Single:
    """Return the type of one value: what a list, a map or an optional field holds, or *kind* itself."""
    return kind.item if isinstance(kind, ListOf | MapOf | OptionalOf) else kind


def type_from_json(document: dict[str, Any]) -> FieldType:
    """Read a type that the schema has already accepted."""
    ((kind, value),) = document.items()
    match kind:
        case "list":
            return ListOf(_single_from_json(value))
        case "map":
            return MapOf(_single_from_json(value))
        case "optional":
            return OptionalOf(_single_from_json(value))
        case _:
            return _single_from_json(document)


def _single_from_json(document: dict[str, Any]) -> Single:
    ((kind, value),) = document.items()
    match kind:
        case "scalar":
            return Scalar(value)
        case "enum":
            return EnumRef(value)
        case "message":
            return MessageRef(value)
        case "tensor":
            # A JSON Schema takes 28.0 for an integer.
            return TensorOf(value["dtype"], tuple(int(d) if isinstance(d, float) else d for d in value["shape"]))
        case _:
            raise ValueError(f"{kind} cannot lie in a list, a map or an optional field")
