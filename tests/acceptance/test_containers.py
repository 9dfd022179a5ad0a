"""The catalog's models as images in a real engine: hardened, they answer their golden examples at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.containers import answers, container
from tests.support.images import base

from modelport.package import Package
from modelport.package.closeness import alike

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.docker import DockerEngine

__all__ = ["base"]


@pytest.mark.parametrize(
    ("name", "runtime"),
    [("iris-forest", "framework"), ("iris-forest", "converted"), ("fashion-classifier", "converted")],
)
def test_a_model_of_the_catalog_answers_out_of_a_container(
    built: Workplace, base: Path, docker_engine: DockerEngine, name: str, runtime: str
) -> None:
    package = Package.read(built.package(name))
    with container(built, docker_engine, name, "--base", base, "--runtime", runtime) as one:
        assert one.inspect()["HostConfig"]["ReadonlyRootfs"] is True
        for doors, example in zip(answers(one.url, one.grpc, package), package.examples, strict=True):
            assert all(alike(example["output"], door, example["tolerance"]) for door in doors)
        assert docker_engine.docker("diff", one.name).stdout == ""
