"""The catalog's own models, built once for all acceptance tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.commands import ROOT, Workplace

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = sorted(folder.name for folder in (ROOT / "catalog/models").iterdir() if folder.is_dir())


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a place in this checkout whose store holds every entry's package, built from its recipe."""
    place = Workplace(ROOT, store=tmp_path_factory.mktemp("built") / "store")
    for name in ENTRIES:
        place.modelport("pack", f"catalog/models/{name}", check=True)
    return place


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> Path:
    """Give each entry's folder in turn."""
    return ROOT / "catalog/models" / str(request.param)
