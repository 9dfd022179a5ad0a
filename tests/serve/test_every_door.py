"""The same request gives the same answer through every door, for every kind of field."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.doors import LENGTH, Canonical, Doors, by_grpc, by_rest, canonical, doors, tensors
from tests.serve.models import kinds
from tests.support.every_kind import ARGUMENTS, LEAST, PNG, every_kind

from modelport.model import Codec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.model import Model

PHOTO = {"image": "iVBORw0KGgo="}
EMPTY: dict[str, Any] = {"petal": [], "species": [], "colour": []}
CALLS = [
    *(("every", method, arguments) for method, arguments in ARGUMENTS.items()),
    ("every", "describe", LEAST),
    ("every", "sort", EMPTY),
    ("every", "crop", PHOTO),
    ("every", "crop", PHOTO | {"threshold": 0.25}),
    *(("kinds", example.method, example.input) for example in kinds().examples),
]
MODELS: dict[str, Model] = {"every": every_kind(), "kinds": kinds()}


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Doors]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(doors(name)) for name in MODELS}


def by_own_grpc(door: Doors, model: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the model's own service, in JSON form."""
    spec = MODELS[model].spec
    codec, called = Codec.bare(spec), spec.method(method)
    call = door.channel.unary_unary(f"/{spec.proto_package}.Model/{method}")
    answer = call(codec.to_bytes(codec.from_json(arguments, called.input), called.input))
    return codec.to_json(codec.from_bytes(answer, called.output), called.output)


@pytest.mark.parametrize(("model", "method", "arguments"), CALLS, ids=[f"{m}.{method}" for m, method, _ in CALLS])
def test_every_door_gives_the_same_answer(
    served: dict[str, Doors], model: str, method: str, arguments: dict[str, Any]
) -> None:
    door = served[model]
    meta = door.metadata(f"{model}.{method}")
    answer = door.service.call(method, arguments)
    assert answer.status_code == 200, answer.text
    wanted = canonical(tensors(answer.json(), meta["outputs"]), meta["outputs"])
    given = tensors(arguments, meta["inputs"])
    called = f"{model}.{method}"
    found: dict[str, Canonical] = {
        "REST, JSON": by_rest(door, called, given, meta["outputs"], binary=False),
        "REST, bytes": by_rest(door, called, given, meta["outputs"], binary=True),
        "gRPC, raw": by_grpc(door, called, given, meta["outputs"], binary=True),
    }
    if all(one.datatype != "FP16" for one in given):
        found["gRPC, contents"] = by_grpc(door, called, given, meta["outputs"], binary=False)
    for way, got in found.items():
        assert got == wanted, way
    own = by_own_grpc(door, model, method, arguments)
    assert canonical(tensors(own, meta["outputs"]), meta["outputs"]) == wanted


@pytest.mark.parametrize("name", MODELS)
def test_the_first_method_is_the_model(served: dict[str, Doors], name: str) -> None:
    door, first = served[name], next(iter(MODELS[name].methods))
    assert door.metadata(name) == door.metadata(f"{name}.{first}") | {"name": name}


def test_one_tensor_may_be_the_whole_body(served: dict[str, Doors]) -> None:
    headers = {LENGTH: "0"}
    got = served["every"].service.client.post("/v2/models/every.crop/infer", content=PNG, headers=headers)
    length = int(got.headers[LENGTH])
    assert got.content[length + 4 :] == PNG
