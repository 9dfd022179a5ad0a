"""Annotations that say a stream: ``Iterator[T]`` as all that a method takes, or as what it gives.

A stream is one side of a method, whole: its only parameter or its return value. It is no type of a field, so nothing
holds one. Its elements are messages; any other type of a field is wrapped in a message as its field ``value``.

``Iterable``, ``AsyncIterator`` and ``AsyncIterable`` mean the same, and so do ``Generator[T, None, None]`` and
``AsyncGenerator[T, None]`` for what is given. An asynchronous function has an asynchronous stream on each side that
streams, because only such a function can wait for one.
"""

from __future__ import annotations

import collections.abc
import inspect
import typing
from dataclasses import dataclass
from typing import Annotated, Any

from modelport.errors import SignatureError
from modelport.model.annotations import read_annotation
from modelport.model.refused import STREAMS, is_either, shown
from modelport.model.spec import NO_DEFAULT

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelport.model.classes import Part

__all__ = ["Stream", "check_asynchrony", "given_stream", "taken_stream"]

_ASYNC = {collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator}
_GENERATORS = {collections.abc.Generator, collections.abc.AsyncGenerator}
_WHOLE = "the first of them may hold what counts for all"


@dataclass(frozen=True, slots=True)
class Stream:
    """What an annotation says of a stream.

    Attributes:
        element: The annotation of its elements.
        asynchronous: Whether it is read with ``async for``.
        shown: The annotation, as one would write it.
    """

    element: Any
    asynchronous: bool
    shown: str


def taken_stream(parameters: Sequence[Part], where: str) -> Stream | None:
    """Return the stream that a function of *parameters* takes, if it takes one.

    Raises:
        SignatureError: It is no stream that a method can take; *where* begins the message.
    """
    for parameter in parameters:
        place = f"{where}, parameter {parameter.name!r}"
        stream = _stream(parameter.annotation, place, given=False)
        if stream is None:
            continue
        if len(parameters) > 1:
            raise SignatureError(
                f"{place}: a stream is the only parameter of its method, and this one has {len(parameters)}",
                hint=f"put the others into the messages of the stream, with a NamedTuple: {_WHOLE}",
            )
        if parameter.default is not NO_DEFAULT:
            raise SignatureError(
                f"{place}: is a stream, and has a default",
                hint="leave the default out: who sends nothing sends an empty stream",
            )
        return stream
    return None


def given_stream(result: Any, where: str) -> Stream | None:
    """Return the stream that a function gives whose return annotation is *result*; raises as `taken_stream` does."""
    return _stream(result, f"{where}, return value", given=True)


def check_asynchrony(
    function: Callable[..., object], result: Any, taken: Stream | None, given: Stream | None, where: str
) -> None:
    """Refuse a function that is written otherwise than its annotations say: asynchronous, or one by one."""
    said = given.shown if given else shown(read_annotation(result, where).kind)
    if inspect.isgeneratorfunction(function) and (given is None or given.asynchronous):
        raise SignatureError(
            f"{where}: gives its values one by one, and its annotation says {said}",
            hint="annotate it -> Iterator[T], where T is one of them, or return them all at once"
            if given is None
            else "annotate it -> Iterator[T], or write it with async def",
        )
    if inspect.isasyncgenfunction(function) and not (given and given.asynchronous):
        raise SignatureError(
            f"{where}: gives its values one by one, asynchronously, and its annotation says {said}",
            hint="annotate it -> AsyncIterator[T], where T is one of them",
        )
    if inspect.iscoroutinefunction(function):
        _check_coroutine(taken, given, where)
    elif taken and taken.asynchronous and not (given and given.asynchronous):
        raise SignatureError(
            f"{where}: takes {taken.shown}, which a function that is not asynchronous cannot read",
            hint="write it with async def, or take Iterator[T]",
        )


def _check_coroutine(taken: Stream | None, given: Stream | None, where: str) -> None:
    if given:
        raise SignatureError(
            f"{where}: has to be awaited before it gives {given.shown}",
            hint="give the values with yield, or write it with def and return the stream",
        )
    if not (taken and taken.asynchronous):
        raise SignatureError(f"{where}: is asynchronous", hint="write it with def; a service calls it in a thread")


def _stream(annotation: Any, where: str, *, given: bool) -> Stream | None:
    said = read_annotation(annotation, where)
    origin, arguments = typing.get_origin(said.kind), typing.get_args(said.kind)
    if said.marker is not None or not is_either(said.kind, origin, STREAMS):
        return None
    name = shown(said.kind)
    if is_either(said.kind, origin, _GENERATORS):
        _check_generator(name, arguments, where, given=given)
    if not arguments or isinstance(arguments[0], typing.TypeVar):
        raise SignatureError(f"{where}: {name} does not say what is in the stream", hint="write Iterator[T]")
    element = read_annotation(arguments[0], where).kind
    if is_either(element, typing.get_origin(element), STREAMS):
        raise SignatureError(
            f"{where}: {name} is a stream of streams, which has no protobuf form",
            hint="use Iterator[list[T]], or messages that say which stream they belong to",
        )
    return Stream(Annotated[arguments[0], said.about], is_either(said.kind, origin, _ASYNC), name)


def _check_generator(name: str, arguments: tuple[Any, ...], where: str, *, given: bool) -> None:
    if not given:
        raise SignatureError(f"{where}: {name} is what a function gives", hint="take Iterator[T]")
    if any(one not in {None, type(None)} for one in arguments[1:]):
        raise SignatureError(
            f"{where}: {name} is sent values or returns one, and a stream only gives them one by one",
            hint="write Iterator[T], or Generator[T, None, None]",
        )
