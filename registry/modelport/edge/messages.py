"""A model's messages as a runtime reads and writes them: JSON for whoever calls, protobuf for whoever answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.client.calls import lenient
from modelport.edge.learning import Kind
from modelport.errors import InputError
from modelport.model import Codec
from modelport.model.spec import TensorOf

if TYPE_CHECKING:
    from modelport.model import ModelSpec
    from modelport.model.spec import MethodSpec

__all__ = ["Interface"]


@dataclass(frozen=True, slots=True)
class Interface:
    """A model's signature, with what reads and writes its messages."""

    spec: ModelSpec
    codec: Codec
    answers: Codec

    @classmethod
    def of(cls, spec: ModelSpec) -> Interface:
        """Return the interface of a signature."""
        codec = Codec.bare(spec)
        return cls(spec, codec, lenient(codec))

    def method(self, name: str) -> MethodSpec:
        """Return a method that takes and gives single messages.

        Raises:
            FormatError: There is no such method.
            InputError: It streams.
        """
        method = self.spec.method(name)
        if method.streams:
            raise InputError(f"{name} takes or gives a stream", hint="call it at a service: modelport.connect(url)")
        return method

    def write(self, method: MethodSpec, arguments: object) -> bytes:
        """Return JSON *arguments* as protobuf; raise CallError, naming every misfit, when they do not fit."""
        return self.written(method, arguments)[0]

    def written(self, method: MethodSpec, arguments: object) -> tuple[bytes, Kind]:
        """Return what `write` does, and of what kind it is."""
        exchange = self.codec.exchange()
        native = self.codec.from_json(arguments, method.input, exchange)
        return self.codec.to_bytes(native, method.input, exchange), self._kind(method, native)

    def kind(self, method: str, arguments: object) -> Kind:
        """Return of what kind JSON *arguments* are; raise CallError when they do not fit."""
        one = self.spec.method(method)
        return self._kind(one, self.codec.from_json(arguments, one.input, self.codec.exchange()))

    def _kind(self, method: MethodSpec, native: object) -> Kind:
        for field in self.spec.message(method.input).fields:
            if isinstance(field.type, TensorOf) and field.type.shape and not isinstance(field.type.shape[0], int):
                shape = getattr(getattr(native, field.name), "shape", ())
                return Kind(method.name, shape[0] if shape else 1)
        return Kind(method.name)

    def read(self, method: MethodSpec, body: bytes) -> dict[str, Any]:
        """Return a protobuf answer in JSON form; raise CallError when it is none of the method's."""
        native = self.answers.from_bytes(body, method.output)
        return self.answers.to_json(native, method.output)
