"""The gRPC doors: what they say of themselves, of mistakes, and how calls end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.json_format import MessageToDict
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tests.serve.doors import MESSAGES, Doors, doors
from tests.serve.models import PRIVATE_PATH, trouble
from tests.serve.running import ROOT
from tests.serve.test_load import slowest_health
from tests.support.every_kind import every_kind
from tests.support.waiting import eventually

from modelport.model import Codec
from modelport.model.proto import file_descriptor
from modelport.serve.grpc.descriptors import Classes
from modelport.serve.grpc.health import health_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODEC = Codec.bare(trouble().spec)
SERVICE = f"{CODEC.spec.proto_package}.Model"
HEALTH = Classes([health_file()])
Code = grpc.StatusCode


@pytest.fixture(scope="module")
def every_door() -> Iterator[Doors]:
    with doors("every") as service:
        yield service


@pytest.fixture(scope="module")
def door() -> Iterator[Doors]:
    """Give a service of the model that makes trouble, with tight limits."""
    with doors("trouble", "--body-bytes", "2000", "--waiting", "2") as service:
        yield service


@pytest.fixture(scope="module")
def patient() -> Iterator[Doors]:
    """Give a service that waits for everybody, and takes few at a time."""
    with doors("trouble", "--streams", "2", "--waiting", "2", "--uploads", "2", "--body-seconds", "600") as service:
        yield service


def own(door: Doors, method: str, arguments: dict[str, Any], **more: Any) -> Any:  # noqa: ANN401 - grpcio's own
    """Return the future of a call of the model's own service."""
    spec = CODEC.spec.method(method)
    body = CODEC.to_bytes(CODEC.from_json(arguments, spec.input), spec.input)
    return door.channel.unary_unary(f"/{SERVICE}/{method}").future(body, **more)


def failed(call: Any, code: grpc.StatusCode) -> str:  # noqa: ANN401 - grpcio's own
    """Return the details of a call's error, which say no more than they must."""
    error = call.exception(timeout=30)
    assert isinstance(error, grpc.RpcError)
    assert error.code() == code, error
    details: str = error.details()
    for leak in ("Traceback", ".py", PRIVATE_PATH):
        assert leak not in details
    return details


def health(door: Doors, service: str = "") -> str:
    request = HEALTH["grpc.health.v1.HealthCheckRequest"](service=service)
    read = HEALTH["grpc.health.v1.HealthCheckResponse"].FromString
    check = door.channel.unary_unary(
        "/grpc.health.v1.Health/Check", request_serializer=type(request).SerializeToString, response_deserializer=read
    )
    return str(MessageToDict(check(request)).get("status"))


