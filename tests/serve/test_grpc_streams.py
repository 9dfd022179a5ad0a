"""Streams by the model's own gRPC service."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tests.serve.doors import Doors, doors
from tests.serve.running import eventually
from tests.serve.streaming import streams

from modelport.model import Codec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CODEC = Codec.bare(streams().spec)


@pytest.fixture(scope="module")
def door() -> Iterator[Doors]:
    with doors("streams", module="tests.serve.streaming") as service:
        yield service


def called(door: Doors, method: str, given: Any, **more: Any) -> Any:  # noqa: ANN401 - JSON, and grpcio's own
    """Call a method with a message, or with several; return its answer, or an iterator of them."""
    spec = CODEC.spec.method(method)
    kind = {True: "stream", False: "unary"}
    call = getattr(door.channel, f"{kind[spec.streams_in]}_{kind[spec.streams_out]}")(
        f"/{CODEC.spec.proto_package}.Model/{method}",
        request_serializer=lambda one: CODEC.to_bytes(CODEC.from_json(one, spec.input), spec.input),
        response_deserializer=lambda data: CODEC.to_json(CODEC.from_bytes(data, spec.output), spec.output),
    )
    return call(given, **more)


def test_a_stream_comes_out(door: Doors) -> None:
    assert list(called(door, "count", {"to": 3})) == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert list(called(door, "count", {"to": 0})) == []


def test_a_stream_goes_in(door: Doors) -> None:
    (taken,) = (f.name for f in CODEC.spec.message(CODEC.spec.method("total").input).fields)
    assert called(door, "total", iter([{taken: 1.5}, {taken: 2.0}])) == {"value": 3.5}
    assert called(door, "total", iter(())) == {"value": 0.0}


@pytest.mark.parametrize("method", ["mean", "mean_later"])
def test_each_message_is_answered_before_the_next_is_sent(door: Doors, method: str) -> None:
    answered = threading.Semaphore(1)

    def points() -> Iterable[dict[str, float]]:
        for x in (1.0, 3.0, 5.0):
            assert answered.acquire(timeout=30)
            yield {"x": x}

    found = []
    for one in called(door, method, points()):
        found.append(one["x"])
        answered.release()
    assert found == [1.0, 2.0, 3.0]


def test_an_error_in_mid_stream_comes_after_what_was_made(door: Doors) -> None:
    answers = called(door, "fails", {"at": 2})
    assert [next(answers), next(answers)] == [{"value": 0}, {"value": 1}]
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert "secret" not in caught.value.details()


def test_whoever_gives_up_closes_the_generator(door: Doors, tmp_path: Path) -> None:
    answers = called(door, "endless", {"folder": str(tmp_path), "size": 10})
    next(answers)
    answers.cancel()
    eventually((tmp_path / "closed").exists)
    assert list(called(door, "count", {"to": 1})) == [{"value": 1}], "its worker is free again"


def test_a_deadline_ends_a_stream(door: Doors) -> None:
    answers = called(door, "stall", {"after": 1, "seconds": 1.0}, timeout=0.5)
    assert next(answers) == {"value": 0}
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_misfit_in_a_stream_that_comes_in_is_named(door: Doors) -> None:
    call = door.channel.stream_unary(f"/{CODEC.spec.proto_package}.Model/total")
    with pytest.raises(grpc.RpcError) as caught:
        call(iter([b"\xff"]))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_reflection_says_what_streams(door: Doors) -> None:
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(door.channel))
    methods = pool.FindServiceByName(f"{CODEC.spec.proto_package}.Model").methods_by_name
    told = {name: (one.client_streaming, one.server_streaming) for name, one in methods.items()}
    assert told == {m.name: (m.streams_in, m.streams_out) for m in CODEC.spec.methods}


def test_methods_that_stream_are_no_models_of_the_protocol(door: Doors) -> None:
    assert door.service.client.get("/v1/models").json() == {"models": ["streams", "streams.plain"]}
