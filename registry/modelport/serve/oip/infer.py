"""A call by this protocol, however its tensors came: read, run by `Service.call`, and taken apart again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.errors import CallError
from modelport.model.exchange import Exchange
from modelport.serve.problem import ProblemError, arguments_do_not_fit
from modelport.serve.reading import answer_size, off_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from modelport.serve.limits import Limits
    from modelport.serve.oip.fields import Answer
    from modelport.serve.oip.models import Served
    from modelport.serve.oip.tensors import Given
    from modelport.serve.service import Service

__all__ = ["Asked", "answer_to", "error_text"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a call.

    Attributes:
        id: What the caller calls it.
        tensors: The inputs.
        outputs: The names of the outputs that are asked for, and for each whether its bytes are.
        size: How many bytes it had.
    """

    id: str
    tensors: tuple[Given, ...]
    outputs: Mapping[str, bool]
    size: int = 0
    exchange: Exchange = field(default_factory=Exchange)


async def answer_to(
    asked: Asked,
    served: Served,
    service: Service,
    write: Callable[[list[Answer]], T],
    *,
    request_id: str,
    gone: Callable[[], Coroutine[Any, Any, object]] | None = None,
) -> T | None:
    """Return what *write* makes of the tensors that answer a request; a large answer is written in a thread.

    Returns:
        None when what *gone* gives ended first: the caller went away.

    Raises:
        ProblemError: It does not fit (every misfit is named), or `Service.call` says so.
    """
    start, answered = time.perf_counter(), False
    try:
        native = await off_loop(asked.size, partial(_read, asked, served, service.limits))
        answer = await service.call(served.method, native, request_id=request_id, gone=gone and gone(), body=asked.size)
        if answer is None:
            return None
        try:
            written = await off_loop(
                answer_size(answer), lambda: write(served.tensors.answers(answer, asked.outputs, asked.exchange))
            )
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything while it is read
            raise service.failure(served.method, error, request_id) from None
        answered = True
        return written
    finally:
        served.statistics.add(answered=answered, seconds=time.perf_counter() - start)


def error_text(problem: ProblemError) -> str:
    """Return what the protocol has room for: one text, with every misfit in it."""
    if len(problem.errors) < 2:  # noqa: PLR2004 - the detail tells the only one
        return problem.detail
    listed = "; ".join(f"{one['path']}: {one['message']}" for one in problem.errors)
    return f"{problem.detail.partition(': ')[0]}: {listed}"


def settle(exchange: Exchange, served: Served) -> None:
    """Raise ProblemError with all that did not fit, if anything did not."""
    try:
        exchange.settle()
    except CallError as error:
        raise arguments_do_not_fit(served.method.spec.name, error) from None


def _read(asked: Asked, served: Served, limits: Limits) -> Any:  # noqa: ANN401 - the user's own classes
    native = served.tensors.message(asked.tensors, limits, asked.exchange)
    settle(asked.exchange, served)
    return native
