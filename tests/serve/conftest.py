"""Services that many tests share; each is a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.serve.running import running, serving
from tests.serve.shared import every, kinds, trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.running import Running

__all__ = ["every", "kinds", "strict", "trouble", "wide"]


@pytest.fixture(scope="session")
def wide() -> Iterator[Running]:
    """Give a service of tables with thirteen columns, whose licence only its catalog knows."""
    with running("tests.serve.wide", "wide") as service:
        yield service


@pytest.fixture(scope="session")
def strict() -> Iterator[Running]:
    """Give a service with tight limits."""
    with serving(
        "trouble", "--body-bytes", "2000", "--body-seconds", "0.5", "--head-seconds", "0.7", "--uploads", "2",
        "--number-chars", "40", "--json-depth", "4",
    ) as service:  # fmt: skip
        yield service
