"""Images in a real registry: only what is new is sent, and the model's release lists them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.images import manifest_of

from modelport.image.base.make import TAG as TAG_OF_BASE
from modelport.image.sbom import SBOM
from modelport.oci import Index, Layout, Registry, referrers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace
    from tests.support.registry import DockerRegistry

    from modelport.types import Digest

TAG = "iris-forest:1.4.0-service"


def blobs(registry: DockerRegistry) -> set[str]:
    """Return the digests of all that the registry keeps, of any repository."""
    place = registry.storage / "docker/registry/v2/blobs/sha256"
    return {f"sha256:{file.parent.name}" for file in place.glob("*/*/data")}


def listed(registry: DockerRegistry, repository: str, tag: str) -> Index:
    found = Registry(registry.host).manifest(repository, tag)
    assert isinstance(found, Index)
    return found


def built_from(place: Workplace, package: Path, base: Path) -> str:
    words: list[str | Path] = ["image", "build", package, "--base", base, "--allow-code", "--json"]
    return str(json.loads(place.modelport(*words, check=True).stdout)["image"])


@pytest.mark.usefixtures("built")
def test_a_new_version_with_the_same_lock_sends_only_its_own_layer(
    iris: Workplace, base: Path, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    target = f"{docker_registry.host}/{unique_repository}"
    done = iris.modelport("image", "push", "iris-forest:1.4.0", target, check=True)
    assert f"no release lists it: {target}:1.4.0 is not there\n" in done.stderr
    before = blobs(docker_registry)
    package = tmp_path / "iris-forest"
    shutil.copytree(iris.package("iris-forest"), package)
    (package / "LICENSE").write_text("Other words.\n")
    tag = built_from(iris, package, base)
    assert tag == "iris-forest:latest-service"
    done = iris.modelport("image", "push", "iris-forest:latest", target, check=True)
    assert "no release lists it: releases are of whole packages with a version, and latest is none" in done.stderr
    assert not [one for one in Registry(docker_registry.host).tags(unique_repository) if "-r" in one]
    new = blobs(docker_registry) - before
    assert iris.store is not None
    layout = Layout(iris.store)
    for platform in ("linux/amd64", "linux/arm64"):
        *shared, own = manifest_of(layout, tag, platform)[1].layers
        assert str(own.digest) in new
        assert not {str(layer.digest) for layer in shared[:-1]} & new  # the last of them is Modelport itself


@pytest.mark.usefixtures("built")
def test_the_release_lists_the_image_and_is_pulled_without_it(
    iris: Workplace, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    place = f"{docker_registry.host}/{unique_repository}"
    iris.modelport("push", "iris-forest:1.4.0", f"{place}:1.4.0", check=True)
    plain = listed(docker_registry, unique_repository, "1.4.0")
    words = ["image", "push", "iris-forest", place, "--json"]
    done = iris.modelport(*words, check=True)
    assert json.loads(done.stdout)["release"] is None
    # A push alone is no release, and its image makes none of it.
    assert f"no release lists it: {place}:1.4.0 is not published: it has no 1.4.0-r1 (" in done.stderr
    Registry(docker_registry.host).put_manifest(unique_repository, plain, tag="1.4.0-r1")
    first, said = (json.loads(iris.modelport(*words, check=True).stdout) for _ in range(2))
    assert first == said
    assert said["release"] == "1.4.0-r2"
    pure = listed(docker_registry, unique_repository, "1.4.0-service")
    assert str(pure.descriptor.digest) == said["digest"]
    assert [str(one.platform) for one in pure.manifests] == ["linux/amd64", "linux/arm64"]
    release = listed(docker_registry, unique_repository, "1.4.0")
    assert release.manifests == (*plain.manifests, *pure.manifests)
    assert listed(docker_registry, unique_repository, "1.4.0-r2") == release
    assert listed(docker_registry, unique_repository, "1.4.0-r1") == plain
    store = tmp_path / "store"
    other = type(iris)(tmp_path, store=store)
    other.modelport("pull", f"{place}:1.4.0", check=True)
    assert not any(Layout(store).has(one) for one in pure.manifests)
    copy = [
        "skopeo",
        "copy",
        "--quiet",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        f"docker://{place}:1.4.0-service",
    ]
    subprocess.run([*copy, f"oci:{tmp_path}/copy:image"], check=True, timeout=300)
    assert Layout(tmp_path / "copy").resolve("image").digest == pure.descriptor.digest


@pytest.mark.usefixtures("built")
def test_each_platform_has_a_list_of_what_is_inside(
    iris: Workplace, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    place = f"{docker_registry.host}/{unique_repository}"
    iris.modelport("image", "push", "iris-forest:1.4.0", f"{place}:other", check=True)
    registry = Registry(docker_registry.host)
    for one in listed(docker_registry, unique_repository, "other").manifests:
        (found,) = referrers(registry, unique_repository, one.digest, artifact_type=SBOM)
        document = json.loads(content(registry, unique_repository, found.digest))
        check_valid(document)
        assert document["metadata"]["component"]["version"] == str(one.digest)
        urls = {part.get("purl", "").partition("?")[0].rpartition("@")[0] for part in document["components"]}
        assert {"pkg:generic/modelport", "pkg:generic/python"} <= urls
        assert {"pkg:pypi/onnxruntime", "pkg:pypi/starlette", "pkg:deb/debian/libc6"} <= urls
        assert "pkg:pypi/scikit-learn" not in urls
        (model,) = (part for part in document["components"] if part["type"] == "machine-learning-model")
        assert model["name"] == "iris-forest"
        unlicensed = [p["name"] for p in document["components"] if "pypi" in p.get("purl", "") and "licenses" not in p]
        assert unlicensed == []


def content(registry: Registry, repository: str, digest: Digest) -> bytes:
    manifest = registry.manifest(repository, digest)
    (layer,) = manifest.children[1:]
    return b"".join(registry.blob(repository, layer))


def check_valid(document: dict[str, Any]) -> None:
    """Let CycloneDX's own schema judge."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - takes a while to import
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - the same

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


