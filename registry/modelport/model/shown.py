"""A method in one line, with its types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.model.spec import MethodSpec, ModelSpec

__all__ = ["shown_fields", "shown_method"]

_FIELDS = 8  # of a message that are shown


def shown_method(spec: ModelSpec, method: MethodSpec) -> str:
    """Return a method with its types: ``scale(x: float32[n, 3]) -> y: float32[n, 3]``.

    What streams says so: ``count(to: int64) -> a stream of value: int64``.
    """
    taken, given = shown_fields(spec, method.input), shown_fields(spec, method.output) or "nothing"
    return f"{method.name}({_several(taken, method.streams_in)}) -> {_several(given, method.streams_out)}"


def _several(fields: str, there: bool) -> str:  # noqa: FBT001 - what a method says of one of its sides
    return f"a stream of {fields or 'nothing'}" if there else fields


def shown_fields(spec: ModelSpec, message: str) -> str:
    """Return the first fields of *message* with their types."""
    fields = spec.message(message).fields
    shown = [f"{field.name}: {field.type}" for field in fields[:_FIELDS]]
    more = len(fields) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])])
