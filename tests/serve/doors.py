"""Callers of each door of a service, which know of a model only what its metadata say."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
from tests.serve.running import Running, running

from modelport.serve.grpc.descriptors import Classes
from modelport.serve.grpc.protocol import CONTENTS, SERVICE, protocol_file

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES = Classes([protocol_file()])
LENGTH = "Inference-Header-Content-Length"
DTYPES = {
    "BOOL": "?", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "<u1", "UINT16": "<u2",
    "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
Canonical = dict[str, tuple[str, list[int], Any]]
"""Tensors by name: datatype, shape, and the elements' bytes or the JSON that they say."""


@dataclass(frozen=True, slots=True)
class Doors:
    """A service with all its doors.

    Attributes:
        service: Its process, and HTTP.
        channel: gRPC.
        address: gRPC's address.
    """

    service: Running
    channel: grpc.Channel
    address: str

    def metadata(self, model: str) -> dict[str, Any]:
        return self.service.client.get(f"/v2/models/{model}").json()  # type: ignore[no-any-return]

    def rpc(self, method: str, given: str, gives: str, **fields: Any) -> Any:  # noqa: ANN401 - classes made at run time
        """Call a method of the protocol with a message of these fields."""
        return self.sent(method, MESSAGES[f"inference.{given}"](**fields), gives)

    def sent(self, method: str, request: Any, gives: str, **more: Any) -> Any:  # noqa: ANN401 - classes made at run time
        taken = type(request).SerializeToString
        read = MESSAGES[f"inference.{gives}"].FromString
        call = self.channel.unary_unary(f"/{SERVICE}/{method}", request_serializer=taken, response_deserializer=read)
        return call(request, **more)


@contextmanager
def doors(*command: str, module: str = "tests.serve.models") -> Iterator[Doors]:
    """Run ``python -m MODULE COMMAND --grpc-port 0`` until the context ends."""
    with running(module, *command, "--grpc-port", "0") as service:
        assert service.process.stdout is not None
        address = service.process.stdout.readline().rpartition("grpc://")[2].strip()
        with grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
            yield Doors(service, channel, address)


@dataclass(frozen=True, slots=True)
class Sent:
    """A tensor to be sent, made of a value in JSON form by what the metadata say."""

    name: str
    datatype: str
    shape: list[int]
    elements: list[Any]

    @property
    def raw(self) -> bytes:
        if self.datatype == "BYTES":
            return b"".join(len(one).to_bytes(4, "little") + one for one in self.elements)
        return np.array(self.elements, DTYPES[self.datatype]).tobytes()


def tensor(value: Any, meta: dict[str, Any]) -> Sent:  # noqa: ANN401 - JSON
    said = meta.get("parameters", {}).get("content_type")
    if said == "application/json":
        return Sent(meta["name"], "BYTES", [1], [json.dumps(value).encode()])
    if meta["shape"] == [1] and not isinstance(value, list):
        shape, flat = [1], [value]
    else:
        found = np.array(value, dtype=object)
        shape = [*found.shape, *(max(size, 0) for size in meta["shape"][found.ndim :])]
        flat = found.ravel().tolist()
    elements = [base64.b64decode(one) if said == "base64" else _element(one, meta["datatype"]) for one in flat]
    return Sent(meta["name"], meta["datatype"], shape, elements)


def tensors(document: dict[str, Any], metas: list[dict[str, Any]]) -> list[Sent]:
    """Return the tensors of a message in JSON form; a field without a value has none."""
    return [tensor(document[meta["name"]], meta) for meta in metas if document.get(meta["name"]) is not None]


def canonical(found: list[Sent], metas: list[dict[str, Any]]) -> Canonical:
    """Return what two answers have in common that say the same."""
    told = {meta["name"]: meta for meta in metas}
    return {one.name: (one.datatype, one.shape, _said(one.raw, told[one.name])) for one in found}


