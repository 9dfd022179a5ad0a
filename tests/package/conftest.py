"""Fixtures of the packages' tests: hashes without an index, one cache of clean environments, small models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.package.hostile import Reader

from modelport.package import Package, model_from_file, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelport import Model

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def lock() -> str:
    """The project's own lock: it has the hashes of all that a package of the tests may need."""
    return (ROOT / "requirements" / "dev.lock").read_text("utf-8")


@pytest.fixture(scope="session")
def cache() -> Path:
    """Clean environments, named by what they hold, so they are kept from run to run."""
    return ROOT / "build" / "test-cache"


def adder() -> Model:
    """Return the smallest model there is, with an example and a figure."""
    return model_from_file(ROOT / "tests" / "projects" / "adder.py")


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[str], Package]:
    """Return a function that packs the smallest model under a name."""

    def make(name: str = "adder") -> Package:
        return Package.read(pack(adder(), name, tmp_path / name, verify_in=None))

    return make


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Give the process that reads packages which mean harm."""
    made = Reader(tmp_path_factory.mktemp("reader") / "stderr")
    yield made
    made.close()


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    """A package whose code leaves a mark when it runs."""
    folder = pack(adder(), "hostile", tmp_path / "package", verify_in=None)
    code = folder / "code" / "model.py"
    mark = f"open({str(tmp_path / 'mark')!r}, 'w')\n"
    code.write_text(code.read_text("utf-8").replace("annotations\n", f"annotations\n{mark}", 1), "utf-8")
    return folder