class TestDescriptions:
    def test_reflection_gives_the_models_own_service(self, every_door: Doors) -> None:
        database = ProtoReflectionDescriptorDatabase(every_door.channel)
        spec = every_kind().spec
        services = {
            f"{spec.proto_package}.Model", "inference.GRPCInferenceService", "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }  # fmt: skip
        assert set(database.get_services()) == services
        found = descriptor_pool.DescriptorPool(database)
        for service in services:
            assert found.FindServiceByName(service).methods
        method = found.FindServiceByName(f"{spec.proto_package}.Model").methods_by_name["sort"]
        assert [field.name for field in method.input_type.fields] == ["petal", "species", "colour"]
        told = descriptor_pb2.FileDescriptorProto()
        found.FindFileContainingSymbol(f"{spec.proto_package}.Model").CopyToProto(told)
        assert told == file_descriptor(spec)

    def test_reflection_refuses_what_is_not_there(self, every_door: Doors) -> None:
        with pytest.raises(KeyError):
            ProtoReflectionDescriptorDatabase(every_door.channel).FindFileContainingSymbol("nobody.Model")
        assert reflection_pb2.DESCRIPTOR.package == "grpc.reflection.v1alpha"

    def test_health_is_of_the_server_and_of_each_service(self, door: Doors) -> None:
        assert health(door) == health(door, SERVICE) == health(door, "inference.GRPCInferenceService") == "SERVING"
        with pytest.raises(grpc.RpcError) as caught:
            health(door, "nobody")
        assert caught.value.code() == Code.NOT_FOUND


class TestMistakes:
    def test_each_has_its_status(self, door: Doors) -> None:
        assert failed(own(door, "fail", {"text": "a"}), Code.INTERNAL).startswith("fail failed on these arguments")
        failed(own(door, "lie", {}), Code.INTERNAL)
        failed(own(door, "leave", {}), Code.INTERNAL)
        failed(door.channel.unary_unary(f"/{SERVICE}/nobody").future(b""), Code.UNIMPLEMENTED)
        said = failed(door.channel.unary_unary(f"/{SERVICE}/length").future(b"\xff"), Code.INVALID_ARGUMENT)
        assert "LengthIn" in said
        failed(own(door, "length", {"text": "a" * 100_000}), Code.RESOURCE_EXHAUSTED)
        assert own(door, "length", {"text": "a"}).result(timeout=30)

    def test_packed_messages_are_refused_unread(self, door: Doors) -> None:
        body = CODEC.to_bytes(CODEC.from_json({"text": "a" * 1000}, "LengthIn"), "LengthIn")
        call = door.channel.unary_unary(f"/{SERVICE}/length")
        failed(call.future(body, compression=grpc.Compression.Gzip), Code.UNIMPLEMENTED)

    def test_all_misfits_are_told(self, every_door: Doors) -> None:
        request = MESSAGES["inference.ModelInferRequest"](model_name="every.sort")
        request.inputs.add(name="petal", datatype="FP32", shape=[1]).contents.int_contents.append(1)
        request.inputs.add(name="species", datatype="BYTES", shape=[1])
        request.outputs.add(name="nobody")
        with pytest.raises(grpc.RpcError) as caught:
            every_door.sent("ModelInfer", request, "ModelInferResponse")
        assert caught.value.code() == Code.INVALID_ARGUMENT
        said = caught.value.details()
        assert "inputs[0].contents: has int_contents; FP32 is in fp32_contents" in said
        assert "outputs.nobody: Flowers has no such output" in said

    def test_raw_contents_and_contents_exclude_each_other(self, every_door: Doors) -> None:
        request = MESSAGES["inference.ModelInferRequest"](model_name="every.fold", raw_input_contents=[b"", b""])
        request.inputs.add(name="text", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"a")
        with pytest.raises(grpc.RpcError) as caught:
            every_door.sent("ModelInfer", request, "ModelInferResponse")
        said = caught.value.details()
        assert "raw_input_contents: has 2 elements for 1 inputs" in said
        assert "inputs[0].contents: is there besides raw_input_contents" in said

    def test_an_id_is_given_back_and_logged(self, door: Doors) -> None:
        call = own(door, "length", {"text": "a"}, metadata=[("x-request-id", "seven-1")])
        assert ("x-request-id", "seven-1") in call.trailing_metadata()
        forged = own(door, "length", {"text": "a"}, metadata=[("x-request-id", "a b")])
        assert len(dict(forged.trailing_metadata())["x-request-id"]) == 32
        found = eventually(lambda: [one for one in door.service.log() if one.get("request_id") == "seven-1"])
        assert (found[0]["path"], found[0]["status"]) == (f"/{SERVICE}/length", 200)
        page = door.service.client.get("/metrics").text
        assert 'modelport_requests_total{door="grpc",method="length",status="200"}' in page

    def test_what_is_no_message_is_told_without_a_fuss(self, door: Doors) -> None:
        for path in ("inference.GRPCInferenceService/ModelInfer", "grpc.health.v1.Health/Check"):
            said = failed(door.channel.unary_unary(f"/{path}").future(b"\xff"), Code.INVALID_ARGUMENT)
            assert said == f"what was sent is not the protobuf message that /{path} takes"
        answers = door.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")(iter([b"\xff"]))
        assert answers.code() == Code.INVALID_ARGUMENT
        assert not [one for one in door.service.log() if one["logger"].startswith("grpc")]

    def test_a_call_without_its_message_is_told(self, door: Doors) -> None:
        call = door.channel.stream_unary(f"/{SERVICE}/length").future(iter(()))
        assert failed(call, Code.INVALID_ARGUMENT) == "the call has no message"


class TestEndless:
    """Calls that do not end by themselves, each of a kind that has a bound of its own."""

    def test_watches_keep_nobody_from_asking(self, patient: Doors) -> None:
        watches = [patient.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"") for _ in range(64)]
        assert all(next(one) for one in watches)
        assert patient.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"").code() == Code.RESOURCE_EXHAUSTED
        self.check(patient)
        for one in watches:
            one.cancel()

    def test_streams_keep_nobody_from_asking(self, patient: Doors) -> None:
        infer = patient.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
        open_ones = []
        for _ in range(2):
            said: SimpleQueue[bytes] = SimpleQueue()
            said.put(b"\x0a\x01x")  # a request for a model called x
            open_ones.append(infer(iter(said.get, b"")))
            next(open_ones[-1])
        assert infer(iter(SimpleQueue().get, b"")).code() == Code.RESOURCE_EXHAUSTED
        self.check(patient)
        for one in open_ones:
            one.cancel()

    def test_calls_without_their_message_keep_nobody_from_asking_for_health(self, patient: Doors) -> None:
        never: SimpleQueue[bytes] = SimpleQueue()
        calls = [patient.channel.stream_unary(f"/{SERVICE}/length").future(iter(never.get, b"")) for _ in range(5)]
        refused = patient.channel.stream_unary(f"/{SERVICE}/length").future(iter(never.get, b""))
        assert failed(refused, Code.RESOURCE_EXHAUSTED) == "5 calls are open already; try again"
        assert health(patient) == "SERVING"
        for one in calls:
            one.cancel()
        eventually(lambda: not own(patient, "length", {"text": "a"}).exception(timeout=30))

    def check(self, patient: Doors) -> None:
        assert health(patient) == "SERVING"
        assert own(patient, "length", {"text": "a"}).result(timeout=30)

    def test_who_sends_nothing_is_not_waited_for_without_end(self) -> None:
        never: SimpleQueue[bytes] = SimpleQueue()
        with doors("trouble", "--body-seconds", "0.5") as door:
            infer = door.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")
            reflect = door.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
            call = door.channel.stream_unary(f"/{SERVICE}/length")
            for one in (infer(iter(never.get, b"")), reflect(iter(never.get, b"")), call.future(iter(never.get, b""))):
                assert one.code() == Code.DEADLINE_EXCEEDED
                assert one.details() == "no message came for 0.5 seconds"

    def test_idle_streams_do_not_hold_up_the_end(self) -> None:
        said: SimpleQueue[bytes] = SimpleQueue()
        with doors("trouble", "--body-seconds", "600", "--drain-seconds", "600") as door:
            infer = door.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")(iter(said.get, b""))
            said.put(b"\x0a\x01x")
            next(infer)
            door.service.process.send_signal(signal.SIGTERM)
            assert infer.code() == Code.UNAVAILABLE
            assert infer.details() == "the service stops"
            assert door.service.process.wait(60) == 0


