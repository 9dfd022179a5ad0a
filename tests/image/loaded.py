"""An engine that has an image, and a container that runs it, for the tests of several files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.containers import command, container

from modelport.image.engine import Engine
from modelport.oci import Layout, Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.containers import Container
    from tests.support.docker import DockerEngine

TAG = "iris-forest:1.4.0-service"


@pytest.fixture(scope="session")
def place(iris: Workplace, built: dict[str, Any], base: Path, docker_engine: DockerEngine) -> Workplace:
    """A place whose store holds the image, and whose engine has it."""
    assert built["image"] == TAG
    command(iris, docker_engine, "image", "load", "iris-forest", "--base", base)
    return iris


@pytest.fixture(scope="session")
def layout(place: Workplace) -> Layout:
    assert place.store is not None
    return Layout(place.store)


@pytest.fixture(scope="session")
def running(place: Workplace, base: Path, docker_engine: DockerEngine) -> Iterator[Container]:
    with container(place, docker_engine, "iris-forest", "--base", base, "--memory", "256m") as one:
        yield one


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[Engine]:
    with docker_engine.client() as client:
        version = client.version()
        yield Engine(client, docker_engine.host, Platform(version["Os"], version["Arch"]))
