"""Bodies that are too much, too slow or nothing at all: one status each, and nothing stalls."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import problem_in, problem_of
from tests.serve.sockets import CLOSED, HEAD, exchange, pour
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running


class TestSize:
    def test_a_declared_length_is_refused_before_the_body_is_sent(self, strict: Running) -> None:
        with socket.create_connection(strict.address, timeout=30) as connection:
            connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2001\r\n\r\n")
            received = connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 413 ")
        assert b"100 Continue" not in received

    def test_a_caller_who_sends_on_gets_to_read_why(self, strict: Running) -> None:
        problem = problem_of(strict.call("length", {"text": "x" * 5_000_000}), 413, "body-too-large")
        assert "2000 bytes" in problem["detail"]

    def test_a_chunked_body_is_cut_off(self, strict: Running) -> None:
        def chunks() -> Iterator[bytes]:
            for _ in range(50):
                yield b"x" * 100

        headers = {"Content-Type": "application/json"}
        answer = strict.client.post("/model/methods/length", content=chunks(), headers=headers)
        problem_of(answer, 413, "body-too-large")
        assert strict.call("length", {"text": "x" * 1900}).json() == {"value": 1900}

    def test_an_endless_body_is_not_read_for_long(self, strict: Running) -> None:
        start = time.monotonic()
        with socket.create_connection(strict.address, timeout=30) as connection:
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            with pytest.raises(OSError, match=CLOSED):
                pour(connection, b"800\r\n" + b"x" * 2048 + b"\r\n", pause=0.01)
        assert time.monotonic() - start < 30

    def test_a_length_of_absurd_size(self, strict: Running) -> None:
        head, _, body = exchange(
            strict, HEAD + b"Connection: close\r\nContent-Length: " + b"9" * 19 + b"\r\n\r\n"
        ).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        problem_in(body.decode(), 413, "body-too-large")

    def test_limits_of_json_can_be_set(self, strict: Running) -> None:
        too_deep = strict.call("length", None, content=b"[[[[[]]]]]")
        assert "more than 4 deep" in problem_of(too_deep, 400, "malformed-json")["detail"]
        too_long = strict.call("length", None, content=b"1" * 41)
        assert "more than 40 char" in problem_of(too_long, 400, "malformed-json")["detail"]


class TestTime:
    def test_a_slow_body_is_answered_and_the_connection_closed(self, strict: Running) -> None:
        start = time.monotonic()
        received = exchange(strict, HEAD + b"Content-Length: 100\r\n\r\n", b'{"te')
        assert 0.4 < time.monotonic() - start < 30
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in head.lower()
        problem_in(body.decode(), 408, "slow-body")

    def test_a_trickle_is_no_way_round(self, strict: Running) -> None:
        received = exchange(strict, HEAD + b"Content-Length: 100\r\n\r\n", b"{", b'"', b"t", b"e", pause=0.14)
        assert received.startswith(b"HTTP/1.1 408 ")

    @pytest.mark.parametrize("head", [b"", b"GET / HT", HEAD])
    def test_who_never_sends_a_whole_head_is_dropped(self, strict: Running, head: bytes) -> None:
        start = time.monotonic()
        assert exchange(strict, head) == b""
        assert 0.5 < time.monotonic() - start < 30

    def test_so_is_who_starts_a_second_one(self, strict: Running) -> None:
        received = exchange(strict, b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n", b"GET / HT", pause=0.1)
        assert received.count(b"HTTP/1.1") == 1

    def test_too_many_uploads_at_once(self, strict: Running) -> None:
        slow = [socket.create_connection(strict.address, timeout=30) for _ in range(2)]
        try:
            for connection in slow:
                connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
            time.sleep(0.1)
            received = exchange(strict, HEAD + b"Connection: close\r\nContent-Length: 100\r\n\r\n")
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 ")
            assert b"retry-after: 1" in head.lower()
            problem_in(body.decode(), 429, "overloaded")
            at_once = HEAD + b"Connection: close\r\nContent-Length: 11\r\n\r\n" + b'{"text":""}'
            assert exchange(strict, at_once).startswith(b"HTTP/1.1 200 ")  # its body is here with its head
            assert strict.client.get("/health/ready").status_code == 200
        finally:
            for connection in slow:
                connection.close()
        eventually(lambda: strict.call("length", {"text": ""}).status_code == 200)


def test_a_client_that_goes_away_in_the_middle_of_a_body(kinds: Running) -> None:
    with socket.create_connection(kinds.address, timeout=30) as connection:
        connection.sendall(HEAD.replace(b"length", b"nothing") + b"Content-Length: 10\r\n\r\n{")
    assert kinds.call("nothing", {}).status_code == 200
    assert [r["exception"] for r in kinds.log() if "exception" in r] == []


METHODS = ("echo", "lists", "move", "tensors", "scale", "nothing", "unknown")
TYPES = ("application/json", "application/x-protobuf", "text/plain", "")


@given(st.sampled_from(METHODS), st.sampled_from(TYPES), st.binary(max_size=200))
def test_random_bytes_are_never_the_models_fault(kinds: Running, method: str, media_type: str, body: bytes) -> None:
    answer = kinds.client.post(f"/model/methods/{method}", content=body, headers={"Content-Type": media_type})
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["d", "f", "i", "l", "points", "x", "y"]), inner)
    ),
    max_leaves=10,
)


ARGUMENTS = st.dictionaries(
    st.sampled_from(["floats", "images", "halves", "by", "numbers", "words", "name", "centre"]), JSON
)


@given(st.sampled_from(METHODS[:-1]), ARGUMENTS)
def test_random_arguments_are_never_the_models_fault(kinds: Running, method: str, arguments: dict[str, object]) -> None:
    answer = kinds.client.post(f"/model/methods/{method}", content=json.dumps(arguments))
    assert answer.status_code in {200, 422}, answer.text
