"""Services that the client's tests share; each is a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.serve.running import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running


@pytest.fixture(scope="session")
def kinds() -> Iterator[Running]:
    with serving("kinds") as service:
        yield service


@pytest.fixture(scope="session")
def every() -> Iterator[Running]:
    with serving("every") as service:
        yield service


@pytest.fixture(scope="session")
def trouble() -> Iterator[Running]:
    with serving("trouble") as service:
        yield service
