"""A built sample site, made once for all tests that only look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.site.edge_samples import DEVICES, NETWORKS
from tests.site.samples import catalog, index_of
from tests.site.thirty import thirty

from modelport_site import build_site, serve_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site-cache")


@pytest.fixture(scope="session")
def site(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    models = catalog()
    build_site(index_of(*models), models, out, cache=cache, devices=DEVICES, networks=NETWORKS)
    return out


@pytest.fixture(scope="session")
def site_url(site: Path) -> Iterator[str]:
    with serve_site(site, 0) as served:
        yield served.url


@pytest.fixture(scope="session")
def thirty_site(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of thirty models."""
    out = tmp_path_factory.mktemp("thirty") / "out"
    models = thirty()
    build_site(index_of(*models), models, out, cache=cache)
    return out


@pytest.fixture(scope="session")
def thirty_url(thirty_site: Path) -> Iterator[str]:
    with serve_site(thirty_site, 0) as served:
        yield served.url
