"""Schemathesis judges a service by its own OpenAPI document: how it is run, and what it is told beforehand.

Run as ``SCHEMATHESIS_HOOKS=tests.serve.judging``, this module teaches it protobuf: bodies in it are made from the same
JSON Schemas, and answers in it are held to them. And it narrows two of its checks by what no JSON Schema can say:

- that lists, or the dimensions of tensors, have one length, and which;
- what the model's own class, or the graph of a model file, refuses: the error says so;
- which tensors an ``infer`` request of the Open Inference Protocol needs: its model's metadata says it, per model;
- that a whole number of 64 bits, written as text, is within its range: a pattern that says so is no help to readers;
- that a member of an enumeration may be given by its number, as in protobuf's JSON. The document leaves it out, so that
  generated clients have plain enumerations of names.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from tests.support.counts import THOROUGH

from modelport.errors import CallError
from modelport.model import Codec, ModelSpec

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, DeserializationContext, HookContext, Response, SerializationContext

__all__ = ["CASES", "judge"]

ROOT = Path(__file__).parents[2]
CASES = 500 if THOROUGH else 25
"""How many each operation gets in the phase that draws them; those of the phase before, of every bound, come on top."""

PROTOBUF = ("application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf")
UNSAYABLE = (
    re.compile(r"columns differ in length: "),
    re.compile(r"dimension '\w+' is \d+, in .* it is \d+"),
    re.compile(r"its lists differ in length or depth"),
    re.compile(r"(\w+|the graph|the model|the estimator) refuses these values"),
    re.compile(r"which runs in its second form, takes no "),
    re.compile(r"no elements in .*: the model cannot be run without any"),
)
BEYOND = re.compile(
    r"is (-?\d+), (?:below the minimum|above the maximum) |is outside (-?\d+) to \d+, the range of u?int64"
)
NO_MESSAGE = b"\xff"  # half of a tag


def judge(url: str, cases: int, *options: str) -> dict[str, int]:
    """Return how many cases each phase ran; fail with what schemathesis says."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--no-color", "--mode", "all",
        "--phases", "examples,coverage,fuzzing", "--checks", "all",
        "--exclude-checks", "positive_data_acceptance,negative_data_rejection",
        "--max-examples", str(cases), "--continue-on-failure", "--warnings", "off", "--generation-database", "none",
        *options,
    ]  # fmt: skip
    variables = os.environ | {"SCHEMATHESIS_HOOKS": __name__, "PYTHONPATH": str(ROOT), "MODELPORT_JUDGED": url}
    with TemporaryDirectory() as place:  # where it leaves what it found
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    (count,) = re.findall(r"(\d+) generated", done.stdout)
    (tested,) = re.findall(r"Tested: (\d+)", done.stdout)
    return {"cases": int(count), "operations": int(tested)}


@functools.cache
def _spec() -> ModelSpec:
    metadata = httpx.get(f"{os.environ['MODELPORT_JUDGED']}/model/artifacts/metadata").json()
    return ModelSpec.from_json(metadata["signature"])


@functools.cache
def _schemas(*, numbered: bool) -> dict[str, Any]:
    """Return the document's components, with the numbers of the members of enumerations among the names if asked."""
    document: dict[str, Any] = httpx.get(f"{os.environ['MODELPORT_JUDGED']}/openapi.json").json()
    schemas: dict[str, Any] = document["components"]["schemas"]
    for one in _spec().enums if numbered else ():
        schemas[one.name] = {"enum": [value for member in one.members for value in member]}
    return schemas


if "MODELPORT_JUDGED" in os.environ:
    load_all_checks()

    @schemathesis.hook
    def before_load_schema(_: HookContext, document: dict[str, Any]) -> None:
        """Say of protobuf what is said of JSON."""
        for path, operations in document["paths"].items():
            if path.startswith("/model/methods/"):
                operation = operations["post"]
                for part in (operation["requestBody"], operation["responses"]["200"]):
                    content = part["content"]
                    for media_type in PROTOBUF if "application/json" in content else ():
                        content[media_type]["schema"] = content["application/json"]["schema"]

    @schemathesis.serializer(*PROTOBUF)
    def to_protobuf(context: SerializationContext, value: Any) -> bytes:  # noqa: ANN401 - JSON
        codec, name = Codec.bare(_spec()), _method(context.case.operation.path).input
        try:
            return codec.to_bytes(codec.from_json(value, name), name)
        except CallError:
            return NO_MESSAGE

    @schemathesis.deserializer(*PROTOBUF)
    def from_protobuf(context: DeserializationContext, response: Response) -> Any:  # noqa: ANN401 - JSON
        codec, name = Codec.bare(_spec()), _method(context.operation.path).output
        return codec.to_json(codec.from_bytes(response.content, name), name)

    @schemathesis.check
    def what_fits_is_taken(context: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        if response.status_code in {400, 422} and case.operation.path.endswith("/infer"):
            return None
        errors = _errors(response)
        if response.status_code == 422 and errors and all(_is_unsayable(one, case.body) for one in errors):
            return None
        if response.status_code == 400 and case.media_type in PROTOBUF and to_protobuf_fails(case):
            return None
        return positive_data_acceptance(context, response, case)

    @schemathesis.check
    def what_does_not_fit_is_refused(context: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        if response.status_code == 200 and (case.operation.path.endswith("/infer") or _fits_by_number(case)):
            return None
        return negative_data_rejection(context, response, case)


def to_protobuf_fails(case: Case[Any]) -> bool:
    """Tell whether what was drawn has no protobuf form, because of something that no schema says."""
    try:
        Codec.bare(_spec()).from_json(case.body, _method(case.operation.path).input)
    except CallError as error:
        return all(_is_unsayable(one, case.body) for one in error.problems)
    return False


def _method(path: str) -> Any:  # noqa: ANN401 - modelport's own
    return next(one for one in _spec().methods if path == f"/model/methods/{one.name}")


def _errors(response: Response) -> list[str]:
    try:
        return [one["message"] for one in json.loads(response.content)["errors"]]
    except (ValueError, LookupError, TypeError):
        return []


def _is_unsayable(message: str, body: object) -> bool:
    if beyond := BEYOND.search(message):
        texts = re.findall(r'"(-?\d+)"', json.dumps(body))  # numbers themselves have their bounds in the schema
        return any(beyond[1] == one or (beyond[2] and len(one) > 18) for one in texts)
    return any(one.search(message) for one in UNSAYABLE)


def _fits_by_number(case: Case[Any]) -> bool:
    if not isinstance(case.body, dict) or not case.operation.path.startswith("/model/methods/"):
        return False
    name = _method(case.operation.path).input
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": _schemas(numbered=True)}}
    return Draft202012Validator(schema).is_valid(case.body)
