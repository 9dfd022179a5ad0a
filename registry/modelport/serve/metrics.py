"""What a service counts: numbers that ``GET /metrics`` gives to Prometheus, in its text format or as OpenMetrics.

===================================================  ===============================================================
``modelport_requests_total{door,method,status}``     answered requests
``modelport_request_seconds{door,method}``           how long they took, reading and writing included
``modelport_requests_in_flight``                     requests that are being answered
``modelport_queue_calls``                            calls that wait for the model
``modelport_batch_rows``, ``modelport_batch_calls``  what one run of the model took together, by method
``modelport_predict_seconds{method}``                how long one run of the model took
``modelport_load_seconds``                           how long the model took to load
``modelport_build_info{name,version,digest,runtime}``  what is served
``process_...``                                      memory, processor time and open files of the process
===================================================  ===============================================================

Only what callers asked for is counted: a service that has just begun has run its golden example, and counts nothing.

A request is counted in under a microsecond, because counting is adding to plain numbers; prometheus-client turns them
into families when somebody asks, and is not imported before.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from starlette.requests import Request

    from modelport.serve.info import ServiceInfo
    from modelport.serve.service import Service

__all__ = ["FAMILIES", "Gauge", "Metrics", "metrics_routes"]

FAMILIES = {
    "modelport_requests_total": "Answered requests, by door, method and status.",
    "modelport_request_seconds": "Time to answer a request, reading and writing included.",
    "modelport_requests_in_flight": "Requests that are being answered.",
    "modelport_queue_calls": "Calls that wait for the model.",
    "modelport_batch_rows": "Rows that one run of the model took.",
    "modelport_batch_calls": "Calls that one run of the model answered.",
    "modelport_predict_seconds": "Time of one run of the model.",
    "modelport_load_seconds": "Time that the model took to load.",
    "modelport_build_info": "What is served: name, version, digest, runtime.",
}
"""What is counted, besides the process itself: names and help."""

_SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0, 16384.0)


class Gauge:
    """A number that goes up and down; only the event loop's thread changes it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        """Add one."""
        self.value += 1

    def dec(self) -> None:
        """Take one away."""
        self.value -= 1


class _Histogram:
    """How many values were at most as large as each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulative counts by their bound, as Prometheus writes it."""
        bounds = [*map(str, self.bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.counts)), strict=True))


class _Runs:
    """What is counted of one method's runs; they may end in any thread."""

    __slots__ = ("calls", "lock", "rows", "seconds")

    def __init__(self) -> None:
        self.rows, self.calls, self.seconds = _Histogram(_SIZES), _Histogram(_SIZES), _Histogram(_SECONDS)
        self.lock = threading.Lock()


class Metrics:
    """The numbers of one service.

    Labels are only what the service itself knows: a caller cannot make new series by asking for methods that are not.

    Args:
        info: What is served.
        methods: The names of the model's methods.

    Attributes:
        in_flight: The requests that are being answered.
    """

    def __init__(self, info: ServiceInfo, methods: Iterable[str]) -> None:
        self.in_flight = Gauge()
        self._info = info
        self._runs = {name: _Runs() for name in methods}
        self._requests: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[tuple[str, str], _Histogram] = {}
        self._queue: Callable[[], int] = lambda: 0
        self._loaded = 0.0
        self._registry: Any = None

    def request(self, door: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request; only the event loop's thread does.

        Args:
            door: ``methods``, ``oip`` or ``grpc``.
            method: The model's method; any other name counts as none.
            status: The HTTP status, or the one that stands for the gRPC status.
            seconds: From the request's head to the end of its answer.
        """
        if method not in self._runs:
            method = ""
        key = (door, method, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        histogram = self._seconds.get((door, method))
        if histogram is None:
            histogram = self._seconds[door, method] = _Histogram(_SECONDS)
        histogram.observe(seconds)

    def batch(self, method: str, rows: int, calls: int, seconds: float) -> None:
        """Count one run of the model, which took *rows* rows of *calls* calls together; from any thread."""
        runs = self._runs[method]
        with runs.lock:
            runs.rows.observe(rows)
            runs.calls.observe(calls)
            runs.seconds.observe(seconds)

    def queue(self, length: Callable[[], int]) -> None:
        """Let *length* say, when somebody asks, how many calls wait."""
        self._queue = length

    def loaded(self, seconds: float) -> None:
        """Say how long the model took to load."""
        self._loaded = seconds

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return all numbers and their media type, in the format that *accept*, an HTTP header, asks for."""
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.process_collector import ProcessCollector
        from prometheus_client.registry import CollectorRegistry

        if self._registry is None:
            self._registry = CollectorRegistry(auto_describe=False)
            self._registry.register(self)
            ProcessCollector(registry=self._registry)
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def collect(self) -> Iterator[Any]:
        """Yield the families, as prometheus-client asks its collectors for them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        info = {"name": self._info.name, "version": self._info.version or "", "digest": self._info.digest or ""}
        yield InfoMetricFamily(
            "modelport_build", FAMILIES["modelport_build_info"], value=info | {"runtime": self._info.runtime}
        )
        total = CounterMetricFamily(
            "modelport_requests", FAMILIES["modelport_requests_total"], labels=["door", "method", "status"]
        )
        for (door, method, status), count in list(self._requests.items()):
            total.add_metric([door, method, str(status)], count)
        yield total
        labels = ["door", "method"]
        seconds = list(self._seconds.items())
        yield _family("modelport_request_seconds", labels, seconds, "seconds")
        for name, value in (("requests_in_flight", self.in_flight.value), ("queue_calls", self._queue())):
            yield GaugeMetricFamily(f"modelport_{name}", FAMILIES[f"modelport_{name}"], value)
        for name, of, unit in _OF_RUNS:
            found = [((method,), getattr(runs, of)) for method, runs in self._runs.items()]
            yield _family(name, ["method"], found, unit)
        loaded = "modelport_load_seconds"
        yield GaugeMetricFamily(loaded, FAMILIES[loaded], self._loaded, unit="seconds")


_OF_RUNS = (
    ("modelport_batch_rows", "rows", ""),
    ("modelport_batch_calls", "calls", ""),
    ("modelport_predict_seconds", "seconds", "seconds"),
)
"""Name, attribute of `_Runs`, unit."""


def _family(name: str, labels: list[str], found: Iterable[tuple[tuple[str, ...], _Histogram]], unit: str) -> Any:  # noqa: ANN401 - imported late
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, FAMILIES[name], labels=labels, unit=unit)
    for values, histogram in found:
        family.add_metric(list(values), histogram.buckets(), histogram.sum)
    return family


def metrics_routes(service: Service) -> list[Route]:
    """Return the route of ``GET /metrics``."""

    async def answer(request: Request) -> Response:
        # The first one imports prometheus-client; calls go on meanwhile.
        content, media_type = await asyncio.to_thread(service.metrics.render, request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return [Route("/metrics", answer, methods=["GET"])]
