"""Python types -> the types and messages of a signature: the table in `modelport.model.infer`."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import types
import typing
from collections import namedtuple
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from modelport.errors import SignatureError
from modelport.model.names import is_identifier, is_reserved, same_but_for_case
from modelport.model.spec import Field, FieldType, ListOf, Message, MessageRef, Scalar
from modelport.model.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["EMPTY", "Messages", "bare", "check_identifier", "is_message", "type_hints"]

EMPTY = "Empty"
_SCALARS: dict[type, str] = {bool: "bool", int: "int64", float: "double", str: "string", bytes: "bytes"}
_NUMPY_SCALARS = {
    "bool": "bool", "bool_": "bool", "int32": "int32", "int64": "int64", "uint32": "uint32", "uint64": "uint64",
    "float32": "float", "float64": "double",
}  # fmt: skip


@dataclass(slots=True)
class Messages:
    """Collects the messages of a signature, by name, with the Python class that each came from."""

    messages: dict[str, Message] = field(default_factory=dict)
    types: dict[str, type] = field(default_factory=dict)
    _open: list[type] = field(default_factory=list)  # those whose fields are being read
    _generated: list[type] = field(default_factory=list)  # those made here

    def add_generated(self, name: str, fields: Mapping[str, Any], where: str, *, place: str = "") -> str:
        """Add the message made for plain parameters or a plain result; return its name.

        Args:
            name: The message's name.
            fields: Its fields' annotations.
            where: What an error message begins with.
            place: What follows there for one field, with ``{}`` for its name.
        """
        if name == EMPTY and name in self.messages and not self.messages[name].fields:
            return name
        _check_fields(fields, where, place)
        made = namedtuple(name, fields)  # type: ignore[misc]  # noqa: PYI024 - its fields are known only now
        self._generated.append(made)
        return self._register(made, fields, "", where, place)

    def add_class(self, kind: type, where: str) -> str:
        """Add the message that a NamedTuple or a dataclass stands for, and those in its fields; return its name."""
        if kind in self._open:
            raise SignatureError(f"{where}: {kind.__name__} holds itself", hint="a message cannot be recursive")
        hints = type_hints(kind, f"{where}: {kind.__name__}")
        names = _field_names(kind)
        if untyped := [n for n in names if n not in hints]:
            raise SignatureError(
                f"{where}: {kind.__name__} has no type for {', '.join(untyped)}",
                hint="use typing.NamedTuple or a dataclass, which give each field a type",
            )
        _check_constructor(kind, names, where)
        self._open.append(kind)
        name = self._register(kind, {n: hints[n] for n in names}, _doc(kind), where, ", field {!r}")
        self._open.pop()
        return name

    def _register(self, kind: type, fields: Mapping[str, Any], doc: str, where: str, place: str) -> str:
        name = kind.__name__
        check_identifier(name, f"{where}: message {name!r}")
        if is_reserved(name):
            raise SignatureError(f"{where}: the name {name!r} is reserved", hint="give the message another name")
        if name in self.types:
            if self.types[name] is kind:
                return name
            if fields or self.types[name] not in self._generated or self.messages[name].fields:
                raise SignatureError(f"{where}: two different types are called {name!r}", hint="rename one of them")
        _check_fields(fields, where, place)
        made = tuple(Field(n, self._field_type(t, where + place.format(n))) for n, t in fields.items())
        self.messages[name] = Message(name, made, doc)
        self.types[name] = kind
        return name

    def _field_type(self, annotation: Any, where: str) -> FieldType:
        kind = bare(annotation)
        if isinstance(kind, type) and kind in _SCALARS:
            return Scalar(_SCALARS[kind])
        if isinstance(kind, type) and kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS:
            return Scalar(_NUMPY_SCALARS[kind.__name__])
        if is_message(kind):
            return MessageRef(self.add_class(kind, where))
        if tensors := _tensors(kind):
            return tensors[0].type
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in {list, collections.abc.Sequence} and len(arguments) == 1:
            item = self._field_type(arguments[0], where)
            if isinstance(item, ListOf):
                raise SignatureError(
                    f"{where}: a list of lists has no protobuf form",
                    hint="use a Tensor, or put the inner list into a NamedTuple",
                )
            return ListOf(item)
        raise SignatureError(f"{where}: {_shown(kind)} is not a type of a signature", hint=_way_out(kind, origin))


def is_message(kind: object) -> bool:
    """Tell whether *kind* is a class that becomes a message: a NamedTuple or a dataclass."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def bare(annotation: Any) -> Any:
    """Return the type inside ``Annotated[type, ...]``; one that says a tensor stays as it is."""
    if typing.get_origin(annotation) is Annotated and not _tensors(annotation):
        return typing.get_args(annotation)[0]
    return annotation


