"""A message's plain form (see `native`) -> JSON, as the signature says; `json_form` is the way back."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.model.arrays import array_to_json
from modelport.model.kinds import EnumRef, ListOf, MapOf, MessageRef, OptionalOf, Scalar, TensorOf, single
from modelport.model.scalars import FLOATS, scalar_to_json

if TYPE_CHECKING:
    from modelport.model.kinds import FieldType, Single
    from modelport.model.spec import ModelSpec

__all__ = ["JsonWriters", "Writer"]

Writer: TypeAlias = Callable[[Any], Any]
"""Turns a plain value into its JSON form."""


class JsonWriters:
    """Makes the functions that write plain forms as JSON."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._made: dict[str, Writer] = {}

    def message(self, name: str) -> Writer:
        """Return the function that writes the message *name*."""
        if name not in self._made:
            fields = [(f.name, self.field(f.type)) for f in self._spec.message(name).fields]
            self._made[name] = lambda plain: {field: write(plain[field]) for field, write in fields}
        return self._made[name]

    def field(self, kind: FieldType) -> Writer:
        """Return the function that writes a value of the type *kind*."""
        write = self._single(single(kind))
        match kind:
            case ListOf(Scalar("double")):
                return lambda values: values if math.isfinite(sum(values)) else [write(v) for v in values]
            case ListOf():
                return _same if write is _same else lambda values: [write(v) for v in values]
            case MapOf():
                return lambda values: {key: write(value) for key, value in values.items()}
            case OptionalOf():
                return lambda value: None if value is None else write(value)
            case _:
                return write

    def _single(self, kind: Single) -> Writer:
        match kind:
            case Scalar(name):
                return partial(_write_scalar, name) if name in FLOATS or name == "bytes" else _same
            case EnumRef():
                return _same  # a plain member is its name
            case MessageRef(name):
                return self.message(name)
            case TensorOf():
                return array_to_json


def _write_scalar(name: str, value: Any) -> Any:
    return scalar_to_json(value, name)


def _same(value: Any) -> Any:
    return value
