"""Bodies that are too much, too slow, too deep or not what they say: one status each, and nothing stalls."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import eventually, problem_in, problem_of

from modelport.serve.json_text import quick_json, read_json
from modelport.serve.limits import Limits
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running

HEAD = b"POST /model/methods/length HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
LIMITS = Limits()
CLOSED = r"[Rr]eset|[Bb]roken"


def refused(body: bytes) -> str:
    with pytest.raises(ProblemError) as caught:
        read_json(body, LIMITS)
    assert caught.value.kind == "malformed-json"
    return caught.value.detail


def as_doubles(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with the integers that have more than 64 bits as floats."""
    if isinstance(value, dict):
        return {key: as_doubles(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_doubles(one) for one in value]
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


def exchange(service: Running, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send *parts* over a plain socket, with a pause after each, and return all that comes until it is closed."""
    with socket.create_connection(service.address, timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def pour(connection: socket.socket, part: bytes, *, pause: float = 0.0) -> None:
    """Send *part* again and again for five seconds, or until the connection is closed."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection.sendall(part)
        time.sleep(pause)


class TestJson:
    def test_malformed_json_is_told_where(self, kinds: Running) -> None:
        answer = kinds.call("nothing", None, content=b'{"a": 1,\n  oops}')
        assert "line 2, column 3" in problem_of(answer, 400, "malformed-json")["detail"]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b'{"a": NaN}', '"NaN"'),
            (b'{"a": [-Infinity]}', '"-Infinity"'),
            (b'{"text": 1, "text": 2}', "'text' stands twice"),
            (b'{"a": {"b": 1, "b": 1}}', "'b' stands twice"),
            (b'{"a": 1e999}', "beyond what a double holds"),
            (b'{"a": -' + b"9" * 400 + b".0}", "beyond what a double holds"),
            (b'{"a": ' + b"9" * 300_000 + b"}", "more than 512 characters"),
            (b'{"a": 0.' + b"1" * 300_000 + b"}", "more than 512 characters"),
            (b"[" * 33 + b"]" * 33, "more than 32 deep"),
            (b'{"a":' * 33 + b"1" + b"}" * 33, "more than 32 deep"),
            (b"[" * 1_000_000, "more than 32 deep"),
            (b"[[[" * 10_000 + b"]" * 40_000, "more than 32 deep"),
            (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
            (b"\xff\xfe{\x00}\x00", "not UTF-8"),
            (b"{} {}", "Extra data at line 1, column 4"),
            (b"[[[", "line 1, column 4"),
            (b'{"a": "' + b"[" * 50, "Unterminated string"),
        ],
        ids=lambda part: part[:16],
    )
    def test_what_is_refused(self, body: bytes, said: str) -> None:
        assert said in refused(body)

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b"", {}),
            (b"\xef\xbb\xbf{}", {}),
            (b"[" * 32 + b"]" * 32, None),
            (b'["' + b"[{" * 100 + b'"]', ["[{" * 100]),
            (rb'["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]', ['"' + "[" * 41]),
            (b'"' + b"9" * 1000 + b'"', "9" * 1000),
            (b"[1e308, 1E+30, 1e-999]", [1e308, 1e30, 0.0]),
            (b"[" + b"[]," * 100_000 + b"[]]", None),
        ],
        ids=lambda part: str(part)[:16],
    )
    def test_what_is_read(self, body: bytes, value: object) -> None:
        found = read_json(body, LIMITS)
        assert value is None or found == value

    @pytest.mark.parametrize("place", range(-6, 3))
    @pytest.mark.parametrize("part", [rb"\\\"[[", rb"\\\\", rb"\"", b"[[[[[[", rb"\u0022{"])
    def test_strings_are_told_from_the_rest_wherever_they_stand(self, place: int, part: bytes) -> None:
        body = b'["' + b"x" * (2**18 + place) + part * 40 + b'", ["y"]]'
        assert read_json(body, LIMITS) == json.loads(body)
        assert "more than 32 deep" in refused(body[:-1] + b"," + b"[" * 33 + b"]" * 33 + b"]")

    def test_a_huge_integer_is_a_misfit_not_a_stall(self, kinds: Running) -> None:
        body = b'{"floats": [[1, 2, 3]], "by": ' + b"9" * 500 + b"}"
        problem_of(kinds.call("scale", None, content=body), 422, "arguments-do-not-fit")

    @pytest.mark.parametrize(
        "unit", [b'"', b'\\"', b'"\\', b"[]", b"[", b"]", b"[[]", b'{"":', b"9e", b'"a",', b"\\", b"[[[[]]]],"]
    )
    def test_reading_takes_time_linear_in_the_length(self, unit: bytes) -> None:
        def spent(size: int) -> float:
            body = b"[" + unit * (size // len(unit))
            start = time.thread_time()
            refused(body)
            return time.thread_time() - start

        # Ten times the length takes ten times as long, not a hundred: compared on this machine, as busy as it is now.
        # What earlier tests left in memory is kept from the collector: walking it takes longer than the reading.
        gc.collect()
        gc.freeze()
        try:
            short, long = (min(spent(size) for _ in range(3)) for size in (100_000, 1_000_000))
        finally:
            gc.unfreeze()
        assert long < 40 * short + 0.05

    @given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=40))
    def test_what_python_writes_is_read_back(self, value: object) -> None:
        try:
            text = json.dumps(value, allow_nan=False)
        except ValueError:
            refused(json.dumps(value).encode())
            return
        assert read_json(text.encode(), LIMITS) == value

    @given(
        st.text(alphabet='[]{}",:a1e9-.NI\\ ', max_size=30)
        | st.dictionaries(st.sampled_from("ab"), st.lists(st.floats() | st.integers() | st.text())).map(json.dumps)
        | st.integers().map(lambda n: f'{{"a": [{n}{abs(n)}{n}], "b": 1e{n}}}')
    )
    def test_the_quick_reader_knows_nothing_else_than_the_strict_one(self, text: str) -> None:
        body = text.encode("utf-8", "surrogatepass")
        found = quick_json(body, LIMITS)
        if found is not None:
            assert found == as_doubles(read_json(body, LIMITS))

    @given(st.text(alphabet='[]{}",:\\ae1-.+NIn \n') | st.text())
    def test_the_strict_reader_takes_only_what_json_takes(self, text: str) -> None:
        try:
            value = read_json(text.encode("utf-8", "replace"), LIMITS)
        except ProblemError:
            return
        if text:
            assert value == json.loads(text.encode("utf-8", "replace").decode("utf-8-sig"))


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
