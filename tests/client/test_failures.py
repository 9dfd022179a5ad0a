"""What happens between here and there: repeated where that is safe, and otherwise told."""

from __future__ import annotations

import socket
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import serving
from tests.support.certificates import Authority
from tests.support.flaky import Act, Flaky, flaky
from tests.support.loops import in_loop
from tests.support.proxy import proxy_server

import modelport
from modelport.client import Retries, SignatureChangedError
from modelport.client.retries import retry_after
from modelport.errors import InputError, ModelportError
from modelport.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelport import ServiceError

QUICK = Retries(first=0.001, longest=0.01)


def double(x: float) -> float:
    return 2 * x


def square(x: float) -> float:
    return x * x


def swap(x: float, y: float) -> float:
    return x - y


MODEL = Model(double=double)
PROBLEM = b'{"type": "urn:modelport:problem:overloaded", "detail": "too much", "status": 429, "request_id": "r"}'


def busy(status: int = 429, after: str = "0") -> Act:
    return Act(status=status, headers=(("Retry-After", after),), body=PROBLEM)


def call_blocking(service: Flaky, **options: Any) -> float:
    chosen: dict[str, Any] = {"retries": QUICK, "trust_env": False} | options
    with modelport.connect(service.url, **chosen) as remote:
        return float(remote.double(x=2.0).value)


def call_on_a_loop(service: Flaky, **options: Any) -> float:
    chosen: dict[str, Any] = {"retries": QUICK, "trust_env": False} | options

    async def run() -> float:
        async with modelport.connect_async(service.url, **chosen) as remote:
            return float((await remote.double(x=2.0)).value)

    return in_loop(run())


@pytest.fixture(params=[call_blocking, call_on_a_loop])
def call(request: pytest.FixtureRequest) -> Callable[..., float]:
    found: Callable[..., float] = request.param
    return found


def failed(call: Callable[..., float], service: Flaky, **options: Any) -> ServiceError:
    with pytest.raises(modelport.ServiceError) as caught:
        call(service, **options)
    return caught.value


