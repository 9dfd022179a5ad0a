"""Python functions and their annotations -> the signature, and the Python class of each of its messages.

=========================================  ==================
annotation                                 type in the signature
=========================================  ==================
``bool`` ``int`` ``float``                 bool, int64, double
``str`` ``bytes``                          string, bytes
NumPy's bool, int32/64, uint32/64          the same
``np.float32`` ``np.float64``              float, double
``list[T]`` ``Sequence[T]``                list of T
a NamedTuple or dataclass                  a message
``Tensor``                                 a tensor: see `modelport.model.tensor`
=========================================  ==================

A method whose only parameter is a message takes that message; other parameters make a message ``<Method>In``. A return
value that is not a message is wrapped in ``<Method>Out`` as its field ``value``. No parameter and ``-> None`` are
``Empty``.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import re
import types
import typing
from collections import namedtuple
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from modelport.errors import SignatureError
from modelport.model.spec import Field, FieldType, ListOf, Message, MessageRef, MethodSpec, ModelSpec, Scalar
from modelport.model.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["EMPTY", "MethodTypes", "Signature", "infer_signature", "is_message"]

EMPTY = "Empty"
_SCALARS: dict[object, str] = {bool: "bool", int: "int64", float: "double", str: "string", bytes: "bytes"}
_NUMPY_SCALARS = {
    "bool": "bool", "bool_": "bool", "int32": "int32", "int64": "int64", "uint32": "uint32", "uint64": "uint64",
    "float32": "float", "float64": "double",
}  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_RESERVED = re.compile(r"Tensor(Bool|U?Int(8|16|32|64)|Float(16|32|64))|Model")


@dataclass(frozen=True, slots=True)
class MethodTypes:
    """How a method's messages meet its function: spread over its parameters or whole, wrapped or plain."""

    spread: bool
    wrap: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What inference found: the signature, the class of each message, and how each method is called."""

    spec: ModelSpec
    types: Mapping[str, type]
    calls: Mapping[str, MethodTypes]


@dataclass(slots=True)
class _Messages:
    """The messages met so far, by name, with the Python class that each came from."""

    messages: dict[str, Message] = field(default_factory=dict)
    types: dict[str, type] = field(default_factory=dict)
    open: list[type] = field(default_factory=list)


def infer_signature(functions: Mapping[str, Callable[..., object]]) -> Signature:
    """Return the signature of *functions*, given by method name.

    Raises:
        SignatureError: An annotation is missing or is not a type of a signature. It names the function, the parameter,
            the reason and the way out.
    """
    if not functions:
        raise SignatureError("a model needs at least one method", hint="write Model(classify=my_function)")
    found = _Messages()
    methods, calls = [], {}
    for name, function in functions.items():
        method, call = _infer_method(name, function, found)
        methods.append(method)
        calls[name] = call
    spec = ModelSpec(tuple(found.messages.values()), tuple(methods)).with_proto_package()
    return Signature(spec, found.types, calls)


def is_message(kind: object) -> bool:
    """Tell whether *kind* is a class that becomes a message: a NamedTuple or a dataclass."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def _infer_method(name: str, function: Callable[..., object], found: _Messages) -> tuple[MethodSpec, MethodTypes]:
    _check_identifier(name, f"method {name!r}")
    where = f"method {name!r} ({getattr(function, '__qualname__', function)!s})"
    parameters, result = _annotations(function, where)
    title = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    spread = not (len(parameters) == 1 and is_message(next(iter(parameters.values()))))
    if spread:
        taken = _generated(f"{title}In" if parameters else EMPTY, parameters, where, found)
    else:
        ((parameter, kind),) = parameters.items()
        taken = _message(kind, f"{where}, parameter {parameter!r}", found)
    wrap = not is_message(result)
    if wrap:
        fields = {} if result is type(None) else {"value": result}
        given = _generated(f"{title}Out" if fields else EMPTY, fields, f"{where}, return value", found)
    else:
        given = _message(result, f"{where}, return value", found)
    return MethodSpec(name, taken, given, inspect.getdoc(function) or ""), MethodTypes(spread, wrap)


