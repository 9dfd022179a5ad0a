"""Streams over gRPC: the four kinds, both ways at once, and ended when the caller goes away."""

from __future__ import annotations

import json
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.serve.running import running
from tests.serve.streaming import streams
from tests.support.waiting import eventually

from modelport.model import Codec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODEC = Codec.bare(streams().spec)


@pytest.fixture(scope="module")
def channel() -> Iterator[Any]:
    with running("tests.serve.streaming", "streams", "--grpc-port", "0") as service:
        assert service.process.stdout is not None
        address = service.process.stdout.readline().rpartition("grpc://")[2].strip()
        with grpc.insecure_channel(address) as one:
            yield one


def stub(channel: Any, method: str) -> Any:  # noqa: ANN401 - grpcio's own
    """Return what calls *method* with JSON messages, and gives JSON messages."""
    spec = CODEC.spec.method(method)
    kinds = {
        (False, True): channel.unary_stream, (True, False): channel.stream_unary, (True, True): channel.stream_stream
    }  # fmt: skip
    return kinds[spec.streams_in, spec.streams_out](
        f"/{CODEC.spec.proto_package}.Model/{method}",
        request_serializer=lambda one: CODEC.to_bytes(CODEC.from_json(one, spec.input), spec.input),
        response_deserializer=lambda one: CODEC.to_json(CODEC.from_bytes(one, spec.output), spec.output),
    )


def test_the_kinds_of_streams(channel: Any) -> None:  # noqa: ANN401 - as above
    assert list(stub(channel, "count")({"to": 2}, timeout=20)) == [{"value": 1}, {"value": 2}]
    assert stub(channel, "total")(iter([{"value": 1}, {"value": 2}]), timeout=20) == {"value": 3}
    for method in ("mean", "mean_later"):
        assert list(stub(channel, method)(iter([{"x": 1}, {"x": 3}]), timeout=20)) == [{"x": 1}, {"x": 2}]


def test_an_error_comes_after_what_was_made_before_it(channel: Any) -> None:  # noqa: ANN401 - as above
    answers = stub(channel, "fails")({"at": 2}, timeout=20)
    assert [next(answers), next(answers)] == [{"value": 0}, {"value": 1}]
    with pytest.raises(grpc.RpcError) as told:
        next(answers)
    assert told.value.code() == grpc.StatusCode.INTERNAL
    assert "secret" not in json.dumps(told.value.details())


@pytest.mark.parametrize("method", ["echo", "echo_later"])
def test_both_sides_go_at_once_and_who_goes_away_closes_the_generator(
    channel: Any,  # noqa: ANN401 - as above
    tmp_path: Path,
    method: str,
) -> None:
    said: SimpleQueue[dict[str, str]] = SimpleQueue()
    answers = stub(channel, method)(iter(said.get, {}), timeout=60)
    for text in ("one", "two"):
        said.put({"folder": str(tmp_path), "text": text})
        assert next(answers)["text"] == text
    assert not (tmp_path / "closed").exists()
    answers.cancel()
    said.put({})
    assert eventually((tmp_path / "closed").exists)
    assert list(stub(channel, "count")({"to": 1}, timeout=20)) == [{"value": 1}], "its worker is free again"
