"""Calls over a real socket: forms, negotiation, and what the two forms have in common."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from tests.serve.models import kinds as make_kinds
from tests.serve.running import problem_of
from tests.support.waiting import eventually

from modelport.model import Codec
from modelport.serve.media import answer_type
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from tests.serve.running import Running

    from modelport.model import Example

MODEL = make_kinds()
CODEC = Codec.bare(MODEL.spec)  # what a client has that knows only the signature
PROTOBUF = "application/x-protobuf"


def encoded(example: Example) -> bytes:
    name = MODEL.spec.method(example.method).input
    return CODEC.to_bytes(CODEC.from_json(example.input, name), name)


def decoded(data: bytes, example: Example) -> object:
    name = MODEL.spec.method(example.method).output
    return CODEC.to_json(CODEC.from_bytes(data, name), name)


@pytest.mark.parametrize("example", MODEL.examples, ids=lambda e: e.method)
def test_json_and_protobuf_agree_in_every_mixture(kinds: Running, example: Example) -> None:
    for media_type, body in (("application/json", json.dumps(example.input).encode()), (PROTOBUF, encoded(example))):
        sent = {"Content-Type": media_type}
        plain = kinds.call(example.method, content=body, headers=sent)
        to_json = kinds.call(example.method, content=body, headers=sent | {"Accept": "application/json"})
        to_protobuf = kinds.call(example.method, content=body, headers=sent | {"Accept": PROTOBUF})
        assert to_json.status_code == to_protobuf.status_code == 200
        assert to_json.headers["content-type"] == "application/json"
        assert to_json.json() == example.output
        assert to_protobuf.headers["content-type"] == PROTOBUF
        assert decoded(to_protobuf.content, example) == example.output
        assert plain.content == (to_protobuf if media_type == PROTOBUF else to_json).content


@pytest.mark.parametrize("media_type", [PROTOBUF, "application/protobuf", "application/vnd.google.protobuf"])
def test_each_name_of_protobuf_is_taken_and_given_back(kinds: Running, media_type: str) -> None:
    example = MODEL.examples[0]
    answer = kinds.client.post(
        f"/model/methods/{example.method}", content=encoded(example), headers={"Content-Type": media_type}
    )
    assert answer.headers["content-type"] == media_type
    assert decoded(answer.content, example) == example.output


@pytest.mark.parametrize(
    ("accept", "asked_in", "given"),
    [
        (None, PROTOBUF, PROTOBUF),
        ("", "application/json", "application/json"),
        ("*/*", PROTOBUF, PROTOBUF),
        ("application/*;q=0.5", PROTOBUF, PROTOBUF),
        ("application/json", PROTOBUF, "application/json"),
        ("application/json; charset=utf-8", PROTOBUF, "application/json"),
        ("APPLICATION/JSON", PROTOBUF, "application/json"),
        ("application/json;q=0.1, application/x-protobuf;q=0.2", "application/json", PROTOBUF),
        ("application/json;q=0.1, */*;q=0.9", "application/json", PROTOBUF),
        ("application/json;q=0, */*", "application/json", PROTOBUF),
        ("text/html, */*;q=0.1", "application/json", "application/json"),
        (
            "application/vnd.google.protobuf, application/json;q=0.5",
            "application/json",
            "application/vnd.google.protobuf",
        ),
    ],
)
def test_the_answer_has_the_best_accepted_form(accept: str | None, asked_in: str, given: str) -> None:
    assert answer_type(accept, asked_in) == given


@pytest.mark.parametrize(
    "accept", ["text/html", "*/*;q=0", "application/json;q=0", "json", "application/json;q=x", ",;="]
)
def test_nothing_acceptable_is_offered(kinds: Running, accept: str) -> None:
    with pytest.raises(ProblemError):
        answer_type(accept, "application/json")
    problem = problem_of(kinds.call("nothing", {}, headers={"Accept": accept}), 406, "not-acceptable")
    assert "application/x-protobuf" in problem["detail"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_which_content_types_are_json(kinds: Running, content_type: str, status: int) -> None:
    answer = kinds.call("nothing", None, content=b"{}", headers={"Content-Type": content_type})
    if status == 415:
        problem = problem_of(answer, 415, "unsupported-media-type")
        assert problem["headers"]["accept"].startswith("application/json")
    assert answer.status_code == status


def test_a_form_from_curl_is_told_what_to_add(kinds: Running) -> None:
    answer = kinds.client.post("/model/methods/nothing", data={"a": "b"})
    assert "-H 'Content-Type: application/json'" in problem_of(answer, 415, "unsupported-media-type")["detail"]


def test_a_compressed_body_is_refused(kinds: Running) -> None:
    answer = kinds.call("nothing", {}, headers={"Content-Encoding": "gzip"})
    assert problem_of(answer, 415, "unsupported-media-type")["headers"]["accept-encoding"] == "identity"


def test_a_body_without_a_type_is_json_and_no_body_is_no_arguments(kinds: Running) -> None:
    typed = kinds.client.build_request("POST", "/model/methods/scale", content=b'{"floats": [[1, 2, 3]], "by": 2}')
    assert "content-type" not in typed.headers
    assert kinds.client.send(typed).json() == {"value": [[2, 4, 6]]}
    assert kinds.client.post("/model/methods/nothing").json() == {}
    assert kinds.client.post("/model/methods/nothing", headers={"Content-Type": PROTOBUF}).content == b""
    misfits = problem_of(kinds.client.post("/model/methods/scale"), 422, "arguments-do-not-fit")["errors"]
    assert [e["path"] for e in misfits] == ["floats", "by"]


def test_large_bodies_take_the_same_way(kinds: Running) -> None:
    blob = base64.b64encode(bytes(300_000)).decode()
    many = MODEL.examples[0].input | {"raw": blob}
    assert kinds.call("echo", many).json()["raw"] == blob
    problem_of(kinds.call("echo", many | {"i": 2**40}), 422, "arguments-do-not-fit")


def test_all_misfits_are_named_at_once(kinds: Running) -> None:
    arguments = {"name": 1, "points": [{"x": "a", "y": 2}, {"x": 1}], "centre": None, "extra": 1}
    problem = problem_of(kinds.call("move", arguments), 422, "arguments-do-not-fit")
    paths = [e["path"] for e in problem["errors"]]
    assert sorted(paths) == ["centre", "closed", "extra", "name", "points[0].x", "points[1].y"]
    assert all(e["message"] for e in problem["errors"])
    assert "(and 5 more)" in problem["detail"]


def test_very_many_misfits_are_counted_not_listed(kinds: Running) -> None:
    arguments = {"numbers": ["x"] * 5000, "words": [], "flags": [], "blobs": []}
    answer = kinds.call("lists", arguments)
    assert len(problem_of(answer, 422, "arguments-do-not-fit")["errors"]) <= 101
    assert len(answer.content) < 20_000


def test_dimensions_of_one_name_must_agree(kinds: Running) -> None:
    arguments = {"floats": [[1, 2, 3]], "images": [], "halves": []}
    assert problem_of(kinds.call("tensors", arguments), 422, "arguments-do-not-fit")["errors"][0]["path"] == "images"


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\xff\x01", b"{}"])
def test_what_is_not_the_message(kinds: Running, body: bytes) -> None:
    answer = kinds.call("move", None, content=body, headers={"Content-Type": PROTOBUF})
    problem_of(answer, 400, "malformed-protobuf")


def test_a_protobuf_message_may_still_not_fit(kinds: Running) -> None:
    answer = kinds.call("move", None, content=b"", headers={"Content-Type": PROTOBUF})
    assert problem_of(answer, 422, "arguments-do-not-fit")["errors"][0]["path"] == "centre"


class TestTheModelFails:
    @pytest.mark.parametrize("method", ["fail", "lie", "leave"])
    def test_the_caller_learns_no_more_than_that(self, trouble: Running, method: str) -> None:
        arguments = {"text": "café"} if method == "fail" else {}
        problem = problem_of(trouble.call(method, arguments), 500, "model-failed")
        assert "errors" not in problem
        line = eventually(
            lambda: [r for r in trouble.log() if r.get("request_id") == problem["request_id"] and "exception" in r]
        )[0]
        assert "Traceback" in line["exception"]
        assert trouble.call("length", {"text": "abc"}).json() == {"value": 3}  # its worker lives on

    def test_what_it_prints_goes_to_the_log(self, trouble: Running) -> None:
        assert trouble.call("chat", {}).json() == {"value": "said"}


class TestRequestIds:
    def test_a_good_one_is_kept(self, kinds: Running) -> None:
        answer = kinds.call("move", {}, headers={"X-Request-ID": "trace-1.2:3"})
        assert answer.headers["x-request-id"] == "trace-1.2:3" == answer.json()["request_id"]

    def test_a_call_says_how_long_the_service_worked_on_it(self, kinds: Running) -> None:
        began = time.perf_counter()
        point = {"x": 1.0, "y": 2.0}
        answer = kinds.call("move", {"name": "one", "points": [point], "centre": point, "closed": True})
        took = 1000 * (time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
        said = re.fullmatch(r"call;dur=(\d+\.\d{3})", answer.headers["server-timing"])
        assert said
        assert 0 <= float(said[1]) <= took
        assert "server-timing" not in kinds.client.get("/health/live").headers

    @pytest.mark.parametrize("bad", ["", "a b", "x" * 129, '"><script>'])
    def test_a_bad_one_is_replaced(self, kinds: Running, bad: str) -> None:
        answer = kinds.client.get("/health/live", headers={"X-Request-ID": bad})
        assert len(answer.headers["x-request-id"]) == 32

    def test_each_request_stands_in_the_log(self, kinds: Running) -> None:
        kinds.client.get("/no%0Asuch", headers={"X-Request-ID": "in-the-log"})
        line = eventually(lambda: [r for r in kinds.log() if r.get("request_id") == "in-the-log"])[0]
        assert (line["method"], line["path"], line["status"]) == ("GET", "/no\nsuch", 404)
        assert line["problem"] == "not-found"
