"""Python functions and their annotations -> the signature, and the Python side of each of its messages.

==================================================  ======================================================
annotation                                          type in the signature
==================================================  ======================================================
``bool`` ``int`` ``float`` ``str`` ``bytes``        bool, int64, double, string, bytes
NumPy's scalars of up to 64 bits                    bool, int8 to int64, uint8 to uint64, float16, float,
                                                    double
an Enum class, ``Literal["a", "b"]``                an enumeration
``T | None`` ``Optional[T]``                        optional T
``list[T]`` ``Sequence[T]``                         list of T
``dict[str, T]`` ``Mapping[str, T]``                map of T
a NamedTuple, a dataclass, a pydantic model         a message
``Annotated[np.ndarray, Tensor(...)]``              a tensor: see `modelport.model.tensor`
``Annotated[pd.DataFrame, Frame(...)]``             a table: see `modelport.model.frame`
``Annotated[dict, Document(...)]``                  a JSON object: see `modelport.model.document`
``Iterator[T]`` and the like, around all            a stream of T: see `modelport.model.streams`
==================================================  ======================================================

`About` in an ``Annotated`` says the words, the unit, the range and the media types of a value; docstrings say words,
too (`modelport.model.docs`). Defaults of parameters and fields become defaults of the signature.

A method whose only parameter is a message takes that message; other parameters make a message ``<Method>In``. A return
value that is not a message is wrapped in ``<Method>Out`` as its field ``value``. No parameter and ``-> None`` are
``Empty``. A frame or a ``Literal`` that has no name of its own is called by the message and field that it stands in.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modelport.errors import SignatureError
from modelport.model import streams
from modelport.model.annotations import Annotation, read_annotation, type_hints
from modelport.model.classes import Part, is_message
from modelport.model.defaults import with_defaults
from modelport.model.docs import read_docs
from modelport.model.messages import EMPTY, Messages, check_identifier, is_record, title_of
from modelport.model.spec import NO_DEFAULT, MethodSpec, ModelSpec, structure_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import Enum

    from modelport.model.records import Record
    from modelport.model.streams import Stream

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
        unwrap: Of each message of the stream that is taken, the function is given the only field.
        waits: The stream that is taken is read with ``async for``.
        awaited: The result is awaited, or read with ``async for``.

    Of a method that gives a stream, *wrap* and *void* tell of each of its messages.
    """

    positional: tuple[str, ...]
    keywords: tuple[str, ...]
    spread: bool
    wrap: bool
    void: bool
    unwrap: bool = False
    waits: bool = False
    awaited: bool = False


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
        SignatureError: An annotation is missing or is not a type of a signature, or a default does not fit. It names
            the function, the parameter, the reason and the way out.
    """
    if not functions:
        raise SignatureError("a model needs at least one method", hint="write Model(classify=my_function)")
    found = Messages()
    methods, calls = [], {}
    for name, function in functions.items():
        method, call = _infer_method(name, function, found)
        methods.append(method)
        calls[name] = call
    spec = ModelSpec(tuple(found.messages.values()), tuple(methods), enums=tuple(found.enumerations.values()))
    # Before the defaults are read: they are read by this signature.
    if problems := structure_problems(spec):
        raise SignatureError("; ".join(problems), hint="make the model smaller, or its messages flatter")
    spec = with_defaults(spec, found.records, found.enums, found.defaults).with_proto_package()
    return Signature(spec, found.records, calls, found.enums)


def _infer_method(name: str, function: Callable[..., object], found: Messages) -> tuple[MethodSpec, MethodTypes]:
    check_identifier(name, f"method {name!r}")
    where = f"method {name!r} ({getattr(function, '__qualname__', None) or type(function).__qualname__})"
    _check_function(function, where)
    parameters, hint = _annotations(function, where)
    taken_stream, given_stream = streams.taken_stream(parameters, where), streams.given_stream(hint, where)
    streams.check_asynchrony(function, hint, taken_stream, given_stream, where)
    hint = given_stream.element if given_stream else hint
    result = read_annotation(hint, f"{where}, return value")
    void = result.kind is type(None) and not given_stream
    wrap = not void and not is_record(result)
    whole = _whole(parameters, taken_stream, where)
    docs = read_docs(inspect.getdoc(function), () if whole else {p.name for p in parameters}, result=wrap)
    parts = tuple(replace(p, words=docs.fields.get(p.name, "")) for p in parameters)
    if taken_stream:
        parts = tuple(replace(p, name="value", annotation=taken_stream.element) for p in parts)
    title, given_where = title_of(name), f"{where}, return value"
    if whole:
        taken = found.add_record(whole, f"{title}In", f"{where}, parameter {parameters[0].name!r}")
    else:
        place = f", parameter {parameters[0].name!r}" if taken_stream else ", parameter {!r}"
        taken = found.add_generated(f"{title}In" if parts else EMPTY, parts, where, place=place)
    if wrap:
        given = found.add_generated(f"{title}Out", (Part("value", hint, words=docs.result),), given_where)
    elif void:
        given = found.add_generated(EMPTY, (), given_where)
    else:
        given = found.add_record(result, f"{title}Out", given_where)
    by_name = {p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
    call = MethodTypes(
        positional=tuple(p.name for p in parameters if p.name not in by_name),
        keywords=tuple(p.name for p in parameters if p.name in by_name),
        spread=whole is None and not taken_stream,
        wrap=wrap,
        void=void,
        unwrap=whole is None and bool(taken_stream),
        waits=bool(taken_stream and taken_stream.asynchronous),
        awaited=inspect.iscoroutinefunction(function) or bool(given_stream and given_stream.asynchronous),
    )
    return MethodSpec(name, taken, given, docs.text, bool(taken_stream), bool(given_stream)), call


def _whole(parameters: tuple[Part, ...], stream: Stream | None, where: str) -> Annotation | None:
    """Return what the only parameter's annotation says, if that, or each of its *stream*, is an input message."""
    if len(parameters) != 1:
        return None
    (only,) = parameters
    annotation = stream.element if stream else only.annotation
    said = read_annotation(annotation, f"{where}, parameter {only.name!r}")
    if not is_record(said):
        return None
    if only.default is not NO_DEFAULT:
        raise SignatureError(
            f"{where}, parameter {only.name!r}: is the whole input, and has a default",
            hint="give defaults to its fields, or make it optional: T | None = None",
        )
    return said


def _check_function(function: object, where: str) -> None:
    own_call = not isinstance(function, type) and inspect.isfunction(inspect.getattr_static(function, "__call__", None))
    if own_call and not hasattr(function, "__wrapped__"):
        raise SignatureError(
            f"{where}: is an object with __call__, not a function",
            hint="write a function with annotations that calls the object",
        )
    if not (inspect.isfunction(function) or inspect.ismethod(function) or hasattr(function, "__wrapped__")):
        raise SignatureError(
            f"{where}: is not a function written in Python", hint="write a function with annotations that calls it"
        )


def _annotations(function: Callable[..., object], where: str) -> tuple[tuple[Part, ...], Any]:
    """Return the parameters, in order, and the annotation of the result."""
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
    parts = (
        Part(p.name, hints[p.name], NO_DEFAULT if p.default is p.empty else p.default) for p in parameters.values()
    )
    return tuple(parts), hints["return"]
