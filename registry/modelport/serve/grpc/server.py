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
from modelport.serve.grpc.calls import Calls
from modelport.serve.grpc.descriptors import Classes
from modelport.serve.grpc.health import Health, health_file
from modelport.serve.grpc.inference import Inference
from modelport.serve.grpc.own import own_handler

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    from modelport.serve.service import Service

__all__ = ["Listening", "start_grpc"]

_ENVELOPE = 64 * 1024  # bytes of a message besides the tensors in it: names, shapes
_HEAD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that listens.

    Attributes:
        server: grpcio's server.
        address: Its address as a URL, ``grpc://HOST:PORT``.
        health: What tells the world whether it serves.
    """

    server: Any
    address: str
    health: Health

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and let the open ones end within *seconds*."""
        self.health.stopping.set()
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
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.body_bytes + _ENVELOPE),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", _HEAD_BYTES),
            ("grpc.compression_enabled_algorithms_bitset", 1),  # none: a megabyte can unpack to a gigabyte
            ("grpc.so_reuseport", 0),  # two servers on one port would share the calls between them
        ],
        maximum_concurrent_rpcs=limits.uploads + limits.waiting + limits.workers,
    )
    own = f"{spec.proto_package}.Model"
    names = (own, protocol.SERVICE, health.SERVICE, reflection.SERVICE_NAME)
    of_reflection = _copied(reflection_pb2.DESCRIPTOR)
    classes = Classes([of_reflection, file_descriptor(spec), protocol.protocol_file(), health_file()])
    models = service.models
    calls, told = Calls(service), Health(models, names, classes)
    server.add_generic_rpc_handlers(
        (
            _own_handlers(own, service, calls),
            _protocol_handlers(Inference(service, models, classes), classes, calls),
            _health_handlers(told, classes, calls),
        )
    )
    reflection.enable_server_reflection(names, server, pool=classes.pool)
    shown = f"[{host}]" if ":" in host else host
    try:
        taken = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError as error:
        hint = "stop what listens there, or give another --grpc-port (0 takes any free one)"
        raise SetupError(f"cannot listen for gRPC on {host} port {port}", hint=hint) from error
    await server.start()
    return Listening(server, f"grpc://{shown}:{taken}", told)


def _own_handlers(name: str, service: Service, calls: Calls) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    methods = service.model.methods.items()
    handlers = {one: own_handler(method, service, calls, f"/{name}/{one}") for one, method in methods}
    return grpc.method_handlers_generic_handler(name, handlers)


def _protocol_handlers(inference: Inference, classes: Classes, calls: Calls) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    handlers = {}
    for method in protocol.protocol_file().service[0].method:
        path, forms = f"/{protocol.SERVICE}/{method.name}", _forms(method, classes)
        answer = getattr(inference, method.name)
        if method.server_streaming:
            handlers[method.name] = grpc.stream_stream_rpc_method_handler(calls.stream(answer, path), *forms)
        else:
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(calls.one(answer, path), *forms)
    for name in protocol.NOT_OFFERED:
        path = f"/{protocol.SERVICE}/{name}"
        handlers[name] = grpc.unary_unary_rpc_method_handler(calls.one(inference.not_offered, path))
    return grpc.method_handlers_generic_handler(protocol.SERVICE, handlers)


def _health_handlers(told: Health, classes: Classes, calls: Calls) -> Any:  # noqa: ANN401 - grpcio's, which has no types
    check, watch = (_forms(method, classes) for method in health_file().service[0].method)
    path = f"/{health.SERVICE}"
    handlers = {
        "Check": grpc.unary_unary_rpc_method_handler(calls.one(told.check, f"{path}/Check"), *check),
        "Watch": grpc.unary_stream_rpc_method_handler(calls.stream(told.watch, f"{path}/Watch"), *watch),
    }
    return grpc.method_handlers_generic_handler(health.SERVICE, handlers)


def _forms(method: descriptor_pb2.MethodDescriptorProto, classes: Classes) -> tuple[Any, Any]:
    """Return what reads and what writes the messages of a method."""
    taken, given = (classes[name.removeprefix(".")] for name in (method.input_type, method.output_type))
    return taken.FromString, given.SerializeToString


def _copied(descriptor: Any) -> FileDescriptorProto:  # noqa: ANN401 - protobuf's, from a module without types
    file = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(file)
    return file
