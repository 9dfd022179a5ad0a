"""tritonclient and kserve, in an environment of their own, pass every call of theirs that has a meaning here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.clients import CLIENTS, plan, run_client
from tests.serve.doors import Doors, doors
from tests.serve.models import kinds
from tests.support.every_kind import ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "every": list(ARGUMENTS.items()),
    "kinds": [(example.method, example.input) for example in kinds().examples if example.method != "nothing"][::2],
}
LEAST = {
    "triton-http": {"live", "ready", "model metadata", "infer binary", "async infer", "statistics"},
    "triton-grpc": {"live", "ready", "model metadata", "infer", "async infer", "stream infer", "statistics"},
    "kserve": {"REST ready", "REST infer binary", "gRPC ready", "gRPC infer raw"},
}
"""Calls that each client makes of every model; others depend on the datatypes that JSON has a form for."""


@pytest.fixture(scope="module", params=CALLS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Doors]]:
    with doors(request.param) as service:
        yield request.param, service


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_passes(served: tuple[str, Doors], client: str) -> None:
    name, door = served
    made: set[str] = set()
    for method, arguments in CALLS[name]:
        answer = door.service.call(method, arguments)
        assert answer.status_code == 200, answer.text
        http, grpc = str(door.service.client.base_url.netloc.decode()), door.address
        told = plan(door.metadata(f"{name}.{method}"), arguments, answer.json(), http=http, grpc=grpc)
        calls = set(run_client(client, told))
        assert calls >= LEAST[client]
        made |= calls
    assert made & {"infer JSON", "stream infer", "REST infer JSON"}
