"""The model's own service: the methods and messages of its ``.proto``, bytes in and bytes out.

protobuf's classes do not touch them first: the codec reads a message's bytes as ``POST /model/methods/<method>`` does.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from modelport.errors import CallError, ModelError
from modelport.model.exchange import Exchange
from modelport.serve.oip.infer import READ_INLINE
from modelport.serve.problem import arguments_do_not_fit

if TYPE_CHECKING:
    from modelport.model import Method
    from modelport.serve.grpc.calls import Context
    from modelport.serve.service import Service

__all__ = ["OwnMethod"]


class OwnMethod:
    """Answers the calls of one method.

    Attributes:
        method: The method.
    """

    def __init__(self, method: Method, service: Service) -> None:
        self.method = method
        self._service = service
        self._way = service.model.codec.bytes_way(method.spec)

    async def answer(self, data: bytes, context: Context) -> bytes:
        """Return the answer to the input message in *data*; raise ProblemError for whatever stands in its way."""
        context.method = self.method.spec.name
        read = partial(self._read, data)
        message, sizes = read() if len(data) <= READ_INLINE else await asyncio.to_thread(read)
        answer = await self._service.call(self.method, message, request_id=context.request_id)
        try:
            write = partial(self._write, answer, sizes)
            return write() if len(data) <= READ_INLINE else await asyncio.to_thread(write)
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything while it is read
            raise self._service.failure(self.method, error, context.request_id) from None

    def _read(self, data: bytes) -> tuple[Any, Any]:
        """Return the native input message, and the sizes that its answer has to agree with."""
        sizes: dict[str, Any] = {}
        message = self._way.quick_read(data, sizes)
        if message is not None:
            return message, sizes
        exchange = Exchange()
        try:
            return self._way.read(data, self.method.spec.input, exchange), exchange.sizes
        except CallError as error:
            raise arguments_do_not_fit(self.method.spec.name, error) from None

    def _write(self, answer: Any, sizes: dict[str, Any]) -> bytes:  # noqa: ANN401 - the user's own classes
        written = self._way.quick_write(answer, sizes.copy())
        if written is not None:
            return written  # type: ignore[no-any-return]
        try:
            return self._way.write(answer, self.method.spec.output, Exchange(sizes=sizes))  # type: ignore[no-any-return]
        except CallError as error:
            raise ModelError(f"{self.method.spec.name} gave an answer that does not fit: {error}") from error
