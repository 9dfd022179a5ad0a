"""Fixtures that any test may ask for, and two switches.

``--update-goldens`` writes golden files anew instead of comparing with them: look at the difference before you commit.
``HYPOTHESIS_PROFILE=thorough`` (or ``ci``) tries more examples than the default of 50.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from tests.support.browser import browser
from tests.support.commands import workplace
from tests.support.docker import docker_engine
from tests.support.registry import docker_registry, unique_repository
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xdist.remote import Producer

__all__ = ["browser", "docker_engine", "docker_registry", "golden", "unique_repository", "workplace"]

# Two busy cores: how long an example takes says nothing.
settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), max_examples=200, derandomize=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Their session's fixtures pack models, build catalogs, images and sites: once is enough.
_TOGETHER = {"acceptance", "image", "publish", "site"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with the golden file at a path, or write the file with --update-goldens."""

    def compare(file: Path, text: str) -> None:
        if request.config.getoption("--update-goldens"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8"), f"{file} differs; if rightly so, run pytest with --update-goldens"

    return compare


def _folder(nodeid: str) -> str:
    return nodeid.removeprefix("tests/").partition("/")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what stays together first: the longest work begun last would leave the other process idle."""
    items.sort(key=lambda one: _folder(one.nodeid) not in _TOGETHER)


class _ByFixtures(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of one file in one process, and those of a folder whose fixtures take long to make.

    Each set goes to the next free process, in the order of their first tests. (Groups of pytest-xdist 3.8, which are
    made for that, do nothing under pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return folder if (folder := _folder(nodeid)) in _TOGETHER else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _ByFixtures(config, log)
