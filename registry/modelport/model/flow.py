"""A streaming method while it runs: its messages come and go one by one, in a plain iterator on each side.

A function that takes a stream is given an iterator of it, which waits for the next message; one that gives a stream is
asked for the next value when somebody wants it, and closed when nobody does any more, so that its ``finally`` runs. An
asynchronous function runs on an event loop of its own in the thread that asks, and whoever calls it need not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.errors import CallError, InputError, ModelError
from modelport.model.exchange import WHOLE, RefusedError
from modelport.model.scalars import with_article

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from modelport.model.infer import MethodTypes

__all__ = ["MOST_IN_EXAMPLE", "Incoming", "answers", "collected", "documents_of", "only", "results", "written"]

T = TypeVar("T")

MOST_IN_EXAMPLE = 1000
"""How many messages a stream of a golden example may have."""

_STREAM = "stream"  # the key under which an example holds a stream
_END: Any = object()
_GONE: Any = object()


class _NoStreamError(Exception):
    """What a function gave where its signature says a stream."""


class Incoming(Iterator[Any]):
    """The stream that a function is given: each message is read when the function asks for it.

    Where nobody waits for the answers any more, whoever sends the messages may raise GeneratorExit: it runs the
    function's ``finally``, as closing what it gives does. An asynchronous function is cancelled.

    Attributes:
        failure: What ended the stream before its end. It ends the call, too, whatever the function made of it.
        gone: Nobody waits for the answers any more.
    """

    def __init__(self, given: Iterable[Any], read: Callable[[Any], Any]) -> None:
        self.failure: Exception | None = None
        self.gone = False
        self._given = iter(given)
        self._read = read
        self._number = 0

    def __next__(self) -> Any:
        """Return the next message; raise CallError where it does not fit."""
        if self.failure:
            raise self.failure
        self._number += 1
        try:
            return self._read(next(self._given))
        except StopIteration:
            raise
        except GeneratorExit:
            self.gone = True
            raise
        except CallError as error:
            self.failure = CallError([f"input {self._number}: {one}" for one in error.problems], hint=error.hint)
            raise self.failure from error
        except Exception as error:
            self.failure = error
            raise

    def map(self, change: Callable[[Any], Any]) -> Iterator[Any]:
        """Return an iterator of what *change* makes of each message."""
        return map(change, self)


def results(
    function: Callable[..., Any], call: MethodTypes, given: Any, *, streams_out: bool
) -> Generator[Any, None, None]:
    """Yield what *function* gives, one value or a stream of them; closing this closes what it gives.

    Args:
        function: The function.
        call: How it meets its messages.
        given: The message, or the `Incoming` stream of messages, that it is given.
        streams_out: Whether it gives a stream.

    Raises:
        ModelError: It gave something else than a stream where one is due.
    """
    if call.awaited:
        yield from _awaited(function, call, given, streams_out=streams_out)
        return
    positional, named = _arguments(call, given)
    result = function(*positional, **named)
    if not streams_out:
        yield result
        return
    _check_stream(result, "__iter__")
    yield from result  # which passes on that it is closed


def _awaited(
    function: Callable[..., Any], call: MethodTypes, given: Any, *, streams_out: bool
) -> Generator[Any, None, None]:
    loop = _Loop()
    try:
        positional, named = _arguments(call, given)
        result = function(*positional, **named)
        if not streams_out:
            yield loop.wait(result)
            return
        _check_stream(result, "__aiter__")
        stream = aiter(result)
        try:
            while (value := loop.wait(_next(stream))) is not _END:
                yield value
        finally:
            if hasattr(stream, "aclose"):
                loop.wait(stream.aclose())
    except asyncio.CancelledError:
        if isinstance(given, Incoming) and given.gone:
            raise GeneratorExit from None
        raise RuntimeError("it was cancelled") from None
    finally:
        loop.close()


def _arguments(call: MethodTypes, given: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return how the function is called: by its input message's fields, with the message, or with the stream."""
    if isinstance(given, Incoming):
        stream = given.map(_only_field) if call.unwrap else given
        whole = _asynchronous(stream) if call.waits else stream
        return ([whole], {}) if call.positional else ([], dict.fromkeys(call.keywords, whole))
    if not (call.spread or call.keywords):
        return [given], {}
    named = {p: getattr(given, p) if call.spread else given for p in call.keywords}
    return [getattr(given, p) for p in call.positional], named


