"""Modelport: an app store for machine-learning models that needs no server.

A typed Python function becomes a *package* (a folder), the package becomes an OCI *artifact* (a digest), a catalog
*entry* pins that digest, the *site* shows the entry, and the *service* answers calls. One room holds one idea:

========== =============================================================================================
``model``    typed functions -> signature -> protobuf; native, JSON and protobuf forms of a value
``package``  pack and load: state, code, requirements, examples; the package as a ModelPack artifact
``oci``      the embedded store (an OCI image layout) and the client of a real registry; knows no models
``sdk``      `pack`: a model from a script or a notebook into the store
``serve``    the microservice
``client``   a service's methods as typed functions, and clients in other languages
``catalog``  entries, their checks and the problems found
``acumos``   the API of the Acumos paper, over the rooms above
``cli``      one thin file per command; the only place that writes to the terminal
========== =============================================================================================

``types``, ``errors``, ``schema``, ``strict_json`` and ``words`` may be imported by every room; ``settings`` is the only
reader of the environment.

    >>> from modelport import Model
    >>> def double(x: float) -> float:
    ...     return 2 * x
    >>> Model(double=double).call("double", {"x": 2.0})
    {'value': 4.0}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.client import AsyncRemoteModel, RemoteModel, Retries, ServiceError, connect, connect_async
    from modelport.model import About, Evaluation, Frame, Image, Model, Tensor
    from modelport.package.changes import Changes
    from modelport.package.files.onnx import OnnxModel
    from modelport.package.files.ports import Port
    from modelport.sdk import pack

__all__ = [
    "About", "AsyncRemoteModel", "Changes", "Evaluation", "Frame", "Image", "Model", "OnnxModel", "Port", "RemoteModel",
    "Retries", "ServiceError", "Tensor", "__version__", "connect", "connect_async", "pack",
]  # fmt: skip

__version__ = "0.1.0"


_HOME = {
    "About": "model", "Evaluation": "model", "Frame": "model", "Image": "model", "Model": "model", "Tensor": "model",
    "Changes": "package.changes", "OnnxModel": "package.files.onnx", "Port": "package.files.ports", "pack": "sdk",
    "AsyncRemoteModel": "client", "RemoteModel": "client", "Retries": "client", "ServiceError": "client",
    "connect": "client", "connect_async": "client",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import the public names on first use, so that ``import modelport`` stays quick."""
    if name in _HOME:
        return getattr(import_module(f"modelport.{_HOME[name]}"), name)
    raise AttributeError(f"module 'modelport' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
