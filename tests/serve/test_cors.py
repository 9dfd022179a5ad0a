"""Calls from pages of other origins: off unless asked for, and then for whom it was asked only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.serve.running import problem_of, serving

from modelport.errors import InputError
from modelport.serve.cors import check_origins, with_cors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from tests.serve.running import Running

APP = "https://app.example"
ASKED = {"Origin": APP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.fixture(scope="module")
def open_to_app() -> Iterator[Running]:
    with serving("kinds", "--cors", APP, "http://localhost:8080") as service:
        yield service


def test_it_is_off_unless_asked_for(kinds: Running) -> None:
    answer = kinds.call("nothing", {}, headers={"Origin": APP})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    problem_of(kinds.client.options("/model/methods/nothing", headers=ASKED), 405, "method-not-allowed")


def test_off_costs_nothing() -> None:
    app = object()
    assert with_cors(app, ()) is app  # type: ignore[arg-type] # any application


def test_a_preflight_is_answered_for_those_origins(open_to_app: Running) -> None:
    answer = open_to_app.client.options("/model/methods/nothing", headers=ASKED)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Content-Type" in answer.headers["access-control-allow-headers"]
    assert "Origin" in answer.headers["vary"]
    for change in (
        {"Origin": "https://evil.example"},
        {"Origin": APP + ".evil.example"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-more"},
    ):
        assert open_to_app.client.options("/model/methods/nothing", headers=ASKED | change).status_code == 400


def test_answers_and_problems_name_the_origin_and_what_may_be_read(open_to_app: Running) -> None:
    for answer in (
        open_to_app.call("nothing", {}, headers={"Origin": APP}),
        open_to_app.call("echo", {}, headers={"Origin": APP}),
        open_to_app.client.get("/nowhere", headers={"Origin": APP}),
    ):
        assert answer.headers["access-control-allow-origin"] == APP
        assert {"X-Request-ID", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in open_to_app.call("nothing", {}, headers={"Origin": "null"}).headers


def test_a_page_of_another_origin_calls_it(browser: Browser, kinds: Running) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{kinds.client.base_url}/health/live")  # without a policy of its own
    origin = page.evaluate("location.origin")
    ask = """async (url) => {
      const headers = {"Content-Type": "application/json"};
      const answer = await fetch(url + "/model/methods/nothing", {method: "POST", headers, body: "{}"});
      return [answer.status, answer.headers.get("X-Request-ID")?.length];
    }"""
    with serving("kinds", "--cors", origin) as service:
        url = str(service.client.base_url).rstrip("/")
        assert page.evaluate(ask, url) == [200, 32]
    page.context.close()


@pytest.mark.parametrize(
    "origin", ["app.example", "https://app.example/", "https://app.example:443", "HTTPS://App.example", "null", ""]
)
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(InputError, match="is not an origin"):
        check_origins([origin])


def test_every_origin() -> None:
    check_origins(["*", "https://app.example", "http://localhost:8080", "http://[::1]:3000"])
    with serving("kinds", "--cors", "*") as service:
        answer = service.call("nothing", {}, headers={"Origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
