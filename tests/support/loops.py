"""An event loop for tests whose thread may have a browser's already, which keeps it running for the whole session."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def in_loop(work: Coroutine[object, object, T]) -> T:
    """Return what *work* returns in an event loop of its own, in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
