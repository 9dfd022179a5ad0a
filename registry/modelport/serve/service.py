"""A model in service: what the endpoints share, and whether it is ready."""

from __future__ import annotations

import asyncio
import logging
from copy import copy
from functools import cached_property, partial
from time import perf_counter
from typing import TYPE_CHECKING

from modelport.errors import CallError, ModelportError
from modelport.serve.batches import Line
from modelport.serve.body import Uploads
from modelport.serve.metrics import Metrics
from modelport.serve.outbox import Outbox
from modelport.serve.printed import WARM_UP
from modelport.serve.problem import ProblemError, arguments_do_not_fit
from modelport.serve.rows import Rows
from modelport.serve.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeAlias

    from modelport.model import Example, Method, Model
    from modelport.serve.batches import Run
    from modelport.serve.info import ServiceInfo
    from modelport.serve.limits import Limits
    from modelport.serve.oip.models import Models
    from modelport.serve.tracing import Tracing

    Call: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
    """What `Service.call` is."""

__all__ = ["Service"]

log = logging.getLogger(__name__)

_QUICK = 0.05  # seconds; what takes longer at first is no method for the event loop, or shows that later
_TRIES = 4


class Service:
    """A model, what is known about it, and the threads that run it.

    Attributes:
        model: The model.
        info: What is known about it.
        limits: What callers may cost.
        uploads: The bodies that are being read.
        outbox: The answers that are about to be sent.
        workers: The threads that run the model.
        settled: Set when the first golden example has answered or failed.
        metrics: What is counted.
        grpc_address: Where its gRPC doors are, when they are open.
        streams: How many streams are open.
        tracing: What makes spans; None where nobody asked for traces.
    """

    def __init__(self, model: Model, info: ServiceInfo, limits: Limits) -> None:
        self.model = model
        self.info = info
        self.limits = limits
        self.metrics = Metrics(info, model.methods)
        self.uploads = Uploads(limits)
        self.outbox = Outbox()
        self.workers = Workers(limits.workers, limits.waiting, limits.waiting_rows, limits.waiting_bytes, self._ran)
        self.metrics.queue(lambda: self.workers.waiting)
        self._lines = {name: self._line(method) for name, method in model.methods.items()}
        self.settled = asyncio.Event()
        self.failed = False
        self.grpc_address = ""
        self.streams = 0
        self.tracing: Tracing | None = None
        self.stops = False

    @cached_property
    def models(self) -> Models:
        """What the Open Inference Protocol sees of it, by REST and by gRPC."""
        from modelport.serve.oip.models import Models

        return Models(self)

    def trace(self, tracing: Tracing) -> None:
        """Make spans of calls from now on, whatever door they come by."""
        self.tracing = tracing
        self.call = tracing.around_call(self.call)  # type: ignore[method-assign] # so that it costs nothing otherwise

    def stop(self) -> None:
        """Be not ready from now on; calls are still answered."""
        self.stops = True

    async def warm_up(self) -> None:
        """Call the first golden example: what a model loads or compiles late is then done before the first caller.

        Only that it answers counts. Whether the answer is right on this machine is for checks and their tolerances.
        """
        try:
            if self.model.examples:
                await self._try(self.model.examples[0])
        except (ModelportError, ProblemError):
            self.failed = True
            log.exception("the first golden example failed")
        self.settled.set()

    async def _try(self, example: Example) -> None:
        """Call an example until it is known how long it takes; nobody asked for that, and it is not counted."""
        method, start = self.model.methods[example.method], perf_counter()
        line = copy(self._lines[example.method])  # with the same pace
        line.name = ""
        await self.workers.run(partial(self.model.replay, example), request_id=WARM_UP)
        if perf_counter() - start < _QUICK and not method.spec.streams:
            for _ in range(_TRIES):
                message = self.model.codec.from_json(example.input, method.spec.input)
                await self.workers.call(line, message, seconds=None, request_id=WARM_UP)

    def _line(self, method: Method) -> Line:
        spec, limits = method.spec, self.limits
        rows, independent = Rows.of(self.model.codec, spec.input, spec.output), spec.name in self.info.row_methods
        return Line(spec.name, method, rows, independent=independent, most=limits.batch_rows, largest=limits.rows)

    def _ran(self, run: Run) -> None:
        self.outbox.expect(len(run.calls))
        for rows, calls, seconds in run.measures:
            if run.line.name:
                self.metrics.batch(run.line.name, rows, calls, seconds)

    async def call(
        self,
        method: Method,
        message: object,
        *,
        request_id: str,
        gone: Coroutine[Any, Any, object] | None = None,
        body: int = 0,
    ) -> Any:  # noqa: ANN401 - the user's own classes
        """Return what *method* answers to its native input *message*: where all doors of the service meet.

        Args:
            method: One of the model's methods.
            message: Its input message, read and found to fit.
            request_id: What the log is to say.
            gone: Ends when the caller has gone away.
            body: How many bytes the caller sent.

        Returns:
            The native output message; None when the caller went away first.

        Raises:
            ProblemError: The line is full, the time is over, the model failed, or it refuses these arguments.
        """
        flights = self.metrics.in_flight
        flights.inc()
        try:
            line = self._lines[method.spec.name]
            seconds = self.limits.call_seconds
            return await self.workers.call(line, message, seconds=seconds, gone=gone, body=body, request_id=request_id)
        except ProblemError:
            raise
        except CallError as error:  # a model file's graph has the last word on what fits
            raise arguments_do_not_fit(method.spec.name, error) from None
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is logged, and told as a failure
            raise self.failure(method, error, request_id) from None
        finally:
            flights.dec()

    def failure(self, method: Method, error: Exception, request_id: str) -> ProblemError:
        """Log *error*, and return what the caller is told of it."""
        name = method.spec.name
        log.error("%s failed", name, exc_info=error, extra={"request_id": request_id})
        said = f"{name} failed on these arguments; the service's log says why under this request's id, {request_id}"
        return ProblemError("model-failed", said)

    def check_ready(self) -> None:
        """Raise ProblemError unless calls will be answered."""
        if self.stops:
            raise ProblemError("not-ready", "the service stops")
        if not self.settled.is_set():
            raise ProblemError("not-ready", "the first golden example has not answered yet")
        if self.failed:
            raise ProblemError("not-ready", "the first golden example failed; the service's log says why")
        if self.workers.stuck:
            raise ProblemError("not-ready", "every worker is held by a call that is past its time")
