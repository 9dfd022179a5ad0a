"""The standard health service (https://github.com/grpc/grpc/blob/master/doc/health-checking.md)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from modelport.serve.grpc.descriptors import file_of
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    from modelport.serve.grpc.calls import Context
    from modelport.serve.grpc.descriptors import Classes
    from modelport.serve.oip.models import Models

__all__ = ["SERVICE", "Health", "health_file"]

SERVICE = "grpc.health.v1.Health"

_STATES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
_SECONDS = 0.5  # between two looks of those who watch


def health_file() -> FileDescriptorProto:
    """Return the descriptor of the health service's file."""
    messages = """
        HealthCheckRequest: 1 string service
        HealthCheckResponse: 1 enum/HealthCheckResponse.ServingStatus status
    """
    methods = ["Check HealthCheckRequest HealthCheckResponse", "Watch HealthCheckRequest ~HealthCheckResponse"]
    file = file_of("grpc/health/v1/health.proto", "grpc.health.v1", messages, "Health", methods)
    states = file.message_type[1].enum_type.add(name="ServingStatus")
    for number, name in enumerate(_STATES):
        states.value.add(name=name, number=number)
    return file


class Health:
    """Answers whether calls are answered: by the whole server, and by each of its services alike."""

    def __init__(self, models: Models, services: Collection[str], classes: Classes) -> None:
        self._models = models
        self._services = {"", *services}
        self._response = classes["grpc.health.v1.HealthCheckResponse"]
        self.stopping = asyncio.Event()

    async def check(self, request: Any, _context: Context) -> Any:  # noqa: ANN401 - a class made at run time
        """Answer once."""
        if request.service not in self._services:
            raise ProblemError("not-found", f"there is no service {request.service[:128]!r}")
        return self._response(status=self._state(request.service))

    async def watch(self, request: Any, _context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - a class made at run time
        """Answer now and whenever the answer becomes another, until the server stops."""
        told = None
        while True:
            stopping = self.stopping.is_set()
            state = self._state(request.service)
            if state != told:
                told = state
                yield self._response(status=state)
            if stopping:
                return
            try:
                await asyncio.wait_for(self.stopping.wait(), _SECONDS)
            except TimeoutError:
                continue

    def _state(self, service: str) -> int:
        if service not in self._services:
            return _STATES.index("SERVICE_UNKNOWN")
        serving = self._models.ready and not self.stopping.is_set()
        return _STATES.index("SERVING" if serving else "NOT_SERVING")
