"""Reading a call's body: no more bytes and no more time than the limits give, however it is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive

    from modelport.serve.limits import Limits

__all__ = ["Uploads"]


class Uploads:
    """The bodies that are being read; there are at most ``limits.uploads``."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open = 0

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
        limits = self._limits
        if here is not None:
            if len(here) > limits.body_bytes:
                raise self._too_large()
            return here
        if self._open >= limits.uploads:
            raise ProblemError("overloaded", f"{limits.uploads} bodies are being read already; try again")
        if declared.isdigit() and (len(declared) > 18 or int(declared) > limits.body_bytes):  # noqa: PLR2004 - of 2**63
            raise self._too_large()
        self._open += 1
        try:
            async with asyncio.timeout(limits.body_seconds):
                return await self._collect(receive)
        except TimeoutError:
            detail = f"the body was not here after {limits.body_seconds:g} seconds"
            raise ProblemError("slow-body", detail, headers={"Connection": "close"}) from None
        finally:
            self._open -= 1

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
