"""What a service says of itself, read once: everything else is made from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.client.calls import Call, lenient
from modelport.client.errors import Problem, ServiceError
from modelport.client.values import client_codec
from modelport.errors import FormatError, SetupError
from modelport.model.json_form import JSON_MAPPING
from modelport.model.kinds import TensorOf, single
from modelport.model.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.model import Codec

__all__ = ["METADATA", "Contract"]

METADATA = "model/artifacts/metadata"
_ADDRESS = "give the address that `modelport serve` prints, without /model/... behind it"


@dataclass(frozen=True, slots=True)
class Contract:
    """A service's model, by its descriptors.

    Attributes:
        name: The model's name.
        version: Its version, if the service knows it.
        digest: The digest of its package, if the service knows it.
        codec: Reads and writes its messages.
        calls: How each method is called, by name.
    """

    name: str
    version: str
    digest: str
    codec: Codec
    calls: Mapping[str, Call]

    @property
    def spec(self) -> ModelSpec:
        """The signature."""
        return self.codec.spec

    @property
    def tag(self) -> str:
        """What names the signature in a request: the service answers 412 when it has another."""
        return f'"{self.spec.proto_package}"'

    @classmethod
    def read(cls, status: int, content: bytes, url: str) -> Contract:
        """Read the answer to GET /model/artifacts/metadata.

        Raises:
            ServiceError: It is not one that this client understands.
            SetupError: The signature has tensors, and NumPy is not installed.
        """
        document = _document(status, content, url)
        if document["json"] != JSON_MAPPING:
            said = f"it speaks {str(document['json'])[:100]!r}, this client {JSON_MAPPING!r}"
            raise _refused(url, said, "install the modelport that the service has, or a later one")
        try:
            spec = ModelSpec.from_json(document["signature"])
        except FormatError as error:
            raise _refused(url, f"its signature cannot be read: {error.message}", error.hint) from error
        _check_numpy(spec, url)
        codec = client_codec(spec)
        answers = lenient(codec)
        name, version, digest = (str(document.get(key) or "") for key in ("name", "version", "digest"))
        return cls(name, version, digest, codec, {m.name: Call(codec, answers, m) for m in spec.methods})


def _document(status: int, content: bytes, url: str) -> dict[str, Any]:
    if status != 200:  # noqa: PLR2004 - OK (RFC 9110, section 15.3.1)
        raise _refused(url, f"it answers {status} to GET /{METADATA}", _ADDRESS)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(url, f"what it gives at /{METADATA} is not JSON", _ADDRESS) from error
    if not isinstance(document, dict) or not {"json", "signature"} <= document.keys():
        raise _refused(url, f"what it gives at /{METADATA} has no signature", _ADDRESS)
    return document


def _refused(url: str, said: str, hint: str) -> ServiceError:
    message = f"{url} is not a service that this client can call: {said}"
    return ServiceError(message, Problem("not-a-service", said), hint=hint)


def _check_numpy(spec: ModelSpec, url: str) -> None:
    if any(isinstance(single(f.type), TensorOf) for m in spec.messages for f in m.fields):
        try:
            import numpy as np
        except ModuleNotFoundError as error:
            hint = "pip install numpy"
            raise SetupError(f"{url} takes or gives tensors, and NumPy is not installed", hint=hint) from error
        del np
