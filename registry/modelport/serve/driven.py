"""A coroutine that is run without a task.

To make a task, and to begin it a turn of the event loop later, costs what a small model takes in all. This is what
tasks that begin at once do in Python 3.12, for coroutines that do not ask for their task, as `asyncio.timeout` does.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Driven"]


class Driven:
    """One coroutine, which waits for futures of the running event loop and for nothing else.

    Args:
        coroutine: It raises nothing: nobody waits for what becomes of it.
        among: Holds it until it has ended.
    """

    __slots__ = ("_among", "_context", "_coroutine", "_waits")

    def __init__(self, coroutine: Coroutine[Any, Any, object], among: set[Any]) -> None:
        self._coroutine = coroutine
        self._among = among
        self._context = copy_context()
        self._waits: Any = None

    def start(self) -> None:
        """Run it until it waits."""
        self._among.add(self)
        self._context.run(self._step)

    def cancel(self, msg: object = None) -> None:
        """Raise CancelledError where it waits."""
        if self._waits is not None:
            self._waits.remove_done_callback(self._step)
        asyncio.get_running_loop().call_soon(self._step, None, asyncio.CancelledError(msg), context=self._context)

    def _step(self, _: object = None, error: BaseException | None = None) -> None:
        try:
            waits = self._coroutine.throw(error) if error else self._coroutine.send(None)
        except StopIteration:
            self._among.discard(self)
            return
        except BaseException:
            self._among.discard(self)
            raise
        self._waits = waits
        if waits is None:  # it gives way to others
            asyncio.get_running_loop().call_soon(self._step, context=self._context)
        else:
            waits._asyncio_future_blocking = False  # noqa: SLF001 - so futures and tasks agree that it is waited for
            waits.add_done_callback(self._step, context=self._context)
