"""Patience: what is tried again, how often and how long; and connections that stand still, or are refused early."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.support.web import Reply, Request, web_server

from modelport.errors import RegistryError
from modelport.oci import Descriptor, Registry
from modelport.oci.net.auth import Scope
from modelport.oci.net.body import Body
from modelport.oci.net.origin import Origin
from modelport.oci.net.patience import Patience, TransientError, persist
from modelport.oci.net.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelport.oci.net.response import Response

QUICK = Patience(attempts=3, away_attempts=3, first_delay=0.01, read_timeout=5.0)
MEBIBYTE = 1024 * 1024


class Failing:
    """Fails in passing so many times, then succeeds; each failure brings the work on by *step* bytes."""

    def __init__(self, failures: int, *, step: int = 0, retry_after: float | None = None) -> None:
        self.calls = 0
        self.done = 0
        self._failures = failures
        self._step = step
        self._retry_after = retry_after

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            self.done += self._step
            raise TransientError("broken", retry_after=self._retry_after)
        return "done"


def test_what_gets_on_is_tried_as_often_as_it_takes() -> None:
    patience = Patience(attempts=3, first_delay=0.0)
    slow = Failing(50, step=100_000)
    assert persist(slow, patience, moved=lambda: slow.done) == "done"
    still = Failing(50, step=100)
    with pytest.raises(TransientError, match=r"broken \(tried 3 times within 0 s\)"):
        persist(still, patience, moved=lambda: still.done)
    assert still.calls == 3


def test_nothing_is_tried_after_the_deadline() -> None:
    late = Failing(50)
    with pytest.raises(TransientError):
        persist(late, Patience(attempts=1000, first_delay=0.01, deadline=0.2))
    assert 2 < late.calls < 1000


@pytest.mark.parametrize(("asked", "calls"), [(0.05, 3), (5.0, 1)])
def test_a_wait_that_is_asked_for_is_kept_if_the_deadline_allows_it(asked: float, calls: int) -> None:
    busy, began = Failing(2, retry_after=asked), time.monotonic()
    patience = Patience(first_delay=0.01, deadline=1.0)
    if calls == 1:
        with pytest.raises(TransientError):
            persist(busy, patience)
    else:
        assert persist(busy, patience) == "done"
        assert time.monotonic() - began >= 2 * asked
    assert busy.calls == calls


def test_other_errors_are_raised_at_once() -> None:
    calls = []

    def failing() -> None:
        calls.append(1)
        raise RegistryError("no")

    with pytest.raises(RegistryError, match="no"):
        persist(failing, QUICK)
    assert len(calls) == 1


def test_nobody_there_is_told_soon_and_a_registry_that_restarts_is_waited_for() -> None:
    """Refused connections get two tries where nobody ever answered, and many where somebody did."""
    patience = Patience(attempts=3, away_attempts=6, first_delay=0.01)
    with web_server(lambda _: Reply(404, headers={"Connection": "close"})) as web:
        registry = Registry(web.host, patience=patience)
        assert not registry.has_blob("demo", Descriptor.of(b""))
    with pytest.raises(TransientError, match=r"refused \(tried 6 times"):
        registry.has_blob("demo", Descriptor.of(b""))
    with pytest.raises(TransientError, match=r"refused \(tried 2 times") as caught:
        Registry(web.host, patience=patience).has_blob("demo", Descriptor.of(b""))
    assert "that the registry runs" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (Reply(502), 9),
        (Reply(503), 9),
        (Reply(200, b"{}", cut=0), 3),
        (Reply(500), 3),
        (Reply(503, headers={"Retry-After": "0"}), 3),
    ],
    ids=["502", "503", "cut", "500", "Retry-After"],
)
@pytest.mark.parametrize("met", [False, True])
def test_who_has_answered_before_is_waited_for(answer: Reply, tries: int, met: bool) -> None:  # noqa: FBT001
    patience = Patience(attempts=3, away_attempts=9, first_delay=0.001)
    healthy = [met]
    with web_server(lambda _: Reply(404) if healthy.pop(0) else answer) as web:
        registry = Registry(web.host, patience=patience)
        if met:
            registry.has_blob("demo", Descriptor.of(b""))
        web.seen.clear()
        healthy[:] = [False] * 20
        with pytest.raises(TransientError):
            registry.tags("demo")
        assert len(web.seen) == (tries if met else 3)


def test_a_registry_that_restarts_takes_long_and_is_met_again() -> None:
    """By default the deadline ends it, and not a number of tries: half a minute is within it for all draws."""
    patience = Patience()
    longest = sum(min(patience.longest_delay, patience.first_delay * 2.0**n) for n in range(patience.away_attempts))
    assert longest / 2 > 2 * patience.deadline
    error = TransientError("refused")
    assert patience.attempts_after(error) == patience.attempts
    error.away = True
    assert patience.attempts_after(error) == patience.away_attempts
    assert Patience(attempts=1).attempts_after(error) == 1


def test_silence_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    asked = threading.Barrier(3)

    def late(_: Request) -> Reply:
        asked.wait()
        time.sleep(0.3)
        return Reply(404)

    with web_server(late) as web:
        registry = Registry(web.host, patience=Patience(tell_after=0.05, read_timeout=5.0))
        threads = [
            threading.Thread(target=registry.has_blob, args=("demo", Descriptor.of(b"%d" % n))) for n in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ["no answer for 0 seconds" in one for one in caplog.messages] == [True]


@pytest.mark.parametrize("status", [501, 505, 507, 511])
def test_what_does_not_pass_is_not_tried_again(status: int) -> None:
    with web_server(lambda _: Reply(status)) as web, pytest.raises(RegistryError) as caught:
        Registry(web.host, patience=QUICK).tags("demo")
    assert caught.value.status == status
    assert len(web.seen) == 1


def test_a_request_that_must_not_be_repeated_is_not() -> None:
    with web_server(lambda _: Reply(503)) as web, pytest.raises(TransientError):
        Registry(web.host, patience=QUICK).send("POST", "/v2/demo/blobs/uploads/", Scope("demo", write=True))
    assert len(web.seen) == 1


def test_a_redirect_keeps_the_range_and_the_signature() -> None:
    with web_server(lambda _: Reply(206, b"bc")) as bucket:
        signed = f"{bucket.url}/layer?X-Amz-Signature=a%2Fb%3D&x=1"
        with web_server(lambda _: Reply(307, headers={"Location": signed})) as web:
            response = Registry(web.host, patience=QUICK).send(
                "GET", "/v2/demo/blobs/x", Scope("demo"), headers={"Range": "bytes=1-2", "If-Range": '"e"'}
            )
            with response:
                assert response.read(10) == b"bc"
    (request,) = bucket.seen
    assert request.path == "/layer?X-Amz-Signature=a%2Fb%3D&x=1"
    assert (request.headers["Range"], request.headers["If-Range"]) == ("bytes=1-2", '"e"')


@contextmanager
def raw_server(talk: Callable[[socket.socket], object]) -> Iterator[str]:
    """Serve one connection after the other with *talk*; give the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def transport(host: str, patience: Patience = QUICK) -> Transport:
    return Transport(Origin.of(f"http://{host}"), insecure_hosts=frozenset(), patience=patience)


