"""Streams of a really running service: both ways at once, at the pace of the slower side, ended when anybody ends."""

from __future__ import annotations

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

import httpx
import pytest
from tests.serve.running import problem_in, problem_of, running
from tests.serve.streaming import streams
from tests.support.loops import in_loop
from tests.support.waiting import eventually

from modelport.model.proto import message_classes
from modelport.serve.arriving import Arriving
from modelport.serve.framing import Lengths, delimited
from modelport.serve.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serve.running import Running

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with running("tests.serve.streaming", "streams") as one:
        yield one


@pytest.fixture(scope="module")
def hasty() -> Iterator[Running]:
    """Give a service that waits for nobody, and takes little."""
    with running(
        "tests.serve.streaming", "streams", "--body-seconds", "1", "--call-seconds", "1", "--body-bytes", "300",
        "--stream-bytes", "2000", "--json-depth", "3", "--streams", "1",
    ) as one:  # fmt: skip
        yield one


def ndjson(*messages: Any) -> bytes:  # noqa: ANN401 - JSON
    return b"".join(json.dumps(one).encode() + b"\n" for one in messages)


def lines(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


class Talk:
    """A call by hand, of which each side is sent and read piece by piece."""

    def __init__(self, connection: socket.socket, answers: IO[bytes]) -> None:
        self.connection = connection
        self.answers = answers

    def send(self, *messages: Any) -> None:  # noqa: ANN401 - JSON
        body = ndjson(*messages)
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(body), body))

    def end(self) -> None:
        self.connection.sendall(b"0\r\n\r\n")

    def head(self) -> bytes:
        status = self.answers.readline()
        while self.answers.readline().strip():
            pass
        return status

    def message(self) -> Any:  # noqa: ANN401 - JSON
        """Return what is in the next chunk; None at the end."""
        size = int(self.answers.readline(), 16)
        body = self.answers.read(size)
        self.answers.readline()
        return json.loads(body) if size else None


