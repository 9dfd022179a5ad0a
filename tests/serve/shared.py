"""Services of made-up models that many tests share, of this room and of others; each is a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.serve.running import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running

__all__ = ["every", "kinds", "trouble"]


@pytest.fixture(scope="session")
def kinds() -> Iterator[Running]:
    """Give a service whose methods take and give what functions usually do."""
    with serving("kinds") as service:
        yield service


@pytest.fixture(scope="session")
def every() -> Iterator[Running]:
    """Give a service with a field of every kind."""
    with serving("every") as service:
        yield service


@pytest.fixture(scope="session")
def trouble() -> Iterator[Running]:
    """Give a service whose model fails in every way there is."""
    with serving("trouble") as service:
        yield service
