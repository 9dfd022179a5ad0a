"""What a registry has lost is put back by the next push or copy, though the manifests that list it stand there."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_release
from tests.support.registry import running_registry

from modelport.errors import NotFoundError
from modelport.oci import Layout, Registry, pull, push
from modelport.oci.copy import copy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry

    from modelport.oci import Descriptor


@pytest.fixture
def source(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "source")


@pytest.fixture
def root(source: Layout) -> Descriptor:
    return put_release(source, os.urandom(1_500_000), os.urandom(1000))


def lose(registry: DockerRegistry, lost: Descriptor) -> None:
    """Remove a blob's bytes from a registry; its links to them stay."""
    registry.blob_file(lost.digest).unlink()


@pytest.mark.parametrize("kind", ["large layer", "small layer", "config", "manifest"])
@pytest.mark.parametrize("way", ["push", "copy"])
def test_what_a_registry_lost_is_put_back(  # noqa: PLR0917 - two cases and four fixtures
    kind: str, way: str, source: Layout, root: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    first, second = (source.manifest(child) for child in source.manifest(root).children)
    config, layer = first.children
    lost = {"large layer": layer, "small layer": second.children[1], "config": config, "manifest": first.descriptor}
    told: list[str] = []
    kept, elsewhere = Registry(docker_registry.host), Layout(source.path.parent / "pulled")
    push(source, root, kept, unique_repository, tags=["1"])
    with running_registry(source.path.parent / "losing") as losing:  # one of its own: the config is everybody's
        registry = Registry(losing.host)
        push(source, root, registry, "demo", tags=["1"])
        lose(losing, lost[kind])
        if way == "push":
            push(source, root, registry, "demo", tags=["1"], notice=told.append)
        else:
            copy(kept, unique_repository, "1", registry, "demo", tags=["1"], notice=told.append)
        pull(registry, "demo", "1", elsewhere)
    assert elsewhere.read(layer) == source.read(layer)
    assert [f"lost {lost[kind].digest}" in notice for notice in told] == ([] if kind == "manifest" else [True])


def test_several_lost_blobs_are_told_in_one_sentence(
    source: Layout, root: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    registry = Registry(docker_registry.host)
    push(source, root, registry, unique_repository, tags=["1"])
    shutil.rmtree(docker_registry.storage / "docker/registry/v2/repositories" / unique_repository / "_layers")
    told: list[str] = []
    push(source, root, registry, unique_repository, tags=["1"], notice=told.append)
    assert len(told) == 1
    assert "and 2 more" in told[0]
    pull(registry, unique_repository, "1", Layout(source.path.parent / "pulled"))


def test_what_is_lost_there_and_missing_here_is_told_and_nothing_is_tagged(
    source: Layout, root: Descriptor, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    registry = Registry(docker_registry.host)
    push(source, root, registry, unique_repository, tags=["1"])
    layer = source.manifest(source.manifest(root).children[0]).children[1]
    lose(docker_registry, layer)
    source.file(layer).unlink()
    with pytest.raises(NotFoundError, match=str(layer.digest)):
        push(source, root, registry, unique_repository, tags=["2"])
    assert registry.tags(unique_repository) == ("1",)
