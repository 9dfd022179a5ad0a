"""The catalog's models, served as users serve them, through third parties' clients."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.serve.clients import plan, run_client

from modelport.package import Package

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace


LEAST = {"triton-http": 10, "triton-grpc": 11, "kserve": 8}
"""How many calls each client makes of any model."""


def test_clients_pass_every_call(built: Workplace, entry: Path) -> None:
    package = Package.read(built.package(entry.name))
    example = package.examples[0]
    with built.service(entry.name, "--allow-code", "--grpc-port", "0") as service:
        answer = service.call_json(example["method"], example["input"])
        http, model = service.url.removeprefix("http://"), f"{package.name}.{example['method']}"
        with urllib.request.urlopen(f"{service.url}/v2/models/{model}", timeout=60) as told:  # noqa: S310 - our own loopback address
            meta: dict[str, Any] = json.load(told)
        said = plan(meta, example["input"], answer, http=http, grpc=service.grpc)
        for client, calls in LEAST.items():
            assert len(run_client(client, said)) >= calls, client
