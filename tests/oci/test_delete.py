"""Deleting in registries: what is asked for is gone, what is not stays, and a registry that does not let us says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact
from tests.support.small_registry import Rules, small_registry

from modelport.errors import NotFoundError, RegistryError
from modelport.oci import Layout, Registry, push
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.registry import DockerRegistry

DELETES: dict[str, Callable[[Registry, str, Digest], None]] = {
    "manifest": lambda registry, repository, digest: registry.delete_manifest(repository, digest),
    "blob": lambda registry, repository, digest: registry.delete_blob(repository, digest),
}


def test_what_is_deleted_is_gone_and_the_rest_stays(
    docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    registry, layout = Registry(docker_registry.host), Layout(tmp_path / "store")
    gone, kept = put_artifact(layout, b"gone", b"both"), put_artifact(layout, b"both", b"kept")
    for manifest, tags in ((gone, ["1", "also-1"]), (kept, ["2"])):
        push(layout, manifest, registry, unique_repository, tags=tags)
    registry.delete_manifest(unique_repository, gone.digest)
    assert registry.tags(unique_repository) == ("2",), "its tags go with it"
    assert not registry.has_manifest(unique_repository, gone.digest)
    assert registry.has_manifest(unique_repository, kept.digest)
    blob = layout.manifest(gone).children[1]
    assert registry.has_blob(unique_repository, blob), "blobs stay"
    registry.delete_blob(unique_repository, blob.digest)
    assert not registry.has_blob(unique_repository, blob)
    push(layout, gone, registry, unique_repository, tags=["1"])
    assert registry.has_blob(unique_repository, blob)


@pytest.mark.parametrize("what", DELETES)
def test_what_is_not_there_cannot_be_deleted(
    what: str, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    registry, layout = Registry(docker_registry.host), Layout(tmp_path / "store")
    push(layout, put_artifact(layout, b"one"), registry, unique_repository)
    with pytest.raises(NotFoundError, match=rf"remove the {what}.*{Digest.of(b'absent')}"):
        DELETES[what](registry, unique_repository, Digest.of(b"absent"))


@pytest.mark.parametrize("what", DELETES)
def test_a_registry_that_lets_nobody_delete_is_told(what: str, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    manifest = put_artifact(layout, b"one")
    digest = manifest.digest if what == "manifest" else layout.manifest(manifest).children[1].digest
    with small_registry(Rules(deletes=False)) as small:
        push(layout, manifest, small.client(), "demo", tags=["1"])
        with pytest.raises(RegistryError, match="405") as caught:
            DELETES[what](small.client(), "demo", digest)
        assert caught.value.status == 405
        assert "operator" in caught.value.hint
        assert small.client().resolve("demo", "1").digest == manifest.digest