@pytest.mark.parametrize("way", ["own", "inference", "stream", "rest", "first version"])
def test_health_answers_while_a_large_answer_is_written(door: Doors, way: str) -> None:
    request = MESSAGES["inference.ModelInferRequest"](model_name="trouble.big")
    request.inputs.add(name="n", datatype="INT64", shape=[1]).contents.int64_contents.append(1_000_000)
    data, path, client = request.SerializeToString(), "/inference.GRPCInferenceService", door.service.client
    tensor = {"name": "n", "datatype": "INT64", "shape": [1], "data": [1_000_000]}
    calls: dict[str, Callable[[], object]] = {
        "own": lambda: own(door, "big", {"n": 1_000_000}).result(),
        "inference": lambda: door.channel.unary_unary(f"{path}/ModelInfer")(data),
        "stream": lambda: list(door.channel.stream_stream(f"{path}/ModelStreamInfer")(iter([data]))),
        "rest": lambda: client.post("/v2/models/trouble.big/infer", json={"inputs": [tensor]}).raise_for_status(),
        "first version": lambda: client.post(
            "/v1/models/trouble.big:predict", json={"instances": [1_000_000]}
        ).raise_for_status(),
    }
    shares = []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):  # the machine may have something else to do; an answer that is written on the loop never has
            start = time.monotonic()
            call = pool.submit(calls[way])
            waits = slowest_health(door.service, call)
            assert call.result()
            shares.append(waits / (time.monotonic() - start))
            if shares[-1] < 0.5:  # the call is little else than its writing
                return
    raise AssertionError(f"health waited for {shares} of the calls' time")


class TestTime:
    def test_a_deadline_frees_the_place_in_the_line(self, door: Doors) -> None:
        holding = own(door, "sleep", {"seconds": 1.5})
        eventually(lambda: "modelport_requests_in_flight 1.0" in door.service.client.get("/metrics").text)
        waiting = [own(door, "length", {"text": "a"}, timeout=0.2) for _ in range(2)]
        for one in waiting:
            failed(one, Code.DEADLINE_EXCEEDED)
        # Both places are free again, while the first call still runs.
        eventually(lambda: "modelport_queue_calls 0.0" in door.service.client.get("/metrics").text)
        others = [own(door, "length", {"text": "a"}) for _ in range(2)]
        assert all(one.result(timeout=30) for one in [holding, *others])

    def test_giving_up_frees_the_place_in_the_line(self, door: Doors) -> None:
        holding = own(door, "sleep", {"seconds": 1.5})
        eventually(lambda: "modelport_requests_in_flight 1.0" in door.service.client.get("/metrics").text)
        waiting = own(door, "length", {"text": "a"})
        eventually(lambda: "modelport_queue_calls 1.0" in door.service.client.get("/metrics").text)
        waiting.cancel()
        eventually(lambda: "modelport_queue_calls 0.0" in door.service.client.get("/metrics").text)
        assert holding.result(timeout=30)

    def test_a_full_line_is_told(self, door: Doors) -> None:
        calls = [own(door, "sleep", {"seconds": 1.0}) for _ in range(5)]
        errors = [error for call in calls if (error := call.exception(timeout=30))]
        assert len(errors) == 2
        assert {error.code() for error in errors} == {Code.RESOURCE_EXHAUSTED}

    def test_open_calls_end_before_the_service_does(self) -> None:
        with doors("trouble") as door, ThreadPoolExecutor(1) as pool:
            call = own(door, "sleep", {"seconds": 1.0})
            eventually(lambda: "modelport_requests_in_flight 1.0" in door.service.client.get("/metrics").text)
            ended = pool.submit(door.service.process.wait, 30)
            door.service.process.send_signal(signal.SIGTERM)
            assert call.result(timeout=30)
            assert ended.result(30) == 0
            failed(own(door, "length", {"text": "a"}, timeout=10), Code.UNAVAILABLE)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "tests.serve.models", "kinds", "--grpc-port", port]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"cannot listen for gRPC on 127.0.0.1 port {port}" in done.stderr
    assert not done.stdout
