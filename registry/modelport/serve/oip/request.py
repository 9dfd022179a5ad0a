"""The body of an ``infer`` request: JSON, and behind it the bytes of the tensors that say ``binary_data_size``.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md has the form with
bytes, which Triton's client sends unless told otherwise. The header ``Inference-Header-Content-Length`` says where the
JSON ends; 0 says that there is none, and that the body is the only tensor that the model needs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from modelport.model.exchange import Exchange
from modelport.model.scalars import json_kind, text
from modelport.serve.json_text import read_json
from modelport.serve.oip.datatypes import itemsize
from modelport.serve.oip.infer import Asked, settle
from modelport.serve.oip.tensors import Given
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from modelport.serve.limits import Limits
    from modelport.serve.oip.models import Served

__all__ = ["JSON_LENGTH", "read_request"]

JSON_LENGTH = "Inference-Header-Content-Length"
_LENGTH_DIGITS = 18
_WORDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}


def read_request(body: bytes, json_length: str | None, served: Served, limits: Limits) -> Asked:
    """Return what *body* asks of a model.

    Args:
        body: The request's body.
        json_length: Its header ``Inference-Header-Content-Length``.
        served: The model.
        limits: How deep the JSON may be, and more.

    Raises:
        ProblemError: It is not JSON, or not a request; every mistake in it is named.
    """
    length = len(body)
    if json_length is not None:
        if not (json_length.isascii() and json_length.isdigit() and len(json_length) <= _LENGTH_DIGITS):
            raise ProblemError("malformed-json", f"{JSON_LENGTH} is {json_length[:40]!r}, not a number of bytes")
        length = int(json_length)
        if length > len(body):
            raise ProblemError("malformed-json", f"{JSON_LENGTH} is {length}, the body has {len(body)} bytes")
        if length == 0:
            return _one_tensor(body, served)
    document = _read(body[:length], limits)
    return _Request(memoryview(body)[length:], served).read(document, len(body))


def _read(body: bytes, limits: Limits) -> Any:  # noqa: ANN401 - JSON
    """Return what `read_json` does, by orjson where the keys' colons show that no object has a key twice."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return read_json(body, limits)
    keys, longest = _keys(found, limits.json_depth), limits.number_chars
    plain = keys == body.count(b":") and (len(body) <= longest or max(map(len, body.split(b","))) <= longest)
    return found if plain else read_json(body, limits)


def _keys(value: Any, depth: int) -> float:  # noqa: ANN401 - JSON
    """Return how many keys the objects in *value* have; NaN where it nests deeper than *depth*."""
    if isinstance(value, dict):
        return len(value) + sum(_keys(one, depth - 1) for one in value.values()) if depth else math.nan
    if not isinstance(value, list):
        return 0
    if not depth:
        return math.nan
    return 0 if {dict, list}.isdisjoint(map(type, value)) else sum(_keys(one, depth - 1) for one in value)