def _only_field(message: Any) -> Any:
    return message.value


def _check_stream(result: Any, wanted: str) -> None:
    if not hasattr(type(result), wanted):
        raise _NoStreamError(with_article(type(result).__name__))


async def _asynchronous(stream: Iterator[Any]) -> AsyncIterator[Any]:
    # In a thread: while nothing comes, what else the function does asynchronously goes on.
    while (message := await asyncio.to_thread(_next_or_gone, stream)) is not _END:
        if message is _GONE:
            raise asyncio.CancelledError
        yield message


def _next_or_gone(stream: Iterator[Any]) -> Any:
    try:
        return next(stream, _END)
    except GeneratorExit:  # which coroutines cannot pass on
        return _GONE


async def _next(stream: AsyncIterator[T]) -> T:
    try:
        return await anext(stream)
    except StopAsyncIteration:
        return _END  # type: ignore[no-any-return]


class _Loop:
    """An event loop for one call, which may be made inside of another loop, as in a notebook."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def wait(self, what: Awaitable[T]) -> T:
        """Return what *what* gives."""

        async def waiting() -> T:
            return await what

        return self._elsewhere(lambda: self._runner.run(waiting()))

    def close(self) -> None:
        """End the tasks that the function left, and the loop."""
        self._elsewhere(self._runner.close)

    def _elsewhere(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, in another thread if a loop runs in this one already."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return work()
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(work).result()


def answers(
    name: str, found: Generator[Any, None, None], incoming: Incoming | None, made: Callable[[Any], Any]
) -> Generator[Any, None, None]:
    """Yield what *made* makes of each value that a method's function gives.

    Raises:
        CallError: A message that came does not fit.
        ModelError: The function failed, or did when it was closed.
    """
    try:
        while True:
            try:
                value = next(found)
            except StopIteration:
                break
            except Exception as error:
                if incoming and incoming.failure:
                    break
                raise _told(name, error) from error
            if incoming and incoming.failure:
                break
            yield made(value)
        if incoming and incoming.failure:
            raise incoming.failure
    finally:
        try:
            found.close()
        except Exception as error:
            raise _told(name, error) from error


def _told(name: str, error: Exception) -> Exception:
    if isinstance(error, _NoStreamError):
        return ModelError(f"{name} gave {error}, its signature says a stream")
    if isinstance(error, RefusedError):
        return CallError([f"{WHOLE}: {error}"])
    return ModelError(f"{name} failed: {type(error).__name__}: {error}")


def written(found: Generator[Any, None, None], write: Callable[[Any], Any], said: str) -> Generator[Any, None, None]:
    """Yield each answer of *found* as *write* writes it; raise ModelError, *said* and a number, where one is unfit."""
    with closing(found):
        for number, answer in enumerate(found, 1):
            try:
                document = write(answer)
            except CallError as error:
                raise ModelError(f"{said}output {number}: {error}") from error
            yield document


def only(found: Generator[Any, None, None]) -> Any:
    """Return the one answer of a method that does not give a stream."""
    with closing(found):
        return next(found)


def documents_of(given: object) -> Iterable[Any]:
    """Return the messages of a stream, which are given one by one or as an example has them: ``{"stream": [...]}``.

    Raises:
        CallError: It is no stream.
    """
    if isinstance(given, Mapping) and list(given) == [_STREAM] and isinstance(given[_STREAM], list):
        return given[_STREAM]  # type: ignore[no-any-return]
    if isinstance(given, Mapping | str | bytes) or not isinstance(given, Iterable):
        kind = with_article(type(given).__name__)
        raise CallError([f"{WHOLE}: is {kind}, and a stream is taken"], hint="give a list, or an iterator, of messages")
    return given


def collected(stream: Iterable[Any], most: int | None = None) -> dict[str, Any]:
    """Return the messages of *stream* as an example has them, and no more than *most* of them.

    Raises:
        InputError: Nobody said how many, and there are more than an example may have.
    """
    found = []
    for message in stream:
        found.append(message)
        if most is not None and len(found) == most:
            break
        if len(found) > MOST_IN_EXAMPLE:
            raise InputError(
                f"a stream of more than {MOST_IN_EXAMPLE} messages is no example",
                hint="choose arguments with which the stream is shorter",
            )
    return {_STREAM: found}
