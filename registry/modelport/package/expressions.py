"""Plain values and types as Python expressions."""

from __future__ import annotations

import math
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any

from modelport.errors import PackError
from modelport.model.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NotSpelledError", "spell"]


class NotSpelledError(PackError):
    """A value has no expression."""


def spell(value: Any, *, refer: Callable[[Any, str], str], keep: Callable[[object], str | None]) -> str:
    """Return an expression that gives *value* back.

    Args:
        value: Plain data, a type of a signature, or a container of these.
        refer: Gives a name for a class, importing or defining it.
        keep: Gives an expression for a trained object, or None.

    Raises:
        NotSpelledError: *value* is something else.
    """

    def inner(part: Any) -> str:
        return spell(part, refer=refer, keep=keep)

    if value is None or value is Ellipsis or type(value) in {bool, int, str, bytes}:
        return repr(value)
    if type(value) in {float, complex}:
        return _number(value)
    if type(value) in {list, tuple, set, frozenset, dict}:
        return _container(value, inner)
    if isinstance(value, type) and not typing.get_args(value):
        return refer(value, value.__name__)
    if isinstance(value, Tensor):
        return f"{refer(Tensor, 'Tensor')}({', '.join(map(repr, (value.type.dtype, *value.type.shape)))})"
    if typing.get_origin(value) is not None:
        return _generic(value, inner, refer)
    kept = keep(value)
    if kept is None:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise NotSpelledError(f"a {kind} cannot be packed without pickle")
    return kept


def _number(value: complex) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _container(value: Any, inner: Callable[[Any], str]) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inner(k)}: {inner(v)}" for k, v in value.items()) + "}"
    if isinstance(value, set | frozenset):
        items = ", ".join(sorted(inner(v) for v in value))  # a set has no order of its own
        made = "{" + items + "}" if items else "set()"
        return f"frozenset({made})" if isinstance(value, frozenset) else made
    items = ", ".join(inner(v) for v in value)
    if isinstance(value, tuple):
        return f"({items},)" if len(value) == 1 else f"({items})"
    return f"[{items}]"


def _generic(value: Any, inner: Callable[[Any], str], refer: Callable[[Any, str], str]) -> str:
    source, arguments = typing.get_origin(value), typing.get_args(value)
    if source is Annotated:
        first = inner(arguments[0]) if arguments[0] is not Any else refer(Any, "Any")
        return f"{refer(Annotated, 'Annotated')}[{first}, {', '.join(map(inner, arguments[1:]))}]"
    if source in {typing.Union, types.UnionType}:
        return " | ".join(map(inner, arguments))
    if isinstance(source, type):
        return f"{refer(source, source.__name__)}[{', '.join(map(inner, arguments))}]"
    raise NotSpelledError(f"the type {value} cannot be spelled out")