@contextmanager
def talk(service: Running, method: str) -> Iterator[Talk]:
    with socket.create_connection(service.address, timeout=20) as connection, connection.makefile("rb") as answers:
        connection.sendall(
            f"POST /model/methods/{method} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        yield Talk(connection, answers)


def test_the_four_kinds(service: Running) -> None:
    assert service.call("plain", {"x": 2}).json() == {"value": 2}
    assert lines(service.call("count", {"to": 3})) == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert lines(service.call("count", {"to": 0})) == []
    added = service.call("total", content=ndjson({"value": 1}, {"value": 2.5}), headers=NDJSON)
    assert (added.headers["content-type"], added.json()) == ("application/json", {"value": 3.5})
    for method in ("mean", "mean_later"):
        answers = service.call(method, content=ndjson({"x": 1}, {"x": 3}), headers=NDJSON)
        assert lines(answers) == [{"x": 1}, {"x": 2}]


def test_lines_are_taken_as_they_may_be_written(service: Running) -> None:
    body = b'\r\n{"value": 1}\r\n\n{"value": 2}'
    assert service.call("total", content=body, headers=NDJSON).json() == {"value": 3}
    assert service.call("total", content=b"").json() == {"value": 0}, "nothing is an empty stream"
    assert service.call("total", content=body, headers={"Content-Type": "application/jsonl"}).json() == {"value": 3}
    assert lines(service.call("count", content=b'{"to": 1}\n', headers=NDJSON)) == [{"value": 1}]


def test_answers_as_events(service: Running) -> None:
    response = service.call("count", {"to": 2}, headers={"Accept": "text/event-stream"})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.text == 'data: {"value":1}\n\ndata: {"value":2}\n\n'
    response = service.call("fails", {"at": 1}, headers={"Accept": "text/event-stream"})
    _, last, _ = response.text.split("\n\n")
    event, data = last.split("\n")
    assert event == "event: error"
    problem_in(data.removeprefix("data: "), 500, "model-failed")


def test_protobuf_with_lengths(service: Running) -> None:
    classes: Any = message_classes(streams().spec)
    body = b"".join(delimited(classes["Point"](x=x).SerializeToString()) for x in (1.0, 3.0))
    response = service.call("mean", content=body, headers={"Content-Type": "application/x-protobuf"})
    assert response.headers["content-type"] == "application/x-protobuf"
    found = Lengths(100).add(response.content)
    assert [classes["Point"].FromString(one).x for one in found] == [1.0, 2.0]
    with pytest.raises(httpx.RemoteProtocolError):  # what ends in the middle is cut off
        service.call("mean", content=body[:-1], headers={"Content-Type": "application/x-protobuf"})
    nothing = service.call("total", content=b"\xff" * 9, headers={"Content-Type": "application/x-protobuf"})
    problem_of(nothing, 400, "malformed-protobuf")


@pytest.mark.parametrize("method", ["mean", "mean_later"])
def test_both_sides_go_at_once(service: Running, method: str) -> None:
    with talk(service, method) as call:
        call.send({"x": 1})
        assert call.head().startswith(b"HTTP/1.1 200 ")
        assert call.message() == {"x": 1}, "answered while the caller has said nothing else"
        call.send({"x": 3})
        assert call.message() == {"x": 2}
        call.end()
        assert call.message() is None


def test_the_first_message_is_there_before_the_last_is_made(service: Running, tmp_path: Path) -> None:
    with service.client.stream("POST", "/model/methods/gated", json={"folder": str(tmp_path)}) as response:
        found = response.iter_lines()
        assert json.loads(next(found)) == {"value": "first"}
        (tmp_path / "open").touch()
        assert json.loads(next(found)) == {"value": "second"}


def test_a_slow_reader_stops_the_model_and_in_the_end_the_call(hasty: Running, tmp_path: Path) -> None:
    arguments = {"folder": str(tmp_path), "size": 2**20}
    with hasty.client.stream("POST", "/model/methods/endless", json=arguments) as response:
        assert response.status_code == 200
        made = int(eventually(lambda: (tmp_path / "closed").exists() and (tmp_path / "closed").read_text()))
    assert made < 64, "the model is at most some buffers ahead of its reader"
    assert hasty.call("plain", {"x": 1}).json() == {"value": 1}, "its worker is free again"


def test_a_caller_that_goes_away_closes_the_generator(service: Running, tmp_path: Path) -> None:
    arguments = {"folder": str(tmp_path), "size": 10}
    with service.client.stream("POST", "/model/methods/endless", json=arguments) as response:
        next(response.iter_lines())
    assert eventually((tmp_path / "closed").exists)
    assert service.call("plain", {"x": 1}).json() == {"value": 1}


@pytest.mark.parametrize("method", ["echo", "echo_later"])
def test_a_caller_that_goes_away_in_the_middle_of_a_stream_closes_the_generator(
    service: Running, tmp_path: Path, method: str
) -> None:
    with talk(service, method) as call:
        call.send({"folder": str(tmp_path)})
        call.head()
        assert call.message()["folder"] == str(tmp_path)
        assert not (tmp_path / "closed").exists(), "it waits for the next message"
    assert eventually((tmp_path / "closed").exists)
    assert service.call("plain", {"x": 1}).json() == {"value": 1}


def test_a_stream_that_is_cut_off_is_not_taken_for_a_whole_one(service: Running, tmp_path: Path) -> None:
    with talk(service, "gather") as call:
        call.send({"folder": str(tmp_path)}, {"folder": str(tmp_path)})
        assert eventually(lambda: (tmp_path / "took").exists() and (tmp_path / "took").read_text() == "2")
    assert eventually((tmp_path / "closed").exists)
    assert not (tmp_path / "done").exists()


def test_an_error_before_the_first_message_is_a_problem(service: Running) -> None:
    problem_of(service.call("fails", {"at": 0}), 500, "model-failed")
    told = problem_of(service.call("count", {"to": "x"}), 422, "arguments-do-not-fit")
    assert told["errors"][0]["path"] == "to"
    told = problem_of(service.call("mean", content=b'{"x": "a"}', headers=NDJSON), 422, "arguments-do-not-fit")
    assert told["errors"] == [{"path": "input 1", "message": "x: is a string, not a number (double)"}]
    told = problem_of(service.call("total", content=b'{"value": 1}\n{', headers=NDJSON), 400, "malformed-json")
    assert told["detail"].startswith("input 2: the body cannot be read")


def test_an_error_in_mid_stream_is_the_last_line(service: Running) -> None:
    *answers, last = lines(service.call("fails", {"at": 2}))
    assert answers == [{"value": 0}, {"value": 1}]
    problem_in(json.dumps(last["error"]), 500, "model-failed")
    *answers, last = lines(service.call("unfit", {"to": 4}))
    assert len(answers) == 4
    problem_in(json.dumps(last["error"]), 500, "model-failed")
    assert eventually(lambda: [e for e in service.log() if "output 5: value: " in e.get("exception", "")])
    *answers, last = lines(service.call("mean", content=ndjson({"x": 1}, {"x": 2}, {"y": 3}), headers=NDJSON))
    told = problem_in(json.dumps(last["error"]), 422, "arguments-do-not-fit")
    assert {one["path"] for one in told["errors"]} == {"input 3"}
    assert len(answers) == 2


def test_forms_that_are_not_taken(service: Running) -> None:
    told = problem_of(service.call("total", {"value": 1}), 415, "unsupported-media-type")
    assert "this method takes application/x-ndjson, " in told["detail"]
    problem_of(service.call("count", {"to": 1}, headers={"Accept": "application/json"}), 406, "not-acceptable")
    problem_of(service.client.get("/model/methods/count"), 405, "method-not-allowed")


def test_a_call_for_another_signature_is_refused(service: Running) -> None:
    tag = f'"{streams().spec.proto_package}"'
    for match in (tag, "*", f'"x", {tag}'):
        assert lines(service.call("count", {"to": 1}, headers={"If-Match": match})) == [{"value": 1}]
    for method in ("count", "plain"):
        told = problem_of(service.call(method, {"to": 1}, headers={"If-Match": '"x"'}), 412, "signature-changed")
        assert told["headers"]["etag"] == tag


def test_limits_of_what_is_sent(hasty: Running) -> None:
    long = ndjson({"value": 1}) + b'{"value": ' + b" " * 300 + b"1}\n"
    told = problem_of(hasty.call("total", content=long, headers=NDJSON), 413, "body-too-large")
    assert told["detail"] == "a message of a stream has at most 300 bytes"
    told = problem_of(hasty.call("total", content=ndjson({"value": 1}) * 200, headers=NDJSON), 413, "body-too-large")
    assert told["detail"] == "a stream has at most 2000 bytes"
    problem_of(hasty.call("total", content=b'{"value": [[[1]]]}', headers=NDJSON), 400, "malformed-json")
    with talk(hasty, "total") as call:
        call.send({"value": 1})
        assert call.head().startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(("protobuf", "body"), [(True, bytes(2**20)), (False, b"1\n" * 2**19)])
def test_messages_of_few_bytes_are_read_ahead_by_their_number_too(protobuf: bool, body: bytes) -> None:  # noqa: FBT001 - given by pytest
    async def receive() -> dict[str, Any]:
        if not sent:
            await asyncio.Event().wait()
        return sent.pop()

    async def taken() -> int:
        upload, number = Arriving(receive, Limits(), protobuf=protobuf), 0
        reading = asyncio.create_task(upload.run())
        async for _ in upload:
            number += 1
            assert upload.ahead <= 1024
        reading.cancel()
        return number

    sent: list[dict[str, Any]] = [{"type": "http.request", "body": body}]
    assert in_loop(taken()) == (len(body) if protobuf else len(body) // 2)


def test_very_many_messages_pass(service: Running) -> None:
    classes: Any = message_classes(streams().spec)
    kind = classes[streams().spec.method("total").input]
    body = bytes(50_000) + delimited(kind(value=2.5).SerializeToString())
    answer = service.call("total", content=body, headers={"Content-Type": "application/x-protobuf"}, timeout=120)
    assert kind.FromString(answer.content).value == 2.5


def test_the_model_has_its_time_for_each_message(hasty: Running) -> None:
    problem_of(hasty.call("stall", {"after": 0, "seconds": 1.5}), 504, "out-of-time")
    eventually(lambda: hasty.client.get("/health/ready").status_code == 200)
    *answers, last = lines(hasty.call("stall", {"after": 2, "seconds": 1.5}))
    assert answers == [{"value": 0}, {"value": 1}]
    problem_in(json.dumps(last["error"]), 504, "out-of-time")
    eventually(lambda: hasty.client.get("/health/ready").status_code == 200)
    assert hasty.call("plain", {"x": 1}).json() == {"value": 1}


@pytest.mark.parametrize("method", ["echo", "echo_later"])
def test_a_stream_that_waits_for_its_caller_keeps_nobody_from_the_model(
    service: Running, tmp_path: Path, method: str
) -> None:
    with ExitStack() as open_ones:
        calls = [open_ones.enter_context(talk(service, method)) for _ in range(5)]
        for call in calls:  # there is one worker
            call.send({"folder": str(tmp_path)})
            call.head()
            assert call.message() == {"folder": str(tmp_path), "text": ""}
            assert service.call("plain", {"x": 1}).json() == {"value": 1}
        for call in calls:
            call.send({"folder": str(tmp_path), "text": "again"})
            assert call.message()["text"] == "again"
            call.end()
            assert call.message() is None
    assert service.client.get("/health/ready").status_code == 200


def test_a_stream_that_works_lets_others_have_their_turn_between_two_messages(service: Running, tmp_path: Path) -> None:
    with service.client.stream("POST", "/model/methods/endless", json={"folder": str(tmp_path), "size": 10}) as one:
        found = one.iter_lines()
        for _ in range(3):
            next(found)
            assert service.call("plain", {"x": 1}).json() == {"value": 1}


def test_the_model_runs_for_one_at_a_time(service: Running) -> None:
    """Streams have threads of their own, and the model of one worker is still never run by two."""
    with ThreadPoolExecutor(6) as callers:
        streams = [callers.submit(service.call, "alone", {"to": 40}) for _ in range(4)]
        plain = [callers.submit(service.call, "alone_too", {"times": 5}) for _ in range(20)]
        assert all(lines(one.result())[-1] == {"value": 40} for one in streams)
        assert all(one.result().json() == {"value": 1} for one in plain)


def test_there_are_so_many_streams_at_a_time(hasty: Running, tmp_path: Path) -> None:
    with talk(hasty, "echo") as call:
        call.send({"folder": str(tmp_path)})
        call.head()
        told = problem_of(hasty.call("count", {"to": 1}), 429, "overloaded")
        assert told["detail"] == "1 streams are open already; try again"
        assert hasty.call("plain", {"x": 1}).json() == {"value": 1}
    assert eventually(lambda: hasty.call("count", {"to": 1}).status_code == 200)


def test_streams_stand_in_the_log_and_the_metrics(service: Running) -> None:
    service.call("fails", {"at": 1}, headers={"X-Request-ID": "stream-1"})
    found = eventually(lambda: [e for e in service.log() if e.get("request_id") == "stream-1" and "status" in e])
    assert (found[0]["status"], found[0]["problem"]) == (200, "model-failed")
    text = service.client.get("/metrics").text
    assert 'modelport_requests_total{door="methods",method="fails",status="200"}' in text
    assert "modelport_requests_in_flight 0.0" in text


def test_openapi_says_what_a_line_holds(service: Running) -> None:
    document = service.client.get("/openapi.json").json()
    mean = document["paths"]["/model/methods/mean"]["post"]
    answers = mean["responses"]["200"]["content"]
    assert set(answers) >= {"application/x-ndjson", "text/event-stream", "application/x-protobuf"}
    for content in (mean["requestBody"]["content"], answers):
        line = content["application/x-ndjson"]["schema"]
        assert line["x-modelport-line"] == {"$ref": "#/components/schemas/Point"}
    assert "application/json" in document["paths"]["/model/methods/total"]["post"]["responses"]["200"]["content"]
