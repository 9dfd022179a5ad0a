"""A streaming call in service: where all doors of the service meet for methods that take or give a stream.

Each stream has a thread of its own, of which there are ``streams``; the model's code runs there in turns with all other
calls (`turns`). The thread hands each answer to the event loop and stops while a few of them have not been taken, so a
slow reader slows the model down; it waits there, too, for the next message of a stream that comes in, and nobody else
has to wait for that. Whoever goes away ends the call: its thread closes the generator, which runs its ``finally``.

``call_seconds`` are the model's time for each message, and a stream's to wait for its turn; the time that the model
waits for its caller does not count. A caller has ``body_seconds`` to send the next message or to take one. What an
asynchronous function does besides, while it waits for a message, it does out of turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError
from modelport.serve.batches import raised
from modelport.serve.printed import begin, end
from modelport.serve.problem import ProblemError, arguments_do_not_fit
from modelport.serve.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator

    from modelport.model import Method
    from modelport.serve.service import Service

__all__ = ["stream_call"]

log = logging.getLogger(__name__)

_AHEAD = 4  # messages that the model may be ahead of its reader, and its caller of the model


async def stream_call(
    service: Service,
    method: Method,
    messages: Any,  # noqa: ANN401 - the user's own class, or an asynchronous iterator of its values
    *,
    request_id: str,
    gone: Coroutine[Any, Any, object] | None = None,
    write: Callable[[Any], Any] | None = None,
) -> AsyncGenerator[Any, None]:
    """Yield what *method* answers: its messages, or the only one where it gives no stream.

    Closing this generator closes what the model's function gives. What has been made before an error is yielded first.

    Args:
        service: The service.
        method: One of its model's methods, which takes or gives a stream.
        messages: The native input message; an asynchronous iterator of them where the method takes a stream. What it
            raises ends the call: CallError for a message that does not fit, or ProblemError.
        request_id: What the log is to say.
        gone: Ends when the caller has gone away; then this ends, too.
        write: Called in the thread with each native answer; what it returns is yielded. It may raise CallError.

    Raises:
        ProblemError: As `Service.call` does; also when a message comes, or is taken, too late.
    """
    call = _StreamCall(service, method, messages, write or _as_it_is, request_id)
    flights = service.metrics.in_flight
    flights.inc()
    try:
        call.start(gone)
        while (answer := await call.next()) is not _END:
            yield answer
    except ProblemError:
        raise
    except CallError as error:
        raise arguments_do_not_fit(method.spec.name, error) from None
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is logged, and told as a failure
        raise service.failure(method, error, request_id) from None
    finally:
        flights.dec()
        call.end()


class _NobodyError(Exception):
    """Nobody takes the answers any more."""


class _StreamCall:
    """One call: what its own thread and the event loop share.

    Only the loop's thread ends it; its own sees that by `_over` whenever it turns to the loop.
    """

    def __init__(
        self,
        service: Service,
        method: Method,
        messages: Any,  # noqa: ANN401 - as above
        write: Callable[[Any], Any],
        request_id: str,
    ) -> None:
        self._request_id = request_id
        self._service = service
        self._method = method
        self._given = messages
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._turns = Turns(service.workers, self.end)
        self._answers: deque[Any] = deque()
        self._room = Semaphore(_AHEAD)
        self._news = asyncio.Event()
        self._over = False
        self._error: BaseException | None = None
        self._messages: SimpleQueue[Any] = SimpleQueue()
        self._taken = asyncio.Event()
        self._is_full = False
        self._tasks: list[asyncio.Future[Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._reads = False
        self._since: float | None = monotonic()  # when the model's time for the next message, or for its turn, began

    def start(self, gone: Coroutine[Any, Any, object] | None) -> None:
        """Stand in line for the model.

        Raises:
            ProblemError: As many streams as may be are open.
        """
        if self._service.streams >= self._service.limits.streams:
            raise ProblemError("overloaded", f"{self._service.limits.streams} streams are open already; try again")
        self._service.streams += 1
        Thread(target=self._run, name=f"stream-{self._method.spec.name}", daemon=True).start()
        if self._method.spec.streams_in:
            self._tasks.append(asyncio.ensure_future(self._feed(self._given)))
        if gone:
            watch = asyncio.ensure_future(gone)
            watch.add_done_callback(lambda _: self.end())
            self._tasks.append(watch)
        self._look()

    async def next(self) -> Any:  # noqa: ANN401 - as above
        """Return the next answer, or ``_END``; raise what ended the call."""
        while not self._answers:
            if self._over:
                if self._error:
                    raise self._error
                return _END
            self._news.clear()
            await self._news.wait()
        self._room.release()
        return self._answers.popleft()

    def end(self, error: BaseException | None = None) -> None:
        """Let the call end, with *error* or because nobody waits any more."""
        if self._over:
            return
        self._over, self._error = True, error
        self._news.set()
        self._room.release()
        self._messages.put(_END)
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if not self._began:
            self._turns.drop()

    async def _feed(self, given: AsyncIterator[Any]) -> None:
        """Put the messages that come in into line for the model, a few ahead of it."""
        try:
            async for message in given:
                self._messages.put(message)
                while self._messages.qsize() >= _AHEAD:
                    self._taken.clear()
                    self._is_full = True
                    if self._messages.qsize() >= _AHEAD:  # the thread may have looked before it was said
                        await self._taken.wait()
                    self._is_full = False
            self._messages.put(_END)
        except Exception as error:  # noqa: BLE001 - whatever it is, the model meets it where the message would be
            self._messages.put(_Failed(error))

    def _worked(self, error: Exception | None) -> None:
        self._service.streams -= 1
        if self._over and error:  # it has its answer already, but what went wrong is not to be lost
            name, more = self._method.spec.name, {"request_id": self._request_id}
            log.error("%s failed after its call had ended", name, exc_info=error, extra=more)
        self.end(error)

    def _look(self) -> None:
        """End the call if the model's time for the next message is over, else look again when that may be."""
        seconds, since = self._service.limits.call_seconds, self._since
        left = seconds if since is None else since + seconds - monotonic()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        elif self._turns.held:
            self._turns.late()
            self.end(ProblemError("out-of-time", "the model did not give a message within the time that it has"))
        else:
            self.end(ProblemError("overloaded", "no worker was free for the time that a call has; try again"))

    # What follows runs in the stream's thread, or in one that its asynchronous function reads in.

    def _run(self) -> None:
        error: Exception | None = None
        begin((self._request_id,))
        try:
            self._work()
        except StopIteration as found:  # which would mean something else on its way
            error = raised(found)
        except Exception as found:  # noqa: BLE001 - whatever it is, the loop is told
            error = found
        except BaseException as found:  # noqa: BLE001 - a model that calls sys.exit() ends its own call
            error = raised(found)
        finally:
            end()
            self._turns.give()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._worked, error)

    def _work(self) -> None:
        self._take_turn()
        if self._over:
            return
        self._began = True
        given = self._incoming() if self._method.spec.streams_in else self._given
        found = self._method.stream(given)
        try:
            for number, answer in enumerate(found, 1):
                self._hand(self._written(answer, number))
        except (_NobodyError, GeneratorExit) as error:
            if not self._over:  # it is the model's own
                raise ModelError(f"the model's code raised {type(error).__name__}") from error
        finally:
            found.close()

    def _written(self, answer: Any, number: int) -> Any:  # noqa: ANN401 - as above
        try:
            return self._write(answer)
        except CallError as error:
            name = self._method.spec.name
            raise ModelError(
                f"{name} gave an answer that does not fit its signature: output {number}: {error}"
            ) from error

    def _hand(self, answer: Any) -> None:  # noqa: ANN401 - as above
        if not self._room.acquire(blocking=False):
            self._give_turn()
            has_room = self._room.acquire(timeout=self._service.limits.body_seconds)
            self._take_turn()
            if not has_room:
                raise ProblemError("slow-reader", "the caller did not take a message within the time to do so")
        if self._over:
            raise _NobodyError
        self._answers.append(answer)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._news.set)
        self._let_others()
        if not self._reads:
            self._since = monotonic()

    def _incoming(self) -> Iterator[Any]:
        """Yield the messages that come in; where the caller has gone, raise what closes a generator."""
        while True:
            message = self._next_message()
            if self._is_full:
                with suppress(RuntimeError):  # as above
                    self._loop.call_soon_threadsafe(self._taken.set)
            if self._over:
                raise GeneratorExit
            if message is _END:
                return
            if isinstance(message, _Failed):
                raise message.error
            yield message

    def _next_message(self) -> Any:  # noqa: ANN401 - as above
        with suppress(Empty):
            message = self._messages.get_nowait()
            self._let_others()
            return message
        seconds = self._service.limits.body_seconds
        self._give_turn()
        self._reads = True
        try:
            return self._messages.get(timeout=seconds)
        except Empty:
            raise ProblemError("slow-body", f"no message came for {seconds:g} seconds") from None
        finally:
            self._reads = False
            self._take_turn()

    def _let_others(self) -> None:
        """Let those who wait for the model have their turn before the next message."""
        if self._turns.held and self._turns.wanted:
            self._give_turn()
            self._take_turn()

    def _give_turn(self) -> None:
        self._since = None
        self._turns.give()

    def _take_turn(self) -> None:
        if self._reads:  # an asynchronous function gives while it waits for its caller: that is no time of its own
            return
        self._since = monotonic()
        self._turns.take()
        self._since = monotonic()


@dataclass(frozen=True, slots=True)
class _Failed:
    """Stands in the line of messages for what went wrong in the place of the next one."""

    error: Exception


_END = object()


def _as_it_is(answer: Any) -> Any:  # noqa: ANN401 - as above
    return answer