def test_a_base_may_come_from_a_registry_and_have_compressed_layers(
    iris: Workplace, base: Path, docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    named = f"{docker_registry.host}/{unique_repository}:3.11"
    # By way of a folder: else skopeo may find layers in the registry that another test has pushed as they are.
    copy, folder = ["skopeo", "copy", "--quiet", "--all"], f"dir:{tmp_path}/compressed"
    subprocess.run([*copy, "--dest-compress", f"oci:{base}:{TAG_OF_BASE}", folder], check=True, timeout=300)
    push = [*copy, "--preserve-digests", "--dest-tls-verify=false", folder, f"docker://{named}"]
    subprocess.run(push, check=True, timeout=300)
    words: list[str | Path] = [
        "image",
        "build",
        "iris-forest",
        "--base",
        named,
        "--out",
        tmp_path / "out",
        "--platform",
        "linux/amd64",
    ]
    iris.modelport(*words, check=True)
    _, manifest = manifest_of(Layout(tmp_path / "out"), TAG, "linux/amd64")
    theirs = next(
        one for one in listed(docker_registry, unique_repository, "3.11").manifests if "amd64" in str(one.platform)
    )
    assert manifest.annotations["org.opencontainers.image.base.name"] == named
    assert manifest.annotations["org.opencontainers.image.base.digest"] == str(theirs.digest)
    lowest = Registry(docker_registry.host).manifest(unique_repository, theirs.digest).children[1]
    assert manifest.layers[0] == lowest
    assert lowest.media_type.endswith("gzip")


def test_an_image_that_was_not_built_is_said_with_the_way_out(iris: Workplace) -> None:
    done = iris.modelport("image", "push", "voice-activity")
    assert done.returncode == 1
    assert "modelport image build voice-activity" in done.stderr
