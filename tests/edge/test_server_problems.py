"""What an edge server refuses is told whole: where the mistake is, what it is and the way out, as a device reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.edge.test_offers import FLOAT, INT4, INT8, OFFER, asked, batch, figure, offer
from tests.support.loops import in_loop

from modelport.client.errors import ArgumentsRefusedError, ServiceError, failure, problem_of
from modelport.edge.offers import Offer
from modelport.edge.server import create_app
from modelport.edge.statistics import Statistics

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def field(tmp_path: Path) -> Statistics:
    return Statistics(tmp_path / "field.sqlite")


def answer(offers: list[Offer], field: Statistics, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    async def asked_for() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(offers, field), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
            return await client.request(method, path, **more)

    return in_loop(asked_for())


def error_of(response: httpx.Response) -> ServiceError:
    """Return the error that a device has of an answer."""
    return failure(problem_of(response.status_code, response.content), "/edge/plan of http://edge")


def test_what_has_no_place_is_told_once_and_whole(field: Statistics) -> None:
    response = answer([OFFER], field, "GET", "/edge/plan?device=phone&budget=10")
    assert response.status_code == 422
    detail, error = response.json()["detail"], error_of(response)
    assert "a budget of 10 bytes cannot hold one variant of every task; the smallest ones take 90000 " in detail
    assert "\n" not in detail
    assert isinstance(error, ArgumentsRefusedError)
    assert error.problems == (f"/edge/plan of http://edge: {detail}",)


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"figures": [figure(INT8, 0.1, count=1, m2=1.0)]}, "figures/m:int8", "one observation deviates from nothing"),
        ({"figures": [figure(INT8, 0.1)] * 2}, "figures/m:int8", "its infer is there twice"),
        ({"figures": [figure(INT8, 0.1, count=0)]}, "figures/0/count", "0 is less than the minimum of 1"),
        ({"requests": [asked(1, in_time=2)]}, "requests/m", "a part of the requests is more than all of them"),
        ({"requests": [asked(1), asked(2)]}, "requests", "a model is there twice"),
    ],
)
def test_a_mistake_in_a_batch_is_told_with_its_place(
    field: Statistics, change: dict[str, Any], path: str, message: str
) -> None:
    sent = batch([figure(FLOAT, 0.1)], asked()) | change
    response = answer([OFFER], field, "POST", "/edge/statistics", json=sent)
    (told,) = response.json()["errors"]
    assert told["path"] == path
    assert told["message"].startswith(message), told
    assert message in response.json()["detail"]
    error = error_of(response)
    assert isinstance(error, ArgumentsRefusedError)
    assert error.problems == (f"{path}: {told['message']}",)


def test_a_day_that_is_full_refuses_for_a_day_and_not_for_good(field: Statistics) -> None:
    for number in range(256):
        field.take(batch([], asked(1), number=number, device=f"class-{number}"), {("m", INT8.variant.digest)})
    late = batch([figure(INT8, 0.1)], asked(1), number=999)
    response = answer([OFFER], field, "POST", "/edge/statistics", json=late)
    assert (response.status_code, response.json()["type"]) == (429, "urn:modelport:problem:overloaded")
    assert "256 classes of devices" in response.json()["detail"]
    assert int(response.headers["Retry-After"]) > 60
    assert not field.rows(device="phone")[1], "nothing of it was taken, so that it can be told again"


def test_the_way_out_is_told_too(field: Statistics) -> None:
    response = answer([OFFER], field, "GET", "/edge/plan")
    assert response.json()["errors"] == [{"path": "device", "message": "a plan is made for a class of devices"}]
    assert response.json()["detail"].endswith("(ask for /edge/plan?device=CLASS)")
    for odd in ("a%20b", "%C3%A9", "-a", "a" * 101):
        response = answer([OFFER], field, "GET", f"/edge/plan?device={odd}")
        (told,) = response.json()["errors"]
        assert told["path"] == "device"
        assert "is no class of devices" in told["message"]
    assert answer([OFFER], field, "GET", "/edge/plan?device=Phone").json()["device"] == "phone"
    lacking = answer([offer()], field, "GET", "/edge/plan?device=phone")
    assert lacking.status_code == 404
    said = "no model here has variants for devices (modelport variants build makes them)"
    assert lacking.json()["detail"] == said


def test_many_bytes_of_a_message_arrive(field: Statistics) -> None:
    names = [f"{'long-name-' * 6}{number}" for number in range(12)]
    many = [Offer(name=name, server=(), device=_renamed(name), times=OFFER.times) for name in names]
    response = answer(many, field, "GET", "/edge/plan?device=phone&budget=10")
    assert response.status_code == 422
    assert all(name in response.json()["detail"] for name in names), response.json()


def _renamed(model: str) -> tuple[Any, ...]:
    return tuple(replace(one, variant=replace(one.variant, model=model)) for one in (INT8, INT4))


def test_what_nobody_thought_of_is_a_problem_too(field: Statistics) -> None:
    def broken(_name: str, _device: str) -> Any:  # noqa: ANN401 - it returns nothing
        raise RuntimeError("a secret of this machine")

    odd = Offer(name="m", server=(), device=(INT8,), times=broken)
    response = answer([odd], field, "GET", "/edge/plan?device=phone")
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert response.json()["type"] == "urn:modelport:problem:service-failed"
    assert "secret" not in response.text
