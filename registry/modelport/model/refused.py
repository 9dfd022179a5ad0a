"""What is said of an annotation that is no type of a signature: the reason, and the way out."""

from __future__ import annotations

import collections.abc
import typing
from datetime import date, datetime, time, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any

from modelport.errors import SignatureError
from modelport.model.kinds import FieldType, ListOf, MapOf, OptionalOf
from modelport.model.tensor import Tensor

__all__ = ["STREAMS", "bad_key", "is_either", "nested", "refused", "shown", "taken_out"]

_GENERAL = (
    "use bool, int, float, str, bytes, a NumPy scalar, an Enum, list[T], dict[str, T], T | None, a NamedTuple, a"
    " dataclass, a pydantic model, a Tensor or a Frame"
)
STREAMS: set[Any] = {
    collections.abc.Iterator, collections.abc.Generator, collections.abc.AsyncIterator, collections.abc.AsyncGenerator,
    collections.abc.Iterable, collections.abc.AsyncIterable,
}  # fmt: skip
"""What a stream is annotated with."""

_CONTAINERS = {list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.deque}
_MAPS = {
    dict,
    collections.abc.Mapping,
    collections.abc.MutableMapping,
    collections.OrderedDict,
    collections.defaultdict,
}
_QUALIFIERS: dict[str, Any] = {
    "Final": typing.Final, "ClassVar": typing.ClassVar, "Required": typing.Required, "NotRequired": typing.NotRequired,
}  # fmt: skip
_NAMES = {ListOf: "list", MapOf: "map", OptionalOf: "optional"}
_SAID = {ListOf: "lists", MapOf: "maps", OptionalOf: "optional values"}
_INSIDE = {
    (ListOf, ListOf): "use a Tensor, or put the inner list into a NamedTuple",
    (OptionalOf, ListOf): "use the list alone, which may be empty, or put it into a NamedTuple, which may be optional",
    (OptionalOf, MapOf): "use the map alone, which may be empty, or put it into a NamedTuple, which may be optional",
    (ListOf, OptionalOf): "leave out what is missing, or put the value into a NamedTuple with an optional field",
    (MapOf, OptionalOf): "leave the key out, or put the value into a NamedTuple with an optional field",
}


def refused(kind: Any, where: str) -> SignatureError:
    """Return the error that says why *kind* is no type of a signature."""
    reason, hint = _why(kind, typing.get_origin(kind))
    return SignatureError(f"{where}: {shown(kind)} {reason}", hint=hint)


def nested(holder: type[FieldType], inner: FieldType, where: str) -> SignatureError:
    """Return the error for a list, map or optional value that holds another of these."""
    hint = _INSIDE.get((holder, type(inner)), f"put the inner {_NAMES[type(inner)]} into a NamedTuple")
    what = _SAID[type(inner)]
    if holder is OptionalOf:
        return SignatureError(f"{where}: an optional {what[:-1]} has no protobuf form: absent means empty", hint=hint)
    return SignatureError(f"{where}: a {_NAMES[holder]} of {what} has no protobuf form", hint=hint)


def bad_key(kind: Any, where: str) -> SignatureError:
    """Return the error for a map whose keys are of *kind*."""
    return SignatureError(
        f"{where}: a map's keys are text, not {shown(kind)}", hint="use dict[str, T], or a list of a NamedTuple"
    )


def taken_out(kind: Any) -> str:
    """Return the name of a qualifier such as ``Final`` that stands around a type, or nothing."""
    origin = typing.get_origin(kind) or kind
    return next((name for name, one in _QUALIFIERS.items() if origin is one), "")


def shown(kind: Any) -> str:
    """Return *kind* as one would write it, the same in each version of Python."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is None or kind is NoneType:
        return "None"
    if origin is Annotated:
        return shown(arguments[0])
    if origin in {typing.Union, UnionType}:
        return " | ".join(map(shown, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if arguments and _name(origin) != "ndarray":  # which says its parts differently in each version of NumPy
        inner = ", ".join(
            "..." if a is ... else f"[{', '.join(map(shown, a))}]" if isinstance(a, list) else shown(a)
            for a in arguments
        )
        return f"{_name(origin)}[{inner}]"
    return _name(origin if arguments else kind)


def _name(kind: Any) -> str:
    if isinstance(kind, type):
        return kind.__name__
    return getattr(kind, "__name__", None) or getattr(kind, "_name", None) or str(kind)


def _why(kind: Any, origin: Any) -> tuple[str, str]:
    plain = "is not a type of a signature"
    if origin in {typing.Union, UnionType}:
        return plain, "a field has exactly one type: use one type, or a message with one optional field for each case"
    if kind is Tensor or isinstance(kind, Tensor):
        return plain, 'say dtype and shape in brackets: Tensor["float32", "n", 28, 28]'
    if name := taken_out(kind):
        return plain, f"leave {name} out: a signature says the type alone"
    if is_either(kind, origin, STREAMS):
        return (
            "is a stream inside of a value, and a stream is all that a method takes or gives",
            "use list[T] here, or the stream alone",
        )
    if is_either(kind, origin, _MAPS):
        return plain, "say what is inside: dict[str, T]"
    if origin is tuple:
        return plain, "name its items with a NamedTuple, or use list[T] or a Tensor"
    if is_either(kind, origin, _CONTAINERS):
        return plain, "say what is inside with list[T], a NamedTuple or a Tensor"
    if isinstance(kind, typing.TypeVar | typing.ParamSpec):
        return "is a type variable, and a signature is fixed", "write the one type that callers use"
    if is_either(kind, origin, {collections.abc.Callable}):
        return plain, "a caller can send values only: choose between functions by an Enum"
    return plain, _of_class(kind, origin)


def is_either(kind: Any, origin: Any, kinds: set[Any]) -> bool:
    """Tell whether *kind*, or what it is made from, is one of *kinds*."""
    # What stands in an annotation may be anything, and need not be hashable.
    return any(kind is one or origin is one for one in kinds)


def _of_class(kind: Any, origin: Any) -> str:
    name = _name(kind)
    if name == "ndarray" or (origin is not None and "ndarray" in str(origin)):
        return 'say dtype and shape: Annotated[np.ndarray, Tensor("float32", "n", 28, 28)]'
    if name in {"DataFrame", "Series"}:
        return "say the columns: Annotated[pd.DataFrame, Frame(sepal_length=float, species=str)]"
    if isinstance(kind, type) and issubclass(kind, date | datetime | time | timedelta):
        return "use text (ISO 8601), or seconds as a float with About(unit='s')"
    if kind is complex:
        return "use a NamedTuple of two floats, or a Tensor with a dimension of 2"
    if typing.is_typeddict(kind):
        return "write the same fields as a NamedTuple or a dataclass, or use dict[str, T]"
    if getattr(kind, "_is_protocol", False):
        return "a protocol has no values of its own: name a NamedTuple, a dataclass or a pydantic model"
    if origin is not None and hasattr(origin, "__parameters__"):
        return "a message is no generic class: write it out for the one type that callers use"
    if kind is Any or kind is object:
        return f"name the one type that callers use: {_GENERAL.removeprefix('use ')}"
    return _GENERAL
