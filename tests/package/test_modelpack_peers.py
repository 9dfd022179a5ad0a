"""A package is ModelPack for everybody: the specification's schema, olot, modelpack-client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.modelpack import VALIDATOR, judge, misshapen, pulled_files

from modelport.oci import Layout, Registry, push
from modelport.package.modelpack import add_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.registry import DockerRegistry

    from modelport.package import Package


def test_a_package_is_modelpack_and_what_is_not_is_refused(packed: Callable[[str], Package], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    manifest, _ = add_package(packed("adder"), layout)
    config = judge(layout, manifest.digest)
    for wrong in misshapen(config):
        assert not VALIDATOR.is_valid(wrong), wrong


def test_modelpack_client_makes_the_package_of_it_again(
    packed: Callable[[str], Package], docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    package, layout = packed("adder"), Layout(tmp_path / "store")
    manifest, index = add_package(package, layout)
    push(layout, index, Registry(docker_registry.host), unique_repository, tags=["1.0.0"])
    made = pulled_files(f"{docker_registry.host}/{unique_repository}@{manifest.digest}", tmp_path / "theirs")
    assert made == {path: (package.folder / path).read_bytes() for path in package.files()}