def type_hints(annotated: object, where: str) -> dict[str, Any]:
    """Return the annotations of a function or a class, evaluated; raise SignatureError if that cannot be done."""
    try:
        return typing.get_type_hints(annotated, include_extras=True)
    except SignatureError as error:
        raise SignatureError(f"{where}: {error.message}", hint=error.hint) from error
    except Exception as error:
        # Annotations kept as text are evaluated here, and that may raise anything.
        raise SignatureError(
            f"{where}: its annotations cannot be read: {type(error).__name__}: {error}",
            hint="use types that can be reached by name from the top of the module that defines it",
        ) from error


def _field_names(kind: Any) -> list[str]:
    return [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else list(kind._fields)


def _check_fields(names: Iterable[str], where: str, place: str) -> None:
    for name in names:
        check_identifier(name, where + place.format(name))
    if clash := same_but_for_case(names):
        raise SignatureError(
            f"{where}: the names {clash[0]!r} and {clash[1]!r} differ only in '_' or case", hint="rename one"
        )


def _tensors(annotation: object) -> list[Tensor]:
    inside = typing.get_args(annotation)[1:] if typing.get_origin(annotation) is Annotated else ()
    return [a for a in inside if isinstance(a, Tensor)]


def _check_constructor(kind: type, names: list[str], where: str) -> None:
    try:
        inspect.signature(kind).bind(**dict.fromkeys(names))
    except TypeError as error:
        raise SignatureError(
            f"{where}: {kind.__name__} cannot be made from its fields: {error}",
            hint="its constructor takes every field and needs nothing else (no init=False, no InitVar)",
        ) from error


def _way_out(kind: object, origin: object) -> str:
    if origin in {typing.Union, types.UnionType}:
        return "a field has exactly one type: use one type, or a message with one field for each case"
    if kind is Tensor or isinstance(kind, Tensor):
        return 'say dtype and shape in brackets: Tensor["float32", "n", 28, 28]'
    containers = {list, tuple, dict, set, frozenset, collections.abc.Sequence}
    if origin in containers or (isinstance(kind, type) and kind in containers):
        return "say what is inside with list[T], a NamedTuple or a Tensor"
    if getattr(kind, "__name__", "") == "ndarray" or (origin is not None and "ndarray" in str(origin)):
        return 'say dtype and shape: Annotated[np.ndarray, Tensor("float32", "n", 28, 28)]'
    return (
        "use bool, int, float, str, bytes, a NumPy scalar of 32 or 64 bits, list[T], a NamedTuple, a dataclass or"
        " a Tensor"
    )


def _shown(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def _doc(kind: type) -> str:
    # namedtuple and dataclass write a docstring of their own, which says nothing new.
    doc = kind.__doc__ or ""
    return "" if doc.startswith(f"{kind.__name__}(") else inspect.cleandoc(doc)


def check_identifier(name: str, where: str) -> None:
    """Raise SignatureError unless *name* may name a method, a message or a field."""
    if not is_identifier(name):
        raise SignatureError(
            f"{where}: a name starts with a letter and goes on with letters, digits and '_' (at most 128)",
            hint="rename it: the name becomes a protobuf and a URL name",
        )
