"""What a graph takes and gives, as messages of a signature: tensors become fields, with names and words for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError
from modelport.model.about import About
from modelport.model.messages import check_identifier
from modelport.model.names import is_identifier
from modelport.model.spec import Field, ListOf, Message, Scalar, TensorOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.model.spec import FieldType

__all__ = ["Port", "check_side", "fed", "field_type", "message_of"]

_DTYPES = {"float": "float32", "double": "float64"} | {
    name: name for name in ("bool", "float16", *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)))
}
"""ONNX Runtime's names of element types, by ours."""

_SCALARS = {"float32": "float", "float64": "double"} | {
    name: name for name in ("bool", "int32", "int64", "uint32", "uint64")
}
"""The scalar that a tensor without dimensions is."""


@dataclass(frozen=True, slots=True)
class Port:
    """How a tensor that a graph takes or gives is told to people.

    Attributes:
        name: The field's name; the tensor's own, when left out.
        doc: What it holds.
        shape: Its dimensions, where the graph leaves them open: a size, a name, or None for any size.
        unit: The unit of its numbers.
        minimum: The least number allowed.
        maximum: The greatest number allowed.
    """

    name: str = ""
    doc: str = ""
    shape: tuple[int | str | None, ...] | None = None
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def about(self) -> About:
        """What its field says besides name and type."""
        return About(self.doc, self.unit, self.minimum, self.maximum)


def message_of(name: str, tensors: Iterable[Any], ports: Mapping[str, Port]) -> tuple[Message, dict[str, str]]:
    """Return the message of a graph's inputs or outputs, and the tensor's name for each field."""
    if unknown := sorted(set(ports) - {one.name for one in tensors}):
        raise FormatError(
            f"the graph has no {unknown[0]!r}", hint=f"it has {', '.join(one.name for one in tensors) or 'none'}"
        )
    made, names = [], {}
    for one in tensors:
        port = ports.get(one.name, Port())
        field = port.name or re.sub(r"^[^A-Za-z]+|[^A-Za-z0-9_]", "_", one.name).strip("_")
        check_identifier(field, f"tensor {one.name!r}, field {field!r}")
        made.append(Field(field, field_type(one, port.shape), port.about))
        names[field] = one.name
    check_identifier(name, f"message {name!r}")
    return Message(name, tuple(made)), names


def field_type(tensor: Any, shape: tuple[int | str | None, ...] | None) -> FieldType:
    """Return the type of a field that is *tensor*, with *shape* where the graph leaves it open."""
    found = re.fullmatch(r"tensor\((\w+)\)", tensor.type)
    element = found[1] if found else ""
    if element != "string" and element not in _DTYPES:
        raise FormatError(
            f"{tensor.name!r} is a {tensor.type}, which has no place in a signature",
            hint="convert the model so that it takes and gives plain tensors; a classifier of scikit-learn's without"
            ' ZipMap: convert_sklearn(..., options={"zipmap": False})',
        )
    dimensions = _dimensions(tensor, shape)
    if element == "string":
        if len(dimensions) > 1:
            raise FormatError(f"{tensor.name!r} is a table of texts, which has no place in a signature")
        return ListOf(Scalar("string")) if dimensions else Scalar("string")
    dtype = _DTYPES[element]
    return Scalar(_SCALARS[dtype]) if not dimensions and dtype in _SCALARS else TensorOf(dtype, dimensions)


def check_side(message: Message, binding: Mapping[str, str], tensors: Iterable[Any], path: str) -> None:
    """Hold what a package says of a message against the tensors of the graph at *path*; FormatError else."""
    named = {one.name: one for one in tensors}
    if [f.name for f in message.fields] != list(binding) or set(binding.values()) != set(named):
        raise FormatError(f"{message.name} is not what {path} has: {', '.join(named)}")
    for field in message.fields:
        shape = field.type.shape if isinstance(field.type, TensorOf) else None
        if field_type(named[binding[field.name]], shape) != field.type:
            raise FormatError(f"{field.name} is not a {field.type} in {path}")


def fed(value: Any, kind: FieldType) -> Any:
    """Return a field's value as the array that a runtime takes."""
    import numpy as np

    match kind:
        case TensorOf(dtype):
            return np.asarray(value, dtype)
        case Scalar(name) if name != "string":
            return np.asarray(value, {"float": "float32", "double": "float64"}.get(name, name))
    return np.asarray(value, dtype=object)


def _dimensions(tensor: Any, shape: tuple[int | str | None, ...] | None) -> tuple[int | str | None, ...]:
    own = list(tensor.shape)
    if shape is None:
        return tuple(d if isinstance(d, int) or (isinstance(d, str) and is_identifier(d)) else None for d in own)
    fits = len(own) == len(shape) and all(o == s or not isinstance(o, int) for o, s in zip(own, shape, strict=True))
    if not fits:
        raise FormatError(f"{tensor.name!r} has the shape {own} in the graph, and cannot have {list(shape)}")
    return tuple(shape)