class _Request:
    """A request that is being read; what is wrong with it is noted on the way."""

    def __init__(self, rest: memoryview, served: Served) -> None:
        self.rest, self.served, self.exchange = rest, served, Exchange()

    def read(self, document: Any, size: int) -> Asked:  # noqa: ANN401 - JSON
        found = self._is(document, dict, "(the request)")
        given = document if found else {}
        name = given.get("id", "")
        if self._is(name, str, "id"):
            text(name, "id", self.exchange)  # the answer has it, too
        inputs, outputs = given.get("inputs", []), given.get("outputs", [])
        tensors = self._tensors(inputs) if self._is(inputs, list, "inputs") else []
        if len(self.rest) and not self.exchange.count:
            self.exchange.add("(the request)", f"has {len(self.rest)} bytes more than its tensors say")
        binary = self._parameters(given, "").get("binary_data_output") is True
        wanted = self._outputs(outputs, binary=binary) if self._is(outputs, list, "outputs") else {}
        settle(self.exchange, self.served)
        self._check_json(wanted)
        return Asked(name, tuple(tensors), wanted, size, self.exchange)

    def _tensors(self, inputs: list[Any]) -> list[Given]:
        found = [self._tensor(one, f"inputs[{i}]") for i, one in enumerate(inputs)]
        return [one for one in found if one is not None]

    def _tensor(self, given: Any, path: str) -> Given | None:  # noqa: ANN401 - JSON
        if not self._is(given, dict, path):
            return None
        before = self.exchange.count
        name, shape, datatype = (self._needed(given, key, path) for key in ("name", "shape", "datatype"))
        parameters = self._parameters(given, f"{path}.")
        if type(shape) is list and not all(type(size) is int for size in shape):
            self.exchange.add(f"{path}.shape", "holds what is not a whole number")
        size, data = parameters.get("binary_data_size"), given.get("data")
        raw = size is not None
        if raw and data is not None:
            self.exchange.add(path, "has both data and binary_data_size")
        elif raw:
            data = self._bytes(size, path)
        elif data is None:
            self.exchange.add(f"{path}.data", "is missing, and so is the parameter binary_data_size")
        else:
            self._is(data, list, f"{path}.data")
        if self.exchange.count > before:
            return None
        return Given(name, datatype, tuple(shape), data, raw, parameters)

    def _bytes(self, size: Any, path: str) -> memoryview | None:  # noqa: ANN401 - JSON
        """Take the next *size* bytes from behind the JSON."""
        where = f"{path}.parameters.binary_data_size"
        if type(size) is not int or size < 0:
            self.exchange.add(where, f"is {size if type(size) is int else json_kind(size)}, not a number of bytes")
        elif size > len(self.rest):
            self.exchange.add(where, f"is {size}, {len(self.rest)} bytes are left behind the JSON")
        else:
            taken, self.rest = self.rest[:size], self.rest[size:]
            return taken
        return None

    def _outputs(self, outputs: list[Any], *, binary: bool) -> dict[str, bool]:
        wanted = {}
        for i, one in enumerate(outputs):
            path = f"outputs[{i}]"
            if self._is(one, dict, path) and (name := self._needed(one, "name", path)) is not None:
                wanted[name] = self._parameters(one, f"{path}.").get("binary_data", binary) is True
        self.served.tensors.check_outputs(list(wanted), self.exchange)
        return wanted if outputs else dict.fromkeys(self.served.tensors.outputs, binary)

    def _check_json(self, wanted: dict[str, bool]) -> None:
        for name, binary in wanted.items():
            if not binary and self.served.tensors.outputs[name].datatype == "FP16":
                said = "is FP16, which JSON has no form for: ask for its bytes with the parameter binary_data"
                self.exchange.add(f"outputs.{name}", said)

    def _parameters(self, given: dict[str, Any], path: str) -> dict[str, Any]:
        parameters = given.get("parameters") or {}
        return parameters if self._is(parameters, dict, f"{path}parameters") else {}

    def _needed(self, given: dict[str, Any], key: str, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return ``given[key]``, or note that it is not there, or of another kind, and return None."""
        kind = list if key == "shape" else str
        if key not in given:
            self.exchange.add(f"{path}.{key}", "is missing")
        elif self._is(given[key], kind, f"{path}.{key}"):
            return given[key]
        return None

    def _is(self, value: object, kind: type, path: str) -> bool:
        if isinstance(value, kind):
            return True
        self.exchange.add(path, f"is {json_kind(value)}, not {_WORDS[kind]}")
        return False


def _one_tensor(body: bytes, served: Served) -> Asked:
    """Return the request that a body without JSON is."""
    inputs = served.tensors.inputs.values()
    needed = [one for one in inputs if one.field.is_required] or list(inputs)
    if len(needed) != 1 or sum(size == -1 for size in needed[0].shape) > 1:
        said = f"{served.name} needs more than a body of bytes can say: send the request's JSON before them"
        raise ProblemError("malformed-json", said)
    tensor = needed[0]
    name, datatype, shape = tensor.field.name, tensor.datatype, tensor.shape
    if datatype == "BYTES":
        given = Given(name, datatype, (1,), [body], raw=False)  # one element, without its length
    else:
        known = itemsize(datatype) * math.prod(size for size in shape if size != -1)
        free = len(body) // known if known else 0
        given = Given(name, datatype, tuple(free if size == -1 else size for size in shape), body, raw=True)
    return Asked("", (given,), dict.fromkeys(served.tensors.outputs, True), len(body))