class TestRepetition:
    @pytest.mark.parametrize(
        "acts",
        [[busy()], [busy(503)], [Act(reset="before")], [busy(), Act(reset="before"), busy(503), busy()]],
        ids=["429", "503", "reset", "all"],
    )
    def test_what_was_not_taken_is_sent_again(self, call: Callable[..., float], acts: list[Act]) -> None:
        with flaky(MODEL, *acts) as service:
            assert call(service) == 4.0
            assert len(service.seen) == len(acts) + 1
            assert len({one["x-request-id"] for one in service.seen}) == 1

    @pytest.mark.parametrize(
        ("act", "kind"),
        [
            (Act(reset="middle"), "broken-off"),
            (Act(status=500, body=PROBLEM.replace(b"overloaded", b"model-failed")), "model-failed"),
            (Act(status=504, body=PROBLEM.replace(b"overloaded", b"out-of-time")), "out-of-time"),
            (Act(status=502, body=b"<html>bad gateway"), "unknown"),
        ],
        ids=["middle", "500", "504", "502"],
    )
    def test_what_may_have_been_taken_is_not(self, call: Callable[..., float], act: Act, kind: str) -> None:
        with flaky(MODEL, act, act) as service:
            assert failed(call, service).kind == kind
            assert len(service.seen) == 1

    def test_what_may_have_ended_the_service_is_sent_again_once(self, call: Callable[..., float]) -> None:
        """The first is lost on a connection that was open before, as one that had ended meanwhile would be."""
        with flaky(MODEL, *[Act(reset="before")] * 9) as service:
            assert failed(call, service).kind == "broken-off"
            assert len(service.seen) == 3

    def test_patience_ends(self, call: Callable[..., float]) -> None:
        with flaky(MODEL, *[busy()] * 9) as service:
            error = failed(call, service, retries=Retries(most=2, first=0.001))
            assert (error.kind, error.status, error.detail, error.request_id) == ("overloaded", 429, "too much", "r")
            assert len(service.seen) == 3

    def test_a_service_is_waited_for_as_long_as_it_asks(self, call: Callable[..., float]) -> None:
        with flaky(MODEL, busy(after="1")) as service:
            start = time.monotonic()
            assert call(service) == 4.0
            assert time.monotonic() - start >= 1

    def test_what_would_end_too_late_is_not_waited_for(self, call: Callable[..., float]) -> None:
        with flaky(MODEL, busy(after="3600")) as service:
            assert failed(call, service, timeout=120).kind == "overloaded"

    def test_a_deadline_ends_a_call(self, call: Callable[..., float]) -> None:
        with flaky(MODEL, Act(hang=True)) as service:
            error = failed(call, service, timeout=0.5)
            assert error.kind == "timeout"
            assert "timeout=" in error.hint
            assert len(service.seen) == 1

    def test_a_service_that_starts_meanwhile_is_reached(self, call: Callable[..., float]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        answers: list[float] = []
        target = Flaky(f"http://127.0.0.1:{port}", MODEL, {})
        patient = Retries(most=1000, first=0.01, longest=0.05)
        thread = threading.Thread(target=lambda: answers.append(call(target, retries=patient)))
        thread.start()
        time.sleep(0.1)
        with flaky(MODEL, port=port):
            thread.join()
        assert answers == [4.0]

    @given(st.integers(0, 12), st.floats(0, 100))
    def test_waits_grow_to_a_bound_and_are_never_shorter_than_asked(self, repetition: int, asked: float) -> None:
        wait = Retries(first=0.5, longest=4).wait(repetition, asked)
        assert asked <= wait <= asked + min(4, 0.5 * 2**repetition)

    @given(st.text() | st.none())
    def test_a_retry_after_is_seconds_a_date_or_nothing(self, value: str | None) -> None:
        assert retry_after(value) >= 0

    def test_retry_after(self) -> None:
        assert retry_after("120") == 120
        assert 3590 < retry_after(formatdate(time.time() + 3600, usegmt=True)) <= 3600
        assert retry_after(formatdate(0, usegmt=True)) == 0


class TestOtherServices:
    def test_nothing_is_there(self, call: Callable[..., float]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        error = failed(call, Flaky(f"http://127.0.0.1:{port}", MODEL, {}))
        assert error.kind == "unreachable"
        assert "tried 5 times" in error.message

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ({}, "has no signature"), ([], "has no signature"),
            ({"json": "modelport/json/9", "signature": {}}, "speaks"),
            ({"json": "modelport/json/1", "signature": {"schema": 1}}, "signature cannot be read"),
        ],
        ids=["empty", "list", "mapping", "signature"],
    )  # fmt: skip
    def test_a_service_of_another_kind_is_told_as_one(
        self, call: Callable[..., float], document: Any, said: str
    ) -> None:
        with flaky(MODEL) as service:
            service.document = document
            error = failed(call, service)
            assert error.kind == "not-a-service"
            assert said in error.message
            error = failed(call, Flaky(f"{service.url}/elsewhere", MODEL, {}))
            assert "answers 404" in error.message

    @pytest.mark.parametrize("url", ["localhost:3330", "", "ftp://host", "http://", "http://host:x", "http://\0"])
    def test_what_is_no_address_is_refused(self, call: Callable[..., float], url: str) -> None:
        with pytest.raises(InputError):
            call(Flaky(url, MODEL, {}))

    def test_a_service_that_changed_its_signature_is_told_as_one(self) -> None:
        with flaky(MODEL) as service, modelport.connect(service.url, trust_env=False) as remote:
            other = Model(square=square)
            service.document = {**service.document, "signature": other.spec.to_json()}
            missing = PROBLEM.replace(b"overloaded", b"not-found")
            service.acts = [Act(status=404, body=missing), Act(status=200, body=b"\xff\xff")]
            service.acts += [Act(status=412, body=PROBLEM.replace(b"overloaded", b"signature-changed"))]
            for _ in range(3):
                with pytest.raises(SignatureChangedError, match="connect again"):
                    remote.double(x=1.0)
            assert service.seen[0]["if-match"] == f'"{MODEL.spec.proto_package}"'

    def test_an_answer_that_does_not_fit_is_told(self, call: Callable[..., float]) -> None:
        with flaky(MODEL, Act(status=200, body=b"\xff\xff")) as service:
            assert failed(call, service).kind == "unreadable-answer"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.found(tmp_path_factory.mktemp("authority") / "own")


