"""Small packages that tell who they are, a store that has them, and a service of the strongest: made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.edge.devices import Made, ServiceProcess, stored, teller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    place = tmp_path_factory.mktemp("tellers")
    return {
        "small": teller(place / "small", "small", accuracy=0.8),
        "newer": teller(place / "newer", "newer", accuracy=0.85),
        "slow": teller(place / "slow", "slow", accuracy=0.8, sleep=1.5),
        "strong": teller(place / "strong", "strong", accuracy=0.95),
        "stuck": teller(place / "stuck", "stuck", accuracy=0.95, sleep=60.0),
        "lazy": teller(place / "lazy", "lazy", accuracy=0.95, sleep=2.0),
    }


@pytest.fixture(scope="session")
def store(made: dict[str, Made], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("source") / "store", *made.values())


@pytest.fixture(scope="module")
def strong(made: dict[str, Made]) -> Iterator[ServiceProcess]:
    with ServiceProcess(made["strong"]) as service:
        yield service
