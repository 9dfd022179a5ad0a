"""A method in one line, with its types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.model.spec import MethodSpec, ModelSpec

__all__ = ["shown_fields", "shown_method"]

_FIELDS = 8  # of a message that are shown


def shown_method(spec: ModelSpec, method: MethodSpec) -> str:
    """Return a method with its types: ``scale(x: float32[n, 3]) -> y: float32[n, 3]``."""
    return f"{method.name}({shown_fields(spec, method.input)}) -> {shown_fields(spec, method.output) or 'nothing'}"


def shown_fields(spec: ModelSpec, message: str) -> str:
    """Return the first fields of *message* with their types."""
    fields = spec.message(message).fields
    shown = [f"{field.name}: {field.type}" for field in fields[:_FIELDS]]
    more = len(fields) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])])
