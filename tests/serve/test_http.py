"""HTTP itself: what is none gets a problem all the same, and what is unusual is answered in order."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.serve.running import problem_in, problem_of
from tests.serve.sockets import CLOSED, HEAD, exchange, pour
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.serve.running import Running


class TestNotHttp:
    @pytest.mark.parametrize(
        "sent",
        [
            b"garbage\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nBad Header: x\r\nHost: a\r\n\r\n",
            HEAD + b"Content-Length: -1\r\n\r\n",
            HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        ],
        ids=lambda sent: repr(sent[-20:]),
    )
    def test_it_gets_a_problem_all_the_same(self, kinds: Running, sent: bytes) -> None:
        head, _, body = exchange(kinds, sent).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        problem_in(body.decode(), 400, "malformed-request")

    def test_a_head_of_many_fields(self, kinds: Running) -> None:
        answer = kinds.client.get("/health/live", headers={f"X-{n}": "y" * 100 for n in range(200)})
        problem_of(answer, 431, "head-too-large")

    def test_a_long_address(self, kinds: Running) -> None:
        problem_of(kinds.client.get("/" + "a" * 20_000), 431, "head-too-large")
        problem_of(kinds.client.get("/health/live?" + "a" * 20_000), 431, "head-too-large")

    def test_a_head_without_end_is_cut_off(self, kinds: Running) -> None:
        with socket.create_connection(kinds.address, timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            with pytest.raises(OSError, match=CLOSED):
                pour(connection, b"X-Name: value\r\n" * 100)

    def test_a_body_that_turns_into_garbage_after_its_answer(self, strict: Running) -> None:
        received = exchange(
            strict,
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"fff\r\n" + b"x" * 4095 + b"\r\n",
            b"ZZ\r\n",
            pause=0.1,
        )
        assert received.startswith(b"HTTP/1.1 413 ")
        assert received.count(b"HTTP/1.1") == 1


LIVE = b"GET /health/live HTTP/1.1\r\nHost: test\r\n"


def call(text: bytes, *fields: bytes) -> bytes:
    body = b'{"text": "%s"}' % text
    head = b"".join(b"%s\r\n" % field for field in fields)
    return HEAD + b"Content-Length: %d\r\n%s\r\n%s" % (len(body), head, body)


class TestHttp:
    def test_requests_that_come_at_once_are_answered_in_order(self, trouble: Running) -> None:
        received = exchange(trouble, call(b"a") + call(b"bb") + LIVE + b"\r\n" + call(b"ccc", b"Connection: close"))
        told = [received.index(part) for part in (b'{"value":1}', b'{"value":2}', b'"live"', b'{"value":3}')]
        assert told == sorted(told)
        assert received.count(b"HTTP/1.1 200 ") == 4

    def test_head_is_get_without_a_body(self, trouble: Running) -> None:
        got, head = trouble.client.get("/health/live"), trouble.client.head("/health/live")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))

    def test_who_asks_first_is_told_to_go_on(self, trouble: Running) -> None:
        head, _, body = call(b"four", b"Expect: 100-continue", b"Connection: close").partition(b"\r\n\r\n")
        received = exchange(trouble, head + b"\r\n\r\n", body, pause=0.1)
        assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
        assert received.endswith(b'{"value":4}')

    def test_who_asks_first_and_is_refused_has_no_connection_left(self, strict: Running) -> None:
        received = exchange(strict, HEAD + b"Expect: 100-continue\r\nContent-Length: 2001\r\n\r\n")
        assert received.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in received.lower()

    @pytest.mark.parametrize("pause", [0.0, 0.1], ids=["at once", "head first"])
    def test_who_asks_for_another_protocol_is_answered_in_this_one(self, trouble: Running, pause: float) -> None:
        asked = b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"
        head, gap, body = call(b"four", *asked).partition(b"\r\n\r\n")
        parts = (head + gap, body) if pause else (head + gap + body,)
        last = call(b"a", *asked) + call(b"bb") + LIVE + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
        received = exchange(trouble, *parts, last, pause=pause)
        told = [received.index(part) for part in (b'{"value":4}', b'{"value":1}', b'{"value":2}', b'"live"')]
        assert told == sorted(told)
        assert received.count(b"HTTP/1.1 200 ") == 4

    def test_curl_asks_for_http_2(self, trouble: Running) -> None:
        url = f"{trouble.client.base_url}/model/methods/length"
        asked = ["curl", "-sS", "--http2", "-H", "Content-Type: application/json", "-d", '{"text": "abc"}', url]
        assert subprocess.run(asked, capture_output=True, check=True, timeout=30).stdout == b'{"value":3}'

    def test_there_is_no_tunnel(self, trouble: Running) -> None:
        received = exchange(trouble, b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert received.startswith(b"HTTP/1.1 4")
        assert b"connection: close" in received.lower()

    @pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip\r\nTransfer-Encoding: chunked"])
    def test_no_other_coding_is_known(self, kinds: Running, coding: bytes) -> None:
        sent = HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        head, _, body = exchange(kinds, sent).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 501 ")
        problem_in(body.decode(), 501, "unknown-coding")

    @pytest.mark.parametrize(
        ("behind", "status"),
        [(b"garbage\r\n\r\n", 400), (HEAD + b"Content-Length: -1\r\n\r\n", 400), (HEAD + b"Host: b\r\n\r\n", 400),
         (HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
         (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501)],
        ids=["no HTTP", "length", "hosts", "body", "coding"],
    )  # fmt: skip
    @pytest.mark.parametrize("calls", [1, 3])
    @pytest.mark.parametrize("pause", [0.0, 0.1], ids=["at once", "later"])
    def test_garbage_behind_a_call_does_not_lose_it(
        self, trouble: Running, behind: bytes, status: int, calls: int, pause: float
    ) -> None:
        received = exchange(trouble, call(b"a") * calls, behind, pause=pause)
        assert received.count(b"HTTP/1.1 200 ") == calls
        assert received.count(b"HTTP/1.1 ") == calls + 1
        assert b"HTTP/1.1 %d " % status in received.rpartition(b'{"value":1}')[2]

    def test_who_sends_no_more_has_an_answer_that_is_there_soon(self, trouble: Running) -> None:
        assert trouble.call("length", {"text": ""}).status_code == 200
        with socket.create_connection(trouble.address, timeout=30) as connection:
            connection.sendall(call(b"four", b"X-Request-ID: half-closed"))
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        # Nobody can tell a caller who sends no more from one who went away: after a moment it is given up.
        assert received == b"" or received.endswith(b'{"value":4}')
        line = eventually(lambda: [r for r in trouble.log() if r.get("request_id") == "half-closed"])[0]
        assert line["status"] == (200 if received else 499)

    @pytest.mark.parametrize("part", [b"1;" + b"x" * 4000 + b"\r\na\r\n", b"0\r\n" + b"X-Name: value\r\n" * 10_000])
    def test_what_frames_a_body_has_an_end(self, kinds: Running, part: bytes) -> None:
        with socket.create_connection(kinds.address, timeout=30) as connection:
            connection.sendall(HEAD.replace(b"length", b"nothing") + b"Transfer-Encoding: chunked\r\n\r\n")
            with pytest.raises(OSError, match=CLOSED):
                pour(connection, part)

    def test_fields_behind_a_body_are_none_of_the_head(self, kinds: Running) -> None:
        chunks = b"2\r\n{}\r\n0\r\nX-Request-ID: behind\r\n\r\n"
        head = HEAD.replace(b"length", b"nothing") + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        received = exchange(kinds, head, chunks)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert b"behind" not in received
