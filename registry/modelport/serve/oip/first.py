"""The protocol's first version: ``POST /v1/models/NAME:predict`` with ``{"instances": [...]}``.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol. It knows no names of inputs. Where
all inputs are columns, or tensors with any number of rows, the instances are the rows of one call: an object with a
value for each column, a list in the columns' order, or the value itself where there is one column. Otherwise each
instance is a call: its arguments, or the value itself where there is one field. The predictions are the answer's rows,
or the answers; a message with one field is that field's value.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect

from modelport.errors import CallError, ModelError
from modelport.model.kinds import ListOf, TensorOf
from modelport.serve.json_text import write_json
from modelport.serve.problem import ProblemError, arguments_do_not_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from modelport.model.spec import Field, Message
    from modelport.serve.oip.models import Served
    from modelport.serve.service import Service

__all__ = ["predictions"]

T = TypeVar("T")


async def predictions(
    document: Any,  # noqa: ANN401 - JSON
    served: Served,
    service: Service,
    *,
    request_id: str,
    gone: Callable[[], Coroutine[Any, Any, object]],
) -> bytes:
    """Return the predictions for a request's instances, as the JSON text of the answer.

    Raises:
        ProblemError: The request has none, they do not fit, or `Service.call` says so.
        ClientDisconnect: What *gone* gives ended first: the caller went away.
    """
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise ProblemError("malformed-json", 'the body is not an object with a list of "instances"')
    spec, codec = served.method.spec, service.model.codec
    taken, given = codec.spec.message(spec.input), codec.spec.message(spec.output)
    call = partial(_call, served=served, service=service, request_id=request_id, gone=gone)
    if all(map(_has_rows, taken.fields)) and taken.fields:
        columns = partial(_columns, instances, taken)
        return await call(columns, lambda answer: _written(_rows(answer, given, len(instances))))
    if len(instances) > service.limits.waiting:
        raise ProblemError("too-many-rows", f"each instance is a call; there are at most {service.limits.waiting}")
    found = []
    try:
        async with asyncio.timeout(service.limits.call_seconds):
            for one in instances:
                arguments = one if isinstance(one, dict) or len(taken.fields) != 1 else {taken.fields[0].name: one}
                found.append(await call(lambda said=arguments: said, lambda answer: _bare(answer, given)))  # type: ignore[misc]  # mypy wants to know of `said`
    except TimeoutError:
        seconds = service.limits.call_seconds
        raise ProblemError("out-of-time", f"{len(found)} instances were done after {seconds:g} seconds") from None
    return await asyncio.to_thread(_written, found)


async def _call(
    arguments: Callable[[], Any],
    told: Callable[[dict[str, Any]], T],
    *,
    served: Served,
    service: Service,
    request_id: str,
    gone: Callable[[], Coroutine[Any, Any, object]],
) -> T:
    """Return what *told* makes of the answer to *arguments*; both are called in a thread."""
    method, codec = served.method, service.model.codec
    exchange = codec.exchange()
    try:
        message = await asyncio.to_thread(lambda: codec.from_json(arguments(), method.spec.input, exchange))
    except CallError as error:
        raise arguments_do_not_fit(method.spec.name, error) from None
    answer = await service.call(method, message, request_id=request_id, gone=gone())
    if answer is None:
        raise ClientDisconnect
    try:
        return await asyncio.to_thread(lambda: told(codec.to_json(answer, method.spec.output, exchange)))
    except CallError as error:
        raise service.failure(method, ModelError(f"the answer does not fit: {error}"), request_id) from None


def _written(found: Any) -> bytes:  # noqa: ANN401 - JSON
    return write_json({"predictions": found})


def _has_rows(field: Field) -> bool:
    kind = field.type
    return isinstance(kind, ListOf) or (isinstance(kind, TensorOf) and not isinstance((*kind.shape, 0)[0], int))


def _columns(instances: list[Any], taken: Message) -> dict[str, Any]:
    """Return the arguments whose rows the instances are; a value that an instance lacks is missing in its column."""
    names = [field.name for field in taken.fields]
    if len(names) == 1:
        bare = [one[names[0]] if isinstance(one, dict) and list(one) == names else one for one in instances]
        return {names[0]: bare}
    columns: dict[str, list[Any]] = {}
    for i, one in enumerate(instances):
        row = dict(zip(names, one, strict=False)) if isinstance(one, list) and len(one) == len(names) else one
        if not isinstance(row, dict):
            said = f"instances[{i}]: is no row: an object with, or a list of, {', '.join(names)}"
            raise ProblemError("arguments-do-not-fit", said)
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns if instances else {field.name: [] for field in taken.fields if field.is_required}


def _rows(answer: dict[str, Any], given: Message, count: int) -> Any:  # noqa: ANN401 - JSON
    if not all(isinstance(one, list) and len(one) == count for one in answer.values()):
        return _bare(answer, given)
    if len(given.fields) == 1:
        return _bare(answer, given)
    return [dict(zip(answer, row, strict=True)) for row in zip(*answer.values(), strict=True)]


def _bare(answer: dict[str, Any], given: Message) -> Any:  # noqa: ANN401 - JSON
    return answer[given.fields[0].name] if len(given.fields) == 1 else answer
