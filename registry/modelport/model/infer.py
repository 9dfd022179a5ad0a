"""Python functions and their annotations -> the signature, and the Python class of each of its messages.

=========================================  ==================
annotation                                 type in the signature
=========================================  ==================
``bool`` ``int`` ``float``                 bool, int64, double
``str`` ``bytes``                          string, bytes
NumPy's bool, int32/64, uint32/64          bool, int32 and so on
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

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import SignatureError
from modelport.model.messages import EMPTY, Messages, bare, check_identifier, is_message, type_hints
from modelport.model.records import Record
from modelport.model.spec import MethodSpec, ModelSpec, structure_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import Enum

__all__ = ["EMPTY", "MethodTypes", "Signature", "infer_signature", "is_message"]


@dataclass(frozen=True, slots=True)
class MethodTypes:
    """How a method's messages meet its function.

    Attributes:
        positional: The parameters given by position.
        keywords: The parameters given by name, because the function takes them only so.
        spread: Each parameter is a field of the input message; otherwise the one parameter is the message.
        wrap: The result is the only field of the output message; otherwise it is the message.
        void: There is no result.
    """

    positional: tuple[str, ...]
    keywords: tuple[str, ...]
    spread: bool
    wrap: bool
    void: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What inference found: the signature, its Python side, and how each method is called.

    Attributes:
        spec: The signature.
        records: The Python side of each message.
        calls: How each method's messages meet its function.
        enums: The Python class of each enumeration.
    """

    spec: ModelSpec
    records: Mapping[str, Record]
    calls: Mapping[str, MethodTypes]
    enums: Mapping[str, type[Enum]] = field(default_factory=dict)


def infer_signature(functions: Mapping[str, Callable[..., object]]) -> Signature:
    """Return the signature of *functions*, given by method name.

    Raises:
        SignatureError: An annotation is missing or is not a type of a signature. It names the function, the parameter,
            the reason and the way out.
    """
    if not functions:
        raise SignatureError("a model needs at least one method", hint="write Model(classify=my_function)")
    found = Messages()
    methods, calls = [], {}
    for name, function in functions.items():
        method, call = _infer_method(name, function, found)
        methods.append(method)
        calls[name] = call
    spec = ModelSpec(tuple(found.messages.values()), tuple(methods)).with_proto_package()
    if problems := structure_problems(spec):
        raise SignatureError("; ".join(problems), hint="make the model smaller, or its messages flatter")
    return Signature(spec, {name: Record.of_class(kind) for name, kind in found.types.items()}, calls)


def _infer_method(name: str, function: Callable[..., object], found: Messages) -> tuple[MethodSpec, MethodTypes]:
    check_identifier(name, f"method {name!r}")
    where = f"method {name!r} ({getattr(function, '__qualname__', None) or type(function).__qualname__})"
    _check_function(function, where)
    parameters, result = _annotations(function, where)
    title = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    spread = not (len(parameters) == 1 and is_message(next(iter(parameters.values()))))
    if spread:
        taken = found.add_generated(f"{title}In" if parameters else EMPTY, parameters, where, place=", parameter {!r}")
    else:
        ((parameter, kind),) = parameters.items()
        taken = found.add_class(kind, f"{where}, parameter {parameter!r}")
    void, where = result is type(None), f"{where}, return value"
    if is_message(result):
        given = found.add_class(result, where)
    elif void:
        given = found.add_generated(EMPTY, {}, where)
    else:
        given = found.add_generated(f"{title}Out", {"value": result}, where)
    by_name = {p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
    call = MethodTypes(
        positional=tuple(p for p in parameters if p not in by_name),
        keywords=tuple(p for p in parameters if p in by_name),
        spread=spread,
        wrap=not void and not is_message(result),
        void=void,
    )
    return MethodSpec(name, taken, given, inspect.getdoc(function) or ""), call


def _check_function(function: object, where: str) -> None:
    if not (inspect.isfunction(function) or inspect.ismethod(function) or hasattr(function, "__wrapped__")):
        raise SignatureError(
            f"{where}: is not a function written in Python", hint="write a function with annotations that calls it"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise SignatureError(f"{where}: is asynchronous", hint="write it with def; a service calls it in a thread")


def _annotations(function: Callable[..., object], where: str) -> tuple[dict[str, Any], Any]:
    """Return the types of the parameters, in order, and of the result."""
    hints = type_hints(function, where)
    parameters = inspect.signature(function).parameters
    for parameter in parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise SignatureError(
                f"{where}: parameter '{stars}{parameter.name}' takes any number of values",
                hint="a signature is fixed: name the parameters, or take one list",
            )
    missing = [p for p in [*parameters, "return"] if p not in hints]
    if missing:
        raise SignatureError(
            f"{where}: no annotation for {', '.join(missing)}",
            hint="annotate every parameter and the return value, for instance (x: float) -> float",
        )
    return {p: bare(hints[p]) for p in parameters}, bare(hints["return"])