def _annotations(function: Callable[..., object], where: str) -> tuple[dict[str, Any], Any]:
    """Return the types of the parameters, in order, and of the result."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters
    except SignatureError as error:
        raise SignatureError(f"{where}: {error.message}", hint=error.hint) from error
    except (NameError, TypeError, ValueError) as error:
        raise SignatureError(
            f"{where}: its annotations cannot be read: {error}",
            hint="annotate every parameter and the return value with types that exist where the function is defined",
        ) from error
    missing = [p for p in [*parameters, "return"] if p not in hints]
    if missing:
        raise SignatureError(
            f"{where}: no annotation for {', '.join(missing)}",
            hint="annotate every parameter and the return value, for instance (x: float) -> float",
        )
    for parameter in parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise SignatureError(
                f"{where}: parameter {str(parameter)!r} takes any number of values",
                hint="a signature is fixed: name the parameters, or take one list",
            )
    return {p: hints[p] for p in parameters}, hints["return"]


def _generated(name: str, fields: Mapping[str, Any], where: str, found: _Messages) -> str:
    """Register the message made for plain parameters or a plain result."""
    made = namedtuple(name, fields)  # type: ignore[misc]  # noqa: PYI024 - its fields are known only now
    if name == EMPTY and found.types.get(EMPTY) is not None and not found.messages[EMPTY].fields:
        return name
    return _register(made, fields, "", where, found)


def _message(kind: type, where: str, found: _Messages) -> str:
    """Register the message that a NamedTuple or a dataclass stands for."""
    if kind in found.open:
        raise SignatureError(f"{where}: {kind.__name__} holds itself", hint="a message cannot be recursive")
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise SignatureError(f"{where}: a field of {kind.__name__} cannot be read: {error}") from error
    names = getattr(kind, "_fields", None) or [f.name for f in dataclasses.fields(kind)]
    bare = [n for n in names if n not in hints]
    if bare:
        raise SignatureError(
            f"{where}: {kind.__name__} has no type for {', '.join(bare)}",
            hint="use typing.NamedTuple or a dataclass, which give each field a type",
        )
    found.open.append(kind)
    name = _register(kind, {n: hints[n] for n in names}, _doc(kind), where, found)
    found.open.pop()
    return name


def _register(kind: type, fields: Mapping[str, Any], doc: str, where: str, found: _Messages) -> str:
    name = kind.__name__
    _check_identifier(name, f"{where}: message {name!r}")
    if _RESERVED.fullmatch(name):
        raise SignatureError(f"{where}: the name {name!r} is reserved", hint="give the message another name")
    if name in found.types:
        if found.types[name] is kind:
            return name
        raise SignatureError(f"{where}: two different types are called {name!r}", hint="rename one of them")
    for one in fields:
        _check_identifier(one, f"{where}: field {one!r} of {name}")
    _check_json_names(fields, f"{where}: {name}")
    made = tuple(Field(n, _field_type(t, f"{where}, field {n!r}", found)) for n, t in fields.items())
    found.messages[name] = Message(name, made, doc)
    found.types[name] = kind
    return name


def _field_type(kind: Any, where: str, found: _Messages) -> FieldType:
    if kind in _SCALARS:
        return Scalar(_SCALARS[kind])
    if isinstance(kind, type) and kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS:
        return Scalar(_NUMPY_SCALARS[kind.__name__])
    if is_message(kind):
        return MessageRef(_message(kind, where, found))
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        tensors = [a for a in arguments[1:] if isinstance(a, Tensor)]
        return tensors[0].type if tensors else _field_type(arguments[0], where, found)
    if origin in {list, collections.abc.Sequence} and len(arguments) == 1:
        item = _field_type(arguments[0], where, found)
        if isinstance(item, ListOf):
            raise SignatureError(
                f"{where}: a list of lists has no protobuf form",
                hint="use a Tensor, or put the inner list into a NamedTuple",
            )
        return ListOf(item)
    raise SignatureError(f"{where}: {_shown(kind)} is not a type of a signature", hint=_way_out(kind, origin))


def _way_out(kind: object, origin: object) -> str:
    if origin in {typing.Union, types.UnionType}:
        return "a field has exactly one type: use one type, or a message with one field for each case"
    if kind in {list, tuple, dict, set} or origin in {tuple, set, frozenset, dict}:
        return "say what is inside with list[T], a NamedTuple or a Tensor"
    if getattr(kind, "__name__", "") == "ndarray" or (origin is not None and "ndarray" in str(origin)):
        return 'say dtype and shape: Annotated[np.ndarray, Tensor("float32", "n", 28, 28)]'
    return "use bool, int, float, str, bytes, a NumPy scalar, list[T], a NamedTuple, a dataclass or a Tensor"


def _shown(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def _doc(kind: type) -> str:
    # namedtuple and dataclass write a docstring of their own, which says nothing new.
    doc = kind.__doc__ or ""
    return "" if doc.startswith(f"{kind.__name__}(") else inspect.cleandoc(doc)


def _check_identifier(name: str, where: str) -> None:
    if not _IDENTIFIER.fullmatch(name):
        raise SignatureError(
            f"{where}: a name starts with a letter and goes on with letters, digits and '_' (at most 128)",
            hint="rename it: the name becomes a protobuf and a URL name",
        )


def _check_json_names(fields: Mapping[str, Any], where: str) -> None:
    # protoc refuses two fields of one message whose names in protobuf JSON (lowerCamelCase) are the same.
    seen: dict[str, str] = {}
    for name in fields:
        other = seen.setdefault(name.replace("_", "").lower(), name)
        if other != name:
            raise SignatureError(
                f"{where}: fields {other!r} and {name!r} differ only in '_' or case", hint="rename one"
            )
