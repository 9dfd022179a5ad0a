"""The gRPC server: its services, its limits, its port, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from modelport.errors import SetupError
from modelport.model.proto import file_descriptor
from modelport.serve.grpc import health, protocol
from modelport.serve.grpc.arrivals import Arrivals, Places
from modelport.serve.grpc.calls import Calls, Way
from modelport.serve.grpc.descriptors import Classes
from modelport.serve.grpc.health import Health, health_file
from modelport.serve.grpc.inference import Inference
from modelport.serve.grpc.own import own_handler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    from modelport.serve.limits import Limits
    from modelport.serve.service import Service

__all__ = ["Listening", "start_grpc"]

_ENVELOPE = 64 * 1024  # bytes of a message besides the tensors in it: names, shapes
_HEAD_BYTES = 16 * 1024
_OTHERS = 64  # calls of each kind that is not about the model
_REFUSED = 256  # calls that are open only as long as it takes to refuse them
_IDLE_MS = 600_000  # until a connection without calls is closed
_PING_MS, _PONG_MS = 60_000, 20_000  # who is not there any more is noticed


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that listens.

    Attributes:
        server: grpcio's server.
        address: Its address as a URL, ``grpc://HOST:PORT``.
        health: What tells the world whether it serves.
        arrivals: What reads the messages of calls.
    """

    server: Any
    address: str
    health: Health
    arrivals: Arrivals

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and let the open ones end within *seconds*."""
        self.health.stopping.set()
        self.arrivals.stop()
        await self.server.stop(seconds)


async def start_grpc(service: Service, host: str, port: int) -> Listening:
    """Start the gRPC doors of *service* in the running event loop.

    Args:
        service: The service.
        host: The address to listen on.
        port: The port; 0 takes any free one.

    Raises:
        SetupError: The port is taken, or the address is not this machine's.
    """
    limits, spec = service.limits, service.model.spec
    places = _Places.of(limits)
    own = f"{spec.proto_package}.Model"
    server = grpc.aio.server(
        interceptors=_interceptors(own, service),
        options=[
            ("grpc.max_receive_message_length", limits.body_bytes + _ENVELOPE),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", _HEAD_BYTES),
            ("grpc.compression_enabled_algorithms_bitset", 1),  # none: a megabyte can unpack to a gigabyte
            ("grpc.so_reuseport", 0),  # two servers on one port would share the calls between them
            ("grpc.max_concurrent_streams", places.most),  # of one connection
            ("grpc.max_connection_idle_ms", _IDLE_MS),
            ("grpc.keepalive_time_ms", _PING_MS),
            ("grpc.keepalive_timeout_ms", _PONG_MS),
        ],
        maximum_concurrent_rpcs=places.most,
    )
    names = (own, protocol.SERVICE, health.SERVICE, reflection.SERVICE_NAME)
    of_reflection = _copied(reflection_pb2.DESCRIPTOR)
    classes = Classes([of_reflection, file_descriptor(spec), protocol.protocol_file(), health_file()])
    models = service.models
    calls, told = Calls(service), Health(models, names, classes)
    server.add_generic_rpc_handlers(
        (
            _own_handlers(own, service, calls, places),
            _protocol_handlers(Inference(service, models, classes), classes, calls, places),
            _health_handlers(told, classes, calls, places),
            _reflection_handlers(names, classes, calls, places),
        )
    )
    shown = f"[{host}]" if ":" in host else host
    try:
        taken = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError as error:
        hint = "stop what listens there, or give another --grpc-port (0 takes any free one)"
        raise SetupError(f"cannot listen for gRPC on {host} port {port}", hint=hint) from error
    await server.start()
    return Listening(server, f"grpc://{shown}:{taken}", told, calls.arrivals)


def _interceptors(own: str, service: Service) -> list[Any]:
    if service.tracing is None:
        return []
    from modelport.serve.grpc.tracing import TracedCalls

    paths = {f"/{own}/{name}" for name in service.model.methods}
    paths |= {f"/{protocol.SERVICE}/{name}" for name in ("ModelInfer", "ModelStreamInfer")}
    return [TracedCalls(service.tracing, paths)]


@dataclass(frozen=True, slots=True)
class _Places:
    """How many calls of each kind may be open: none of them takes another kind's places."""

    calls: Places
    streams: Places
    checks: Places
    watches: Places
    reflections: Places

    @classmethod
    def of(cls, limits: Limits) -> _Places:
        return cls(
            Places(limits.uploads + limits.waiting + limits.workers, "calls", limits.uploads),
            Places(limits.streams, "streams", limits.uploads),
            Places(_OTHERS, "checks of health", _OTHERS),
            Places(_OTHERS, "watches of health", _OTHERS),
            Places(_OTHERS, "reflections", _OTHERS),
        )

    @property
    def most(self) -> int:
        """How many may be open in all, those included that are being refused."""
        kinds = (self.calls, self.streams, self.checks, self.watches, self.reflections)
        return sum(one.most for one in kinds) + _REFUSED