class TestSecurely:
    def test_trust_is_by_certificate(self, call: Callable[..., float], authority: Authority) -> None:
        with flaky(MODEL, tls=authority.serve_as("127.0.0.1")) as service:
            assert call(service, verify=str(authority.certificate)) == 4.0
            error = failed(call, service)
            assert error.kind == "tls"
            assert "certificate verify failed" in error.message.lower()
            assert "verify=" in error.hint

    def test_a_plain_service_is_not_taken_for_a_secure_one(self, call: Callable[..., float]) -> None:
        with flaky(MODEL) as service:
            error = failed(call, Flaky(service.url.replace("http:", "https:"), MODEL, {}))
            assert error.kind == "tls"

    def test_a_certificate_that_is_none(self, call: Callable[..., float], tmp_path: Path) -> None:
        with flaky(MODEL) as service, pytest.raises(InputError, match=r"nowhere\.pem"):
            call(service, verify=str(tmp_path / "nowhere.pem"))

    def test_proxies_are_taken_from_the_environment_unless_it_is_not_asked(
        self, call: Callable[..., float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with flaky(MODEL) as service, proxy_server({"far.invalid:8080": service.url.removeprefix("http://")}) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("http_proxy", proxy.url)
            far = Flaky("http://far.invalid:8080", MODEL, {})
            assert call(far, trust_env=True) == 4.0
            assert len(proxy.seen) == 2
            assert failed(call, Flaky("http://other.invalid:8080", MODEL, {}), trust_env=True).kind == "not-a-service"
            assert failed(call, far, retries=Retries(most=0)).kind == "unreachable"


def test_a_service_that_has_another_signature_does_not_run_the_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with serving("trouble", "--port", port) as before:
        remote = modelport.connect(str(before.client.base_url), retries=QUICK, trust_env=False)
        assert remote.sleep(seconds=0.0).value == "slept"
    with remote, serving("slow-start", "--port", port) as after:
        with pytest.raises(SignatureChangedError, match="connect again") as caught:
            remote.sleep(seconds=0.0)
        assert (caught.value.status, caught.value.kind) == (412, "signature-changed")
        assert 'method="sleep",status="200"' not in after.client.get("/metrics").text


def test_a_password_goes_to_the_service_and_into_no_error() -> None:
    with flaky(MODEL, Act(), Act(status=500, body=b"no")) as service:
        url = service.url.replace("http://", "http://user:secretpw@")
        with modelport.connect(url, retries=QUICK, trust_env=False) as remote:
            assert remote.double(x=2.0).value == 4.0
            assert service.seen[0]["authorization"] == "Basic dXNlcjpzZWNyZXRwdw=="
            with pytest.raises(modelport.ServiceError) as told:
                remote.double(x=2.0)
            assert "secretpw" not in f"{told.value} {remote} {remote.url}"
    for wrong in ("http://user:secretpw@127.0.0.1:1", "ftp://user:secretpw@host", "http://user:secretpw@"):
        with pytest.raises(ModelportError) as refused:
            modelport.connect(wrong, retries=Retries(most=0), trust_env=False)
        assert "secretpw" not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize("text", ["Mon, 01 Jan 2020 00:00:00 +99999999999999", "Mon, 01 Jan 0001 00:00:00 +2359"])
def test_a_date_that_no_calendar_has_asks_for_nothing(text: str) -> None:
    assert retry_after(text) == 0.0


def test_headers_go_with_each_request() -> None:
    with flaky(MODEL) as service:
        assert call_blocking(service, headers={"Authorization": "Bearer secret"}) == 4.0
        assert service.seen[0]["authorization"] == "Bearer secret"
        assert service.seen[0]["user-agent"].startswith("modelport/")


def test_health_is_told_also_where_nobody_is() -> None:
    with flaky(MODEL) as service:
        remote = modelport.connect(service.url, trust_env=False)
        assert not remote.health().live  # it has no such address
    with remote:
        health = remote.health()
        assert not health.live
        assert "cannot be reached" in health.detail


def test_a_closed_remote_model_says_so() -> None:
    with flaky(MODEL) as service:
        with modelport.connect(service.url, trust_env=False) as remote:
            pass
        with pytest.raises(InputError, match="are closed"):
            remote.double(x=1.0)
