"""A model in service: what the endpoints share, and whether it is ready."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from modelport.errors import ModelportError
from modelport.serve.body import Uploads
from modelport.serve.problem import ProblemError
from modelport.serve.workers import Workers

if TYPE_CHECKING:
    from modelport.model import Model
    from modelport.serve.info import ServiceInfo
    from modelport.serve.limits import Limits

__all__ = ["Service"]

log = logging.getLogger(__name__)


class Service:
    """A model, what is known about it, and the threads that run it.

    Attributes:
        model: The model.
        info: What is known about it.
        limits: What callers may cost.
        uploads: The bodies that are being read.
        workers: The threads that run the model.
        settled: Set when the first golden example has answered or failed.
    """

    def __init__(self, model: Model, info: ServiceInfo, limits: Limits) -> None:
        self.model = model
        self.info = info
        self.limits = limits
        self.uploads = Uploads(limits)
        self.workers = Workers(limits.workers, limits.waiting)
        self.settled = asyncio.Event()
        self.failed = False

    async def warm_up(self) -> None:
        """Call the first golden example: what a model loads or compiles late is then done before the first caller.

        Only that it answers counts. Whether the answer is right on this machine is for checks and their tolerances.
        """
        try:
            if self.model.examples:
                example = self.model.examples[0]
                work = partial(self.model.methods[example.method].call_json, example.input)
                await self.workers.run(work, seconds=None, gone=asyncio.Event().wait())
        except (ModelportError, ProblemError):
            self.failed = True
            log.exception("the first golden example failed")
        self.settled.set()

    def check_ready(self) -> None:
        """Raise ProblemError unless calls will be answered."""
        if not self.settled.is_set():
            raise ProblemError("not-ready", "the first golden example has not answered yet")
        if self.failed:
            raise ProblemError("not-ready", "the first golden example failed; the service's log says why")
        if self.workers.stuck:
            raise ProblemError("not-ready", "every worker is held by a call that is past its time")
