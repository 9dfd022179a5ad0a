"""Calls that are many or long: time limits, the bounded line, health meanwhile, and how the process ends."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.serve.running import problem_of, serving
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from tests.serve.running import Running


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """Give a service with one worker, one place in the line, and a second for each call."""
    with serving("trouble", "--call-seconds", "1", "--waiting", "1") as service:
        yield service


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.mark.parametrize("method", ["sleep", "spin"])
def test_health_answers_while_a_call_runs(trouble: Running, pool: ThreadPoolExecutor, method: str) -> None:
    call = pool.submit(trouble.call, method, {"seconds": 0.6})
    time.sleep(0.1)
    assert trouble.client.get("/health/live").json() == {"status": "live"}
    assert trouble.client.get("/health/ready").json() == {"status": "ready"}
    assert not call.done()
    assert call.result().status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "application/x-protobuf"])
def test_health_answers_while_a_large_answer_is_written(
    trouble: Running, pool: ThreadPoolExecutor, accept: str
) -> None:
    trouble.call("big", {"n": 1})
    shares = []
    for _ in range(3):  # other processes may keep the service waiting once, but not always at the same time
        start = time.monotonic()
        call = pool.submit(trouble.call, "big", {"n": 1_500_000}, headers={"Accept": accept})
        waits = slowest_health(trouble, call)
        assert call.result().status_code == 200
        shares.append(waits / (time.monotonic() - start))
    assert min(shares) < 1 / 2  # the call is little else than its writing


@pytest.mark.parametrize(("method", "short", "long"), [("spin", 0.0, 2.0), ("spin_each", [0.0], [2.0])])
def test_health_answers_however_short_the_calls_before_were(
    pool: ThreadPoolExecutor, method: str, short: object, long: object
) -> None:
    with serving("trouble") as service:
        rounds = 1 if method == "spin" else 2  # the arguments of independent rows are believed once
        for number in range(rounds):
            for _ in range(50):
                service.call(method, {"seconds": short})
            call = pool.submit(service.call, method, {"seconds": long})
            waits = slowest_health(service, call)
            assert call.result().status_code == 200
            if number == rounds - 1:
                assert waits < 1


def slowest_health(service: Running, call: Future[Any]) -> float:
    """Return how long the slowest of the health checks took that were asked until *call* was answered."""
    slowest = 0.0
    with httpx.Client(base_url=service.client.base_url, timeout=30) as client:
        while not call.done():
            start = time.monotonic()
            assert client.get("/health/live").status_code == 200
            slowest = max(slowest, time.monotonic() - start)
    return slowest


def test_a_bad_call_need_not_wait_for_a_long_one(trouble: Running, pool: ThreadPoolExecutor) -> None:
    call = pool.submit(trouble.call, "sleep", {"seconds": 0.5})
    time.sleep(0.1)
    problem_of(trouble.call("sleep", {"seconds": "long"}), 422, "arguments-do-not-fit")
    assert not call.done()
    call.result()


def test_calls_come_one_after_another(trouble: Running, pool: ThreadPoolExecutor) -> None:
    start = time.monotonic()
    calls = [pool.submit(trouble.call, "sleep", {"seconds": 0.15}) for _ in range(4)]
    assert {call.result().status_code for call in calls} == {200}
    assert time.monotonic() - start >= 0.6


def test_more_workers_run_more_calls(pool: ThreadPoolExecutor) -> None:
    with serving("trouble", "--workers", "4") as service:
        calls = [pool.submit(service.call, "meet", {"others": 4}) for _ in range(4)]
        assert [call.result().json() for call in calls] == [{"value": True}] * 4


def test_a_full_line_is_said_at_once(small: Running, pool: ThreadPoolExecutor) -> None:
    calls = []
    for _ in range(2):
        calls.append(pool.submit(small.call, "sleep", {"seconds": 0.4}))
        time.sleep(0.1)
    problem = problem_of(small.call("length", {"text": ""}), 429, "overloaded")
    assert problem["headers"]["retry-after"] == "1"
    assert not any(call.done() for call in calls)
    assert [call.result().status_code for call in calls] == [200, 200]


def test_a_call_past_its_time_holds_its_worker(small: Running, pool: ThreadPoolExecutor) -> None:
    long = pool.submit(small.call, "sleep", {"seconds": 2.0})
    time.sleep(0.3)
    waiting = pool.submit(small.call, "length", {"text": "abc"})
    problem_of(long.result(), 504, "out-of-time")
    # All workers are held: who waits is told when its own time is over, who comes now at once.
    problem_of(small.client.get("/health/ready"), 503, "not-ready")
    problem_of(small.call("length", {"text": ""}), 429, "overloaded")
    assert small.client.get("/health/live").status_code == 200
    problem_of(waiting.result(), 429, "overloaded")
    eventually(lambda: small.client.get("/health/ready").status_code == 200)
    assert small.call("length", {"text": "abc"}).json() == {"value": 3}


def test_a_caller_who_went_away_gives_up_the_place_in_the_line(small: Running, pool: ThreadPoolExecutor) -> None:
    long = pool.submit(small.call, "sleep", {"seconds": 0.6})
    time.sleep(0.1)
    body = b'{"text": "abc"}'
    with socket.create_connection(small.address, timeout=30) as connection:
        connection.sendall(
            b"POST /model/methods/length HTTP/1.1\r\nHost: a\r\nX-Request-ID: gone\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        time.sleep(0.1)
        problem_of(small.call("length", {"text": ""}), 429, "overloaded")
    time.sleep(0.1)
    assert small.call("length", {"text": "abcd"}).json() == {"value": 4}
    assert long.result().status_code == 200
    assert next(r for r in small.log() if r.get("request_id") == "gone")["status"] == 499


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_an_idle_service_within_a_second(number: signal.Signals) -> None:
    with serving("trouble") as service:
        assert service.call("length", {"text": ""}).status_code == 200  # the connection stays open
        with socket.create_connection(service.address, timeout=30) as idle:
            idle.sendall(b"GET / HT")
            service.process.send_signal(number)
            start = time.monotonic()
            assert service.process.wait(30) == 0
            assert time.monotonic() - start < 10  # a second on a quiet machine; draining would take 30
        assert service.process.stdout is not None
        assert service.process.stdout.read() == ""  # one line, and it was read at the start


def test_a_signal_lets_accepted_calls_end(pool: ThreadPoolExecutor) -> None:
    with serving("trouble") as service:
        calls = [pool.submit(service.call, "sleep", {"seconds": 0.4}) for _ in range(3)]
        time.sleep(0.2)
        service.process.terminate()
        time.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(service.address, timeout=30)
        assert [call.result().json() for call in calls] == [{"value": "slept"}] * 3
        assert service.process.wait(30) == 0


def test_a_signal_under_load_loses_nothing_that_was_sent_before(pool: ThreadPoolExecutor) -> None:
    body = b'{"text": "abc"}'
    request = b"POST /model/methods/length HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def load(address: tuple[str, int], stopped: threading.Event) -> int:
        answers = 0
        with socket.create_connection(address, timeout=30) as connection, connection.makefile("rb") as received:
            while True:
                before = not stopped.is_set()
                try:
                    connection.sendall(request)
                    head = list(iter(received.readline, b"\r\n")) if received.peek(1) else []
                except OSError:
                    head = []
                if not head:
                    assert not before
                    return answers
                assert head[0].startswith(b"HTTP/1.1 200 ")
                assert received.read(11) == b'{"value":3}'
                answers += 1
                if b"connection: close\r\n" in head:
                    return answers

    with serving("trouble") as service:
        stopped = threading.Event()
        callers = [pool.submit(load, service.address, stopped) for _ in range(6)]
        time.sleep(0.5)
        stopped.set()  # what is sent from now on may come too late
        service.process.terminate()
        assert all(caller.result() for caller in callers)
        assert service.process.wait(30) == 0


def test_a_service_that_stops_is_not_ready_and_still_answers(pool: ThreadPoolExecutor) -> None:
    with serving("trouble") as service:
        call = pool.submit(service.call, "sleep", {"seconds": 1.0})
        with socket.create_connection(service.address, timeout=30) as connection:
            time.sleep(0.3)
            service.process.terminate()
            eventually(lambda: refused(service.address))
            connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            with connection.makefile("rb") as received:
                head = received.readline()
        assert head == b"" or head.startswith(b"HTTP/1.1 503 ")  # empty: it was idle for a moment too long
        assert call.result().json() == {"value": "slept"}


def refused(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) != 0


def test_a_call_that_never_ends_does_not_keep_the_process() -> None:
    with serving("trouble", "--call-seconds", "0.2") as service:
        problem_of(service.call("spin", {"seconds": 60.0}), 504, "out-of-time")
        service.process.terminate()
        start = time.monotonic()
        assert service.process.wait(30) == 0
        assert time.monotonic() - start < 20


def test_draining_has_an_end(pool: ThreadPoolExecutor) -> None:
    with serving("trouble", "--drain-seconds", "1") as service:
        pool.submit(service.call, "sleep", {"seconds": 30.0})
        time.sleep(0.2)
        service.process.terminate()
        assert service.process.wait(20) == 0


def test_answered_calls_leave_nothing_for_the_collector() -> None:
    with serving("tidy") as service:
        service.call("collected", {})
        for _ in range(50):
            assert service.call("length", {"text": "abc"}).json() == {"value": 3}
        assert service.call("collected", {}).json()["value"] < 50  # less than one for each call
