"""What is counted is what happened, in a form that Prometheus takes, and callers cannot make it grow."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from tests.serve.running import serving
from tests.support.waiting import eventually

from modelport.serve.info import ServiceInfo
from modelport.serve.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
seconds = st.floats(0, 100, allow_nan=False)


@pytest.fixture
def trouble() -> Iterator[Running]:
    """Give a service that nobody else calls."""
    with serving("trouble") as service:
        yield service


def samples(service: Running) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the values by the sample's name and its labels."""
    return values(service.client.get("/metrics").text)


def values(text: str, read: Any = read_text) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:  # noqa: ANN401 - either parser
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in read(text):
        for one in family.samples:
            found.setdefault(one.name, {})[tuple(sorted(one.labels.items()))] = one.value
    return found


def test_a_service_that_nobody_has_called_has_counted_nothing() -> None:
    with serving("kinds") as service:
        found = samples(service)
        counted = {name: sum(one.values()) for name, one in found.items() if name.endswith(("_count", "_sum"))}
        assert {"modelport_batch_rows_sum", "modelport_predict_seconds_count"} <= counted.keys()
        assert not any(counted.values())
        assert "modelport_requests_total" not in found
        assert service.call("nothing", {}).status_code == 200
        assert samples(service)["modelport_batch_rows_count"][("method", "nothing"),] == 1


def test_every_request_is_counted_once(trouble: Running) -> None:
    for _ in range(3):
        assert trouble.call("length", {"text": "abc"}).status_code == 200
    assert trouble.call("length", {"text": 3}).status_code == 422
    assert trouble.call("fail", {"text": ""}).status_code == 500
    found = samples(trouble)
    counts = found["modelport_requests_total"]
    for method, status, count in (("length", "200", 3), ("length", "422", 1), ("fail", "500", 1)):
        assert counts[("door", "methods"), ("method", method), ("status", status)] == count
    assert found["modelport_request_seconds_count"][("door", "methods"), ("method", "length")] == 4
    # Three runs of the model, however many calls each of them took; the bad call reached none.
    assert found["modelport_batch_calls_sum"][("method", "length"),] == 3
    assert found["modelport_predict_seconds_count"] == found["modelport_batch_calls_count"]
    assert found["modelport_requests_in_flight"][()] == 0
    assert found["modelport_queue_calls"][()] == 0


def test_calls_that_run_and_wait_are_seen(trouble: Running) -> None:
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(trouble.call, "sleep", {"seconds": 1.0}) for _ in range(3)]
        eventually(lambda: samples(trouble)["modelport_queue_calls"][()] == 2)
        assert samples(trouble)["modelport_requests_in_flight"][()] == 3
        assert not any(call.result().status_code != 200 for call in calls)
    found = samples(trouble)
    assert found["modelport_requests_in_flight"][()] == found["modelport_queue_calls"][()] == 0


def test_callers_cannot_make_new_series(trouble: Running) -> None:
    trouble.call("none")
    before = {name: set(found) for name, found in samples(trouble).items()}
    for number in range(50):
        trouble.call(f"none-{number}")
        trouble.client.get(f"/nowhere/{number}")
    assert {name: set(found) for name, found in samples(trouble).items()} == before


def test_both_formats_say_the_same_and_prometheus_has_nothing_against_it(kinds: Running) -> None:
    kinds.call("nothing", {})
    text = kinds.client.get("/metrics", headers={"Accept": "*/*"})
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    judged = subprocess.run(["promtool", "check", "metrics"], input=text.content, capture_output=True, check=False)
    assert judged.returncode == 0, judged.stderr
    openmetrics = kinds.client.get("/metrics", headers={"Accept": OPENMETRICS})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    plain, found = values(text.text), values(openmetrics.text, read_openmetrics)
    lasting = {name: one for name, one in found.items() if name.startswith("modelport_batch")}
    assert lasting
    assert lasting.items() <= plain.items()
    (info,) = found["modelport_build_info"]
    said = {"name": "kinds", "version": "1.2.0", "digest": "sha256:" + "0" * 64, "runtime": "framework"}
    assert dict(info) == said
    assert plain["process_resident_memory_bytes"][()] > 1e6


@given(st.lists(st.tuples(st.integers(1, 20000), st.integers(1, 300), seconds)))
def test_a_histogram_is_the_values_that_it_was_given(runs: list[tuple[int, int, float]]) -> None:
    metrics = Metrics(ServiceInfo(name="some"), ["method"])
    for rows, calls, taken in runs:
        metrics.batch("method", rows, calls, taken)
    for text, read in ((metrics.render()[0], read_text), (metrics.render(OPENMETRICS)[0], read_openmetrics)):
        found = values(text.decode(), read)
        for place, name in enumerate(("modelport_batch_rows", "modelport_batch_calls", "modelport_predict_seconds")):
            given_values = [run[place] for run in runs]
            for labels, count in found[f"{name}_bucket"].items():
                assert count == sum(value <= float(dict(labels)["le"]) for value in given_values)
            assert found[f"{name}_sum"][("method", "method"),] == pytest.approx(sum(given_values))
            assert found[f"{name}_count"][("method", "method"),] == len(runs)


def test_counting_costs_next_to_nothing() -> None:
    metrics = Metrics(ServiceInfo(name="some"), ["method"])
    began = time.perf_counter()
    for _ in range(10_000):
        metrics.request("methods", "method", 200, 0.001)
        metrics.batch("method", 1, 1, 0.001)
    assert time.perf_counter() - began < 10_000 * 30e-6  # 1.5 us each pair on a quiet machine
