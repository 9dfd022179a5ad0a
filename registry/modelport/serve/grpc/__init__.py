"""The service's gRPC doors, on a port of their own: ``modelport serve --grpc-port N``.

=============================================  =========================================================
``modelport.s<digest>.Model``                  the model's own methods, as its ``.proto`` has them: `own`
``inference.GRPCInferenceService``             the Open Inference Protocol, version 2: `inference`
``grpc.health.v1.Health``                      whether calls are answered: `health`
``grpc.reflection.v1alpha.ServerReflection``   all of these, for clients without a ``.proto``: grpcio's own
=============================================  =========================================================

They run in the service's event loop and end in the same `Service.call` as all others. No code is generated: the
messages' classes are made from descriptors when the server starts (`descriptors`), so that no version of protobuf is
the wrong one. `calls` makes a problem a status, and gives each call its id, its line in the log and its place in the
metrics. grpcio is only imported where the port is asked for.
"""

from __future__ import annotations

from modelport.serve.grpc.server import Listening, start_grpc

__all__ = ["Listening", "start_grpc"]
