"""Reading a call's body: no more bytes and no more time than the limits give, however it is sent."""

from __future__ import annotations

import asyncio
import gc
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect

from modelport.serve.problem import ProblemError
from modelport.serve.reading import INLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Receive

    from modelport.serve.limits import Limits

__all__ = ["Uploads", "gone"]

T = TypeVar("T")
_LARGE = 2**20  # bytes of a body that takes turns with others of its kind


async def gone(receive: Receive) -> None:
    """Return when the caller has closed the connection; the body has been read by then."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Uploads:
    """The bodies that are being read; there are at most ``limits.uploads``."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open = 0
        self._turn = asyncio.Lock()

    async def message(
        self, read: Callable[[bytes], T], declared: str, receive: Receive, here: bytes | None = None
    ) -> tuple[T, int]:
        """Return what *read* makes of a body, and how many bytes that had; the body counts as being read until then.

        Larger ones are read in a thread, and very large ones one after another: the interpreter runs one at a time
        anyway, and each takes memory.

        Args:
            read: Reads a body; what it raises is raised.
            declared: The Content-Length, if there is one.
            receive: As ASGI has it.
            here: The body, if it is here.

        Raises:
            ProblemError: As :meth:`receive`.
            ClientDisconnect: As :meth:`receive`.
        """
        if here is not None and len(here) <= INLINE:
            self._check(len(here))
            return read(here), len(here)
        self._enter()
        try:
            body = await self._whole(declared, receive) if here is None else here
            size = len(body)
            self._check(size)
            if size <= INLINE:
                return read(body), size
            if size <= _LARGE:
                return await asyncio.to_thread(read, body), size
            async with self._turn:
                return await asyncio.to_thread(_without_collector, partial(read, body)), size
        finally:
            self._open -= 1

    async def read(self, request: Request) -> bytes:
        """Return the whole body of *request*; raises as :meth:`receive` does."""
        return await self.receive(request.headers.get("content-length", ""), request.receive)

    async def receive(self, declared: str, receive: Receive, here: bytes | None = None) -> bytes:
        """Return the whole body that *receive* gives, or *here*, if it is here already.

        A refused body is not read on here: the server throws the rest away and closes after ``head_seconds``.

        Args:
            declared: The Content-Length, if there is one.
            receive: As ASGI has it.
            here: The body, if it is here.

        Raises:
            ProblemError: It is too large, comes too slowly, or too many others are being read.
            ClientDisconnect: The client went away.
        """
        if here is not None:
            self._check(len(here))
            return here
        self._enter()
        try:
            return await self._whole(declared, receive)
        finally:
            self._open -= 1

    def _enter(self) -> None:
        if self._open >= self._limits.uploads:
            raise ProblemError("overloaded", f"{self._limits.uploads} bodies are being read already; try again")
        self._open += 1

    def _check(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise self._too_large()

    async def _whole(self, declared: str, receive: Receive) -> bytes:
        limits = self._limits
        if declared.isdigit():
            self._check(int(declared[:19]))  # as many digits as 2**63 has
        try:
            async with asyncio.timeout(limits.body_seconds):
                return await self._collect(receive)
        except TimeoutError:
            detail = f"the body was not here after {limits.body_seconds:g} seconds"
            raise ProblemError("slow-body", detail, headers={"Connection": "close"}) from None

    async def _collect(self, receive: Receive) -> bytes:
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limits.body_bytes:
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body"):
                return b"".join(chunks)

    def _too_large(self) -> ProblemError:
        return ProblemError("body-too-large", f"a body has at most {self._limits.body_bytes} bytes")


def _without_collector(work: Callable[[], T]) -> T:
    """Return what *work* returns: looking for garbage among a million new lists takes longer than making them."""
    if not gc.isenabled():
        return work()
    gc.disable()
    try:
        return work()
    finally:
        gc.enable()
