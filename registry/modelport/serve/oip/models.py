"""The models that the protocol sees: the served model by its name, and each of its methods as NAME.METHOD.

The protocol knows no methods. Its model NAME is the first method; NAME.METHOD is each of them, the first, too. Methods
that take or give a stream are none of its models.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import modelport
from modelport.serve.oip.mapping import MethodTensors
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelport.model import Method
    from modelport.serve.oip.fields import FieldTensor
    from modelport.serve.service import Service

__all__ = ["EXTENSIONS", "Models", "Served", "server_metadata"]

EXTENSIONS = ("binary_tensor_data", "statistics")
"""The protocol's extensions that are there in full."""


@dataclass(slots=True)
class _Count:
    count: int = 0
    ns: int = 0

    def add(self, ns: int) -> None:
        self.count += 1
        self.ns += ns


@dataclass(slots=True)
class Statistics:
    """What was asked of one model by this protocol.

    Attributes:
        success: Answered calls, with the time they took from their body's end to their answer.
        fail: Calls that ended otherwise.
        last_ms: When the last one ended, in milliseconds since 1970.
    """

    success: _Count = field(default_factory=_Count)
    fail: _Count = field(default_factory=_Count)
    last_ms: int = 0

    def add(self, *, answered: bool, seconds: float) -> None:
        """Count a call."""
        (self.success if answered else self.fail).add(int(seconds * 1e9))
        self.last_ms = int(time.time() * 1000)


class Served:
    """A method under one of its names.

    Attributes:
        name: The name.
        version: The model's version, or nothing.
        method: The method.
        tensors: What it takes and gives.
        statistics: What was asked of it under this name.
    """

    def __init__(self, name: str, method: Method, service: Service) -> None:
        self.name = name
        self.version = service.info.version or ""
        self.method = method
        self.statistics = Statistics()
        self._service = service

    @cached_property
    def tensors(self) -> MethodTensors:
        """What the method takes and gives; made when first asked for."""
        return MethodTensors(self.method, self._service.model.codec)

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata."""
        spec, digest = self.method.spec, self._service.info.digest
        properties = {"method": spec.name, "description": spec.doc, "digest": digest or ""}
        return {
            "name": self.name,
            "versions": [self.version] if self.version else [],
            "platform": platform_of(self._service.info.runtime),
            "inputs": _metadata_of(self.tensors.inputs.values()),
            "outputs": _metadata_of(self.tensors.outputs.values()),
            "properties": {key: value for key, value in properties.items() if value},
        }

    def stats(self) -> dict[str, Any]:
        """Return the model's statistics, as the statistics extension lays them out."""
        told = self.statistics
        counts = {
            name: {"count": one.count, "ns": one.ns} for name, one in (("success", told.success), ("fail", told.fail))
        }
        return {
            "name": self.name, "version": self.version, "last_inference": told.last_ms,
            "inference_count": told.success.count, "execution_count": told.success.count, "inference_stats": counts,
        }  # fmt: skip


class Models:
    """All that the protocol sees of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        name = service.info.name
        methods = {key: one for key, one in service.model.methods.items() if not one.spec.streams}
        named = [(name, one) for one in list(methods.values())[:1]]
        named += [(f"{name}.{key}", one) for key, one in methods.items()]
        self._by_name = {one: Served(one, method, service) for one, method in named}

    def __iter__(self) -> Iterator[Served]:
        return iter(self._by_name.values())

    def find(self, name: str, version: str = "") -> Served:
        """Return the model called *name*, of that *version* if one is asked for.

        Raises:
            ProblemError: There is none; the detail names those there are.
        """
        found = self._by_name.get(name)
        if found is None:
            raise ProblemError(
                "not-found", f"there is no model {name[:128]!r}; the models are: {', '.join(self._by_name)}"
            )
        if version and version != found.version:
            known = f"its version is {found.version!r}" if found.version else "it is served without a version"
            raise ProblemError("not-found", f"{name} has no version {version[:128]!r}; {known}")
        return found

    def index(self) -> list[dict[str, str]]:
        """Return the repository's index."""
        state, reason = ("READY", "") if self.ready else ("UNAVAILABLE", "the first golden example has not answered")
        return [
            {"name": one.name, "version": one.version, "state": state, "reason": reason}
            for one in self._by_name.values()
        ]

    @property
    def ready(self) -> bool:
        """Whether calls will be answered."""
        try:
            self._service.check_ready()
        except ProblemError:
            return False
        return True


def platform_of(runtime: str) -> str:
    """Return the platform that a runtime is, in the form PROJECT_FORMAT."""
    return {"onnxruntime": "onnx_onnxv1", "ai-edge-litert": "litert_tflite"}.get(runtime, "modelport_python")


def server_metadata() -> dict[str, Any]:
    """Return what the server says of itself."""
    return {"name": "modelport", "version": modelport.__version__, "extensions": list(EXTENSIONS)}


def _metadata_of(tensors: Iterable[FieldTensor]) -> list[dict[str, Any]]:
    found = []
    for one in tensors:
        said = {"name": one.field.name, "datatype": one.datatype, "shape": list(one.shape)}
        found.append(said | ({"parameters": one.parameters} if one.parameters else {}))
    return found
