"""Fixtures of the packages' tests: hashes without an index, one cache of clean environments, small models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelport import Evaluation, Model
from modelport.package import Package, pack

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def lock() -> str:
    """The project's own lock: it has the hashes of all that a package of the tests may need."""
    return (ROOT / "requirements" / "dev.lock").read_text("utf-8")


@pytest.fixture(scope="session")
def cache() -> Path:
    """Clean environments, named by what they hold, so they are kept from run to run."""
    return ROOT / "build" / "test-cache"


def add(x: float, y: float) -> float:
    """Add two numbers."""
    return x + y


def adder() -> Model:
    """Return the smallest model there is, with an example and a figure."""
    model = Model(add=add)
    model.add_example("add", {"x": 1.0, "y": 2.0})
    model.add_evaluation(Evaluation.accuracy(correct=9, n=10, data="sums", split="test"))
    return model


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[str], Package]:
    """Return a function that packs the smallest model under a name."""

    def make(name: str = "adder") -> Package:
        return Package.read(pack(adder(), name, tmp_path / name, verify_in=None))

    return make
