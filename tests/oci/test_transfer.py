"""Push and pull against a real registry, with other OCI tools as judges."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from oras.layout import Layout as OrasLayout
from oras.provider import Registry as OrasRegistry
from tests.support.artifacts import ARTIFACT_TYPE, put_artifact, put_release
from tests.support.damage import overwrite

from modelport.errors import IntegrityError, NotFoundError, RegistryError
from modelport.oci import Descriptor, Index, Layout, Manifest, Registry, build_manifest, pull, push
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.net.patience import Patience
from modelport.types import Digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry

QUICK = Patience(attempts=2, away_attempts=2, first_delay=0.01)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


@pytest.fixture
def registry(docker_registry: DockerRegistry) -> Registry:
    return Registry(docker_registry.host, patience=QUICK)


def files(layout: Layout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (layout.path / "blobs").rglob("*") if path.is_file()}


def skopeo(*arguments: str) -> bytes:
    if shutil.which("skopeo") is None:
        pytest.fail("skopeo is not installed: `make test` installs it")
    done = subprocess.run(["skopeo", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_a_release_arrives_as_it_left(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    large = os.urandom(3_000_000)
    release = put_release(layout, large, b"small", b"")
    digest = push(layout, release, registry, unique_repository, tags=["1.0.0-r1", "1.0.0"])
    assert digest == release.digest
    assert registry.tags(unique_repository) == ("1.0.0", "1.0.0-r1")

    target = Layout(tmp_path / "other")
    pulled = pull(registry, unique_repository, "1.0.0", target, name="demo:1.0.0")
    assert pulled.digest == release.digest
    assert pull(registry, unique_repository, release.digest, target) == pulled  # all of it is there now
    assert target.resolve("demo:1.0.0") == pulled
    assert files(target) == files(layout)
    assert isinstance(target.manifest(pulled), Index)


def test_a_digest_pins_what_is_pulled(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    manifest = put_artifact(layout, b"one", b"two")
    push(layout, manifest, registry, unique_repository)
    with pytest.raises(NotFoundError):
        registry.tags(unique_repository)  # no tag was asked for
    target = Layout(tmp_path / "other")
    assert pull(registry, unique_repository, manifest.digest, target) == manifest
    assert target.tags() == {}
    assert registry.manifest(unique_repository, manifest.digest).artifact_type == ARTIFACT_TYPE


def test_what_is_there_moves_once(layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path) -> None:
    manifest = put_artifact(layout, b"one" * 1000)
    blob = layout.manifest(manifest).children[1]
    assert registry.put_blob(unique_repository, blob, lambda: layout.chunks(blob)) is True
    assert registry.put_blob(unique_repository, blob, lambda: layout.chunks(blob)) is False
    seen: list[tuple[Digest, int]] = []
    push(layout, manifest, registry, unique_repository, tags=["1"], progress=lambda d, n: seen.append((d.digest, n)))
    assert dict(seen) == {blob.digest: 3000, Digest.of(EMPTY_CONTENT): 2}
    target = Layout(tmp_path / "other")
    for _ in range(2):
        seen.clear()
        pull(registry, unique_repository, "1", target, progress=lambda d, n: seen.append((d.digest, n)))
        assert dict(seen) == {blob.digest: 3000, Digest.of(EMPTY_CONTENT): 2}


def test_selection_fetches_only_what_is_wanted(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    manifest = put_artifact(layout, b"weights", b"data set")
    push(layout, manifest, registry, unique_repository, tags=["1"])
    unwanted = layout.manifest(manifest).children[2]
    target = Layout(tmp_path / "other")
    pull(registry, unique_repository, "1", target, name="a:1", select=lambda node: node.digest != unwanted.digest)
    assert not target.has(unwanted)
    assert len(files(target)) == 3


def test_a_damaged_copy_in_the_store_is_pulled_anew(layout: Layout, registry: Registry, unique_repository: str) -> None:
    manifest = put_artifact(layout, b"weights")
    push(layout, manifest, registry, unique_repository, tags=["1"])
    blob = layout.manifest(manifest).children[1]
    overwrite(layout.locate(blob), b"weighty")
    pull(registry, unique_repository, "1", layout)
    assert layout.read(blob) == b"weights"


def test_a_damaged_blob_is_not_pushed(layout: Layout, registry: Registry, unique_repository: str) -> None:
    manifest = put_artifact(layout, b"weights")
    blob = layout.manifest(manifest).children[1]
    overwrite(layout.locate(blob), b"weighty")
    with pytest.raises(IntegrityError, match=str(blob.digest)):
        push(layout, manifest, registry, unique_repository, tags=["1"])
    assert not registry.has_blob(unique_repository, blob)
    with pytest.raises(NotFoundError):
        registry.tags(unique_repository)


def test_an_incomplete_artifact_is_not_pushed(layout: Layout, registry: Registry, unique_repository: str) -> None:
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    manifest = layout.put_manifest(build_manifest(config, [Descriptor.of(b"absent")]))
    with pytest.raises(NotFoundError, match=str(Digest.of(b"absent"))):
        push(layout, manifest, registry, unique_repository, tags=["1"])
    with pytest.raises(NotFoundError):
        registry.manifest(unique_repository, "1")


def test_a_registry_refuses_a_manifest_without_its_blobs(registry: Registry, unique_repository: str) -> None:
    raw = build_manifest(Descriptor.of(b"never pushed"), [])
    with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
        registry.put_manifest(unique_repository, Manifest.parse(raw), tag="1")


@pytest.mark.parametrize("damage", [b"0123456789abcdeX", b"0123456789abcde", b"", b"0123456789abcdef and more"])
def test_bytes_damaged_in_the_registrys_storage_are_refused(
    damage: bytes, layout: Layout, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    registry = Registry(docker_registry.host, patience=QUICK)
    salt = os.urandom(8)  # the storage is shared: a blob of this test's own
    manifest = put_artifact(layout, salt + b"0123456789abcdef")
    push(layout, manifest, registry, unique_repository, tags=["1"])
    blob = layout.manifest(manifest).children[1]
    docker_registry.blob_file(blob.digest).write_bytes(salt + damage)
    target = Layout(tmp_path / "other")
    with pytest.raises(IntegrityError, match=str(blob.digest)):
        pull(registry, unique_repository, "1", target, name="a:1")
    assert target.tags() == {}
    assert not target.has(blob)
    assert all(salt not in content for content in files(target).values())


def test_a_manifest_damaged_in_the_registrys_storage_is_refused(
    layout: Layout, registry: Registry, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    manifest = put_artifact(layout, os.urandom(8))
    push(layout, manifest, registry, unique_repository, tags=["1"])
    file = docker_registry.blob_file(manifest.digest)
    file.write_bytes(file.read_bytes().replace(b"0.bin", b"1.bin"))
    for reference in ("1", manifest.digest):
        with pytest.raises(IntegrityError, match=str(manifest.digest)):
            pull(registry, unique_repository, reference, Layout(tmp_path / "other"), name="a:1")
    assert Layout(tmp_path / "other").tags() == {}


def test_missing_things_are_told_apart(layout: Layout, registry: Registry, unique_repository: str) -> None:
    with pytest.raises(NotFoundError, match=f"no repository {unique_repository}"):
        pull(registry, unique_repository, "1", layout)
    push(layout, put_artifact(layout, b"1"), registry, unique_repository, tags=["1.0.0", "1.1.0"])
    with pytest.raises(NotFoundError, match=r"no tag 2\.0\.0") as caught:
        pull(registry, unique_repository, "2.0.0", layout)
    assert "1.0.0, 1.1.0" in caught.value.hint
    with pytest.raises(NotFoundError, match="no manifest with this digest"):
        registry.manifest(unique_repository, Digest.of(b"absent"))
    with pytest.raises(NotFoundError, match="cannot pull"):
        registry.blob(unique_repository, Descriptor.of(b"absent")).read()


def test_an_unreachable_registry_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(RegistryError, match=f"{host} cannot be reached: Connection refused") as caught:
        Registry(host, patience=QUICK).manifest("a", "1")
    assert caught.value.hint


def test_many_tags_come_in_pages(layout: Layout, registry: Registry, unique_repository: str) -> None:
    tags = [f"t{n}" for n in range(12)]
    push(layout, put_artifact(layout, b"1"), registry, unique_repository, tags=tags)
    assert registry.tags(unique_repository) == tuple(sorted(tags))


def test_skopeo_copies_a_release_and_keeps_its_digest(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    release = put_release(layout, b"one", b"two")
    push(layout, release, registry, unique_repository, tags=["1"])
    remote, local = f"docker://{registry.host}/{unique_repository}", tmp_path / "skopeo"
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    skopeo("copy", "--all", *plain, f"{remote}:1", f"oci:{local}:copy")
    assert Layout(local).resolve("copy").digest == release.digest
    assert files(Layout(local)) == files(layout)
    skopeo("copy", "--all", *plain, f"oci:{local}:copy", f"{remote}:back")
    assert registry.resolve(unique_repository, "back").digest == release.digest


def test_skopeo_reads_the_store(layout: Layout, registry: Registry, unique_repository: str) -> None:
    release = put_release(layout, b"one", b"two")
    layout.tag("demo/iris:1.0.0", release)
    layout.tag("demo/iris:2.0.0", put_artifact(layout, b"three"))
    assert skopeo("inspect", "--raw", f"oci:{layout.path}:demo/iris:1.0.0") == layout.read(release)
    target = f"docker://{registry.host}/{unique_repository}:1"
    skopeo("copy", "--all", "--dest-tls-verify=false", f"oci:{layout.path}:demo/iris:1.0.0", target)
    assert registry.resolve(unique_repository, "1").digest == release.digest


def test_what_skopeo_wrote_can_be_written_on(layout: Layout, tmp_path: Path) -> None:
    layout.tag("a:1", put_artifact(layout, b"one"))
    skopeo("copy", f"oci:{layout.path}:a:1", f"oci:{tmp_path / 'foreign'}:b")
    foreign = Layout(tmp_path / "foreign")
    foreign.tag("c:1", put_artifact(foreign, b"two"))
    assert list(foreign.tags()) == ["b", "c:1"]
    assert json.loads(skopeo("inspect", "--raw", f"oci:{foreign.path}:c:1"))["artifactType"] == ARTIFACT_TYPE


def test_oras_py_reads_the_store_and_the_registry(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    manifest = put_artifact(layout, b"one", b"two")
    layout.tag("demo:1", manifest)
    OrasLayout(str(layout.path)).validate()
    push(layout, manifest, registry, unique_repository, tags=["1"])
    pulled = OrasRegistry(hostname=registry.host, insecure=True).pull(
        target=f"{registry.host}/{unique_repository}:1", outdir=str(tmp_path / "out")
    )
    assert sorted(os.path.basename(path) for path in pulled) == ["0.bin", "1.bin"]  # noqa: PTH119 - oras gives texts
    assert (tmp_path / "out" / "1.bin").read_bytes() == b"two"