@pytest.mark.parametrize("into", [True, False])
def test_a_body_that_trickles_stands_still(into: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def trickling(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x")
                time.sleep(0.01)
        except OSError:
            pass

    patience = Patience(read_timeout=0.2, slowest=10_000)
    with (
        raw_server(trickling) as host,
        transport(host, patience).send("GET", f"http://{host}/") as response,
        pytest.raises(TransientError, match="less than 10000 bytes per second"),
    ):
        list(into_a_buffer(response) if into else response.chunks())


@pytest.mark.parametrize("into", [True, False])
def test_a_body_is_given_as_it_comes_and_none_of_it_is_lost_by_a_cut(into: bool) -> None:  # noqa: FBT001 - as above
    def cutting(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 5000)
        taken.wait(20)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends with a reset

    taken, came = threading.Event(), list[int]()
    with raw_server(cutting) as host, transport(host).send("GET", f"http://{host}/") as response:
        pieces = iter(into_a_buffer(response) if into else map(len, response.chunks()))
        while sum(came) < 5000:
            came.append(next(pieces))
        taken.set()
        with pytest.raises(TransientError):
            next(pieces)


def into_a_buffer(response: Response) -> Iterator[int]:
    buffer = memoryview(bytearray(MEBIBYTE))
    return iter(lambda: response.readinto(buffer), 0)


def test_an_upload_that_is_refused_early_ends_early() -> None:
    """The server answers after the header and reads no more: without looking out, sending would block for ever."""

    def refusing(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        ended.wait(20)

    size, ended = 256 * MEBIBYTE, threading.Event()
    sent: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(size // MEBIBYTE):
            sent.append((number + 1) * MEBIBYTE)
            yield bytes(MEBIBYTE)

    body = Body(size, chunks, "x/y")
    with raw_server(refusing) as host:
        with transport(host).send("PUT", f"http://{host}/", body=body) as response:
            assert (response.status, response.read(10)) == (413, b"big")
        ended.set()
    assert max(sent, default=0) < size


def test_an_upload_that_nobody_takes_is_given_up() -> None:
    ended = threading.Event()
    body = Body(64 * MEBIBYTE, lambda: [bytes(64 * MEBIBYTE)], "x/y")
    with raw_server(lambda _: ended.wait(20)) as host:
        with pytest.raises(TransientError, match=r"timed out|took nothing"):
            transport(host, Patience(read_timeout=0.2)).send("PUT", f"http://{host}/", body=body)
        ended.set()


def test_content_that_cannot_be_read_is_no_failure_of_the_network(tmp_path: Path) -> None:
    absent = tmp_path / "none"
    body = Body(100, lambda: [absent.read_bytes()], "x/y")
    with web_server(lambda _: Reply(201)) as web, pytest.raises(FileNotFoundError):
        transport(web.host).send("PUT", f"{web.url}/", body=body)


def test_connections_are_used_again_and_stale_ones_are_not() -> None:
    opened: list[int] = []

    def talk(connection: socket.socket) -> None:
        opened.append(1)
        for _ in range(3):
            if not connection.recv(65536):
                return
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n")

    with raw_server(talk) as host:
        client = transport(host)
        for count in (1, 1, 1, 2, 2):  # the server closes each after three answers, as idle ones are closed
            with client.send("HEAD", f"http://{host}/") as response:
                assert response.status == http.client.NOT_FOUND
            time.sleep(0.02)
            assert len(opened) == count
        client.close()


def test_a_request_carries_no_more_than_it_must() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply(201)

    with web_server(answer) as web:
        body = Body(0, list, "x/y")
        with transport(web.host).send("PUT", f"{web.url}/", body=body) as response:
            response.read(10)
    assert seen[0].headers["Content-Length"] == "0"