def by_rest(doors: Doors, model: str, given: list[Sent], metas: list[dict[str, Any]], *, binary: bool) -> Canonical:
    """Call by REST, with all tensors as bytes, or with those alone that JSON has no form for."""
    told, inputs, behind = {meta["name"]: meta for meta in metas}, [], []
    for one in given:
        sent: dict[str, Any] = {"name": one.name, "datatype": one.datatype, "shape": one.shape}
        if binary or one.datatype == "FP16":
            behind.append(one.raw)
            sent["parameters"] = {"binary_data_size": len(one.raw)}
        else:
            sent |= _json_data(one)
        inputs.append(sent)
    outputs = [{"name": n, "parameters": {"binary_data": binary or m["datatype"] == "FP16"}} for n, m in told.items()]
    head = json.dumps({"id": "one", "inputs": inputs, "outputs": outputs}).encode()
    headers = {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"} if behind else {}
    got = doors.service.client.post(f"/v2/models/{model}/infer", content=head + b"".join(behind), headers=headers)
    assert got.status_code == 200, got.text
    length = int(got.headers.get(LENGTH, len(got.content)))
    document, rest = json.loads(got.content[:length]), got.content[length:]
    assert (document["id"], document["model_name"]) == ("one", model)
    found = {}
    for output in document["outputs"]:
        if (size := output.get("parameters", {}).get("binary_data_size")) is not None:
            raw, rest = rest[:size], rest[size:]
        else:
            raw = _from_json(output, told[output["name"]])
        found[output["name"]] = output["datatype"], output["shape"], _said(raw, told[output["name"]])
    assert not rest
    return found


def by_grpc(doors: Doors, model: str, given: list[Sent], metas: list[dict[str, Any]], *, binary: bool) -> Canonical:
    """Call by gRPC, with raw contents, or in the contents of each tensor."""
    told, request = {meta["name"]: meta for meta in metas}, MESSAGES["inference.ModelInferRequest"](model_name=model)
    for one in given:
        made = request.inputs.add(name=one.name, datatype=one.datatype, shape=one.shape)
        if binary:
            request.raw_input_contents.append(one.raw)
        else:
            getattr(made.contents, CONTENTS[one.datatype]).extend(one.elements)
    got = doors.sent("ModelInfer", request, "ModelInferResponse")
    found = {}
    for i, output in enumerate(got.outputs):
        if got.raw_output_contents:
            raw = got.raw_output_contents[i]
        else:
            elements = list(getattr(output.contents, CONTENTS[output.datatype]))
            raw = Sent(output.name, output.datatype, [], elements).raw
        found[output.name] = output.datatype, list(output.shape), _said(raw, told[output.name])
    return found


def _element(value: Any, datatype: str) -> Any:  # noqa: ANN401 - JSON
    if datatype == "BYTES":
        return value.encode()
    return float(value) if datatype.startswith("FP") else int(value) if isinstance(value, str) else value


def _json_data(one: Sent) -> dict[str, Any]:
    if one.datatype != "BYTES":
        spelled = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return {"data": [spelled.get(str(element), element) for element in one.elements]}
    try:
        return {"data": [element.decode() for element in one.elements]}
    except UnicodeDecodeError:
        coded = [base64.b64encode(element).decode() for element in one.elements]
        return {"data": coded, "parameters": {"content_type": "base64"}}


def _from_json(output: dict[str, Any], meta: dict[str, Any]) -> bytes:
    coded = output.get("parameters", {}).get("content_type") == "base64"
    assert coded == (meta.get("parameters", {}).get("content_type") == "base64")
    elements = [base64.b64decode(one) if coded else _element(one, output["datatype"]) for one in output["data"]]
    return Sent(output["name"], output["datatype"], output["shape"], elements).raw


def _said(raw: bytes, meta: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    return json.loads(raw[4:]) if meta.get("parameters", {}).get("content_type") == "application/json" else raw