def _own_handlers(name: str, service: Service, calls: Calls, places: _Places) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    handlers = {}
    for one, method in service.model.methods.items():
        kind = places.streams if method.spec.streams else places.calls
        handlers[one] = own_handler(method, service, calls, f"/{name}/{one}", kind)
    return grpc.method_handlers_generic_handler(name, handlers)


def _protocol_handlers(inference: Inference, classes: Classes, calls: Calls, places: _Places) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    handlers = {}
    for method in protocol.protocol_file().service[0].method:
        path, (read, write) = f"/{protocol.SERVICE}/{method.name}", _forms(method, classes)
        answer = getattr(inference, method.name)
        if method.server_streaming:
            handlers[method.name] = calls.stream(answer, Way(path, places.streams, read, patience=0.0))
        elif method.name == "ModelInfer":
            handlers[method.name] = calls.one(answer, Way(path, places.calls, read))
        else:
            handlers[method.name] = calls.one(answer, Way(path, places.calls, read, write))
    for name in protocol.NOT_OFFERED:
        handlers[name] = calls.one(inference.not_offered, Way(f"/{protocol.SERVICE}/{name}", places.calls))
    return grpc.method_handlers_generic_handler(protocol.SERVICE, handlers)


def _health_handlers(told: Health, classes: Classes, calls: Calls, places: _Places) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    check, watch = (_forms(method, classes) for method in health_file().service[0].method)
    path = f"/{health.SERVICE}"
    handlers = {
        "Check": calls.one(told.check, Way(f"{path}/Check", places.checks, *check)),
        "Watch": calls.stream(told.watch, Way(f"{path}/Watch", places.watches, *watch)),
    }
    return grpc.method_handlers_generic_handler(health.SERVICE, handlers)


def _reflection_handlers(names: Sequence[str], classes: Classes, calls: Calls, places: _Places) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    servicer = reflection.aio.ReflectionServicer(names, pool=classes.pool)
    path, (method,) = f"/{reflection.SERVICE_NAME}", _copied(reflection_pb2.DESCRIPTOR).service[0].method
    request, response = reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse
    way = Way(f"{path}/{method.name}", places.reflections, request.FromString, response.SerializeToString, patience=0.0)
    handlers = {method.name: calls.stream(servicer.ServerReflectionInfo, way)}
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, handlers)


def _forms(method: descriptor_pb2.MethodDescriptorProto, classes: Classes) -> tuple[Any, Any]:
    """Return what reads and what writes the messages of a method."""
    taken, given = (classes[name.removeprefix(".")] for name in (method.input_type, method.output_type))
    return taken.FromString, given.SerializeToString


def _copied(descriptor: Any) -> FileDescriptorProto:  # noqa: ANN401 - protobuf's, from a module without types
    file = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(file)
    return file
