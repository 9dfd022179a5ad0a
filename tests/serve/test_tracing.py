"""Traces by OpenTelemetry, as a receiver of OTLP gets them; and nothing of it where nobody asks."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.serve.doors import doors
from tests.serve.models import trouble
from tests.serve.running import serving
from tests.serve.streaming import streams

from modelport.model import Codec
from modelport.serve.grpc.protocol import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Receiver:
    """What came to a receiver of traces: the resource's attributes, and the spans by name."""

    def __init__(self) -> None:
        self.resource: dict[str, Any] = {}
        self.spans: dict[str, list[Any]] = {}

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = attributes(resource.resource)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.setdefault(span.name, []).append(span)


def attributes(of: Any) -> dict[str, Any]:  # noqa: ANN401 - protobuf's own classes
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    """Run a receiver of OTLP over HTTP; give what it gets, and its address."""
    receiver = Receiver()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield receiver, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_call_is_a_span_in_its_callers_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with serving("kinds") as service:
            more = {"headers": {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "mine"}}
            assert service.call("nothing", {}, **more).status_code == 200
            assert service.call("nothing", {"x": 1}).status_code == 422
            assert service.client.get("/health/live").status_code == 200
        # What was left was sent when the service stopped.
    assert receiver.resource["service.name"] == "kinds"
    assert receiver.resource["service.version"] == "1.2.0"
    assert set(receiver.spans) == {"POST /model/methods/{method}", "predict nothing"}
    traced, own = receiver.spans["POST /model/methods/{method}"]
    assert (traced.trace_id.hex(), traced.parent_span_id.hex()) == (TRACE, PARENT)
    assert traced.kind == Span.SPAN_KIND_SERVER
    said = attributes(traced)
    expected = {
        "http.request.method": "POST", "http.route": "/model/methods/{method}", "url.path": "/model/methods/nothing",
        "url.scheme": "http", "http.response.status_code": 200, "server.address": "127.0.0.1",
    }  # fmt: skip
    assert expected.items() <= said.items()
    (predict,) = receiver.spans["predict nothing"]
    assert (predict.trace_id.hex(), predict.parent_span_id) == (TRACE, traced.span_id)
    assert attributes(predict) == {"modelport.method": "nothing", "modelport.request_id": "mine"}
    assert own.trace_id != traced.trace_id
    assert attributes(own)["http.response.status_code"] == 422
    assert own.status.code == Status.STATUS_CODE_UNSET  # the caller's mistake is no failure of the service


def test_calls_by_the_open_inference_protocol_are_spans_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with serving("kinds") as service:
            sent = {"inputs": [{"name": "x", "shape": [1], "datatype": "INT64", "data": [1]}]}
            for path in ("/v2/models/kinds.integers/infer", "/v2/models/kinds.integers/versions/1.2.0/infer"):
                service.client.post(path, json=sent)
            service.client.post("/v1/models/kinds.integers:predict", json={"instances": [{"x": 1}]})
    assert set(receiver.spans) >= {
        "POST /v2/models/{model}/infer", "POST /v2/models/{model}/versions/{version}/infer",
        "POST /v1/models/{model}:predict",
    }  # fmt: skip


def test_calls_by_grpc_are_spans_too_whatever_comes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Codec.bare(trouble().spec)
    own = f"{codec.spec.proto_package}.Model"
    metadata = [("traceparent", f"00-{TRACE}-{PARENT}-01"), ("x-request-id", "mine")]

    def call(channel: grpc.Channel, method: str) -> Any:  # noqa: ANN401 - grpcio's own
        spec = codec.spec.method(method)
        data = codec.to_bytes(codec.from_json({"text": "abc"}, spec.input), spec.input)
        return channel.unary_unary(f"/{own}/{method}").future(data, metadata=metadata, timeout=30)

    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with doors("trouble") as door:
            assert call(door.channel, "length").exception() is None
            assert call(door.channel, "fail").exception() is not None
            wrong = {"name": "text", "shape": [1], "datatype": "INT8"}
            refused = door.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")(iter([b"\xff"]), timeout=30)
            assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT
            with pytest.raises(grpc.RpcError):
                door.rpc("ModelInfer", "ModelInferRequest", "ModelInferResponse", model_name="trouble", inputs=[wrong])
            door.rpc("ServerLive", "ServerLiveRequest", "ServerLiveResponse")
    infer, stream = f"{SERVICE}/ModelInfer", f"{SERVICE}/ModelStreamInfer"
    assert set(receiver.spans) == {
        f"{own}/length", f"{own}/fail", "predict length", "predict fail", infer, stream,
    }  # fmt: skip
    (length,), (predict,) = receiver.spans[f"{own}/length"], receiver.spans["predict length"]
    assert (length.trace_id.hex(), length.parent_span_id.hex()) == (TRACE, PARENT)
    assert (predict.trace_id.hex(), predict.parent_span_id) == (TRACE, length.span_id)
    assert attributes(predict) == {"modelport.method": "length", "modelport.request_id": "mine"}
    (failed,) = receiver.spans[f"{own}/fail"]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert "secret" not in str(receiver.spans)
    told = {name: attributes(one)["rpc.response.status_code"] for name, (one,) in receiver.spans.items() if "/" in name}
    assert told == {
        f"{own}/length": "OK", f"{own}/fail": "INTERNAL", infer: "INVALID_ARGUMENT", stream: "INVALID_ARGUMENT"
    }  # fmt: skip


def test_a_stream_by_grpc_is_one_span(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = Codec.bare(streams().spec)
    spec, path = codec.spec.method("count"), f"{codec.spec.proto_package}.Model/count"

    def data(to: int) -> bytes:
        return codec.to_bytes(codec.from_json({"to": to}, spec.input), spec.input)

    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with doors("streams", module="tests.serve.streaming") as door:
            count = door.channel.unary_stream(f"/{path}")
            assert len(list(count(data(3), timeout=30))) == 3
            left = count(data(10**9), timeout=30)
            next(left)
            left.cancel()
    told = [attributes(one)["rpc.response.status_code"] for one in receiver.spans[path]]
    assert sorted(told) == ["CANCELLED", "OK"]


def test_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with serving("trouble") as service:
            assert service.call("fail", {"text": "x"}).status_code == 500
    (span,) = receiver.spans["POST /model/methods/{method}"]
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "500"
    assert "secret" not in str(receiver.spans)


def test_a_receiver_that_is_away_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    with serving("trouble") as service:
        assert service.call("length", {"text": "abc"}).json() == {"value": 3}
        service.process.terminate()
        began = monotonic()
        assert service.process.wait(30) == 0
        assert monotonic() - began < 20


def test_nothing_of_it_is_imported_where_nobody_asks() -> None:
    with serving("trouble", "--waiting", "3") as service:
        assert service.call("length", {"text": "abc"}).status_code == 200
        names = " ".join(str(one) for one in Path(f"/proc/{service.process.pid}/task").iterdir())
        assert "Otel" not in names
        mapped = Path(f"/proc/{service.process.pid}/maps").read_text("utf-8")
        assert "opentelemetry" not in mapped
