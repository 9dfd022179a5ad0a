"""The microservice: a model's methods over HTTP, and over gRPC where that is asked for.

=====================================  ==================================================================
``POST /model/methods/<method>``       a call, JSON or protobuf in and out: see `calls`, `media`, `json_text`
``/v2``, ``/v1/models``                the same by the Open Inference Protocol: see `oip`; by gRPC: `grpc`
``GET /model/artifacts/metadata``      what is served; also ``protobuf`` and ``license``: see `documents`
``GET /openapi.json``                  the contract, with the model's messages and examples: see `openapi`
``GET /health/live``, ``/health/ready``  the process runs; calls are answered: see `service`
``GET /``                              a page for people: see `page`
=====================================  ==================================================================

Every error is a problem (`problem`), every cost has a limit (`limits`). The model runs in threads of its own behind a
bounded line (`workers`). ``create_app`` gives the ASGI application, ``run`` the process around it (`server`), which
``python -m modelport.serve`` starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.serve.address import bind
    from modelport.serve.app import create_app
    from modelport.serve.info import ServiceInfo
    from modelport.serve.limits import Limits
    from modelport.serve.server import run, run_model

__all__ = ["Limits", "ServiceInfo", "bind", "create_app", "run", "run_model"]

_HOME = {
    "Limits": "limits", "ServiceInfo": "info", "bind": "address", "create_app": "app", "run": "server",
    "run_model": "server",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import each name on first use: a command's ``--help`` needs no web server."""
    if name in _HOME:
        return getattr(import_module(f"modelport.serve.{_HOME[name]}"), name)
    raise AttributeError(f"module 'modelport.serve' has no attribute {name!r}")
