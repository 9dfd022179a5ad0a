"""Other tools and ours on the same content, both ways: digests stay what they are.

Here are Debian's docker-registry, skopeo and umoci, and oras-py, olot and modelpack-client; archives are in
``test_oci_archive.py``, the catalog's own packages in ``tests/acceptance``.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from modelpack_client import ModelDescriptor, ModelLayer, ModelPackClient, ModelPackConfig
from oras.layout import Layout as OrasLayout
from oras.layout.layout import NewLayoutFromRegistry
from oras.provider import Registry as OrasRegistry
from tests.oci.test_referrers import REPORT, referrer
from tests.support.artifacts import ARTIFACT_TYPE, put_artifact, put_release
from tests.support.peers import (
    OCIImageIndex,
    OCIImageManifest,
    crawl_ocilayout_indexes,
    crawl_ocilayout_manifests,
    read_ocilayout_root_index,
    verify_ocilayout,
)

from modelport.oci import Descriptor, Layout, Manifest, Registry, build_index, build_manifest, make_tar, pull, push
from modelport.oci.archive import export_archive
from modelport.oci.referrers import referrer_descriptor
from modelport.oci.values import Platform
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.registry import DockerRegistry

CONFIG, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"
MODEL = "application/vnd.cncf.model"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


@pytest.fixture
def registry(docker_registry: DockerRegistry) -> Registry:
    return Registry(docker_registry.host)


def tool(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.fail(f"{command[0]} is not installed: `make test` installs it")
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(layout: Layout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (layout.path / "blobs").rglob("*") if path.is_file()}


def put_mixed_release(layout: Layout) -> Descriptor:
    """Store an index of artifacts and of images for two platforms, one of whose layers both have."""
    tar = make_tar({"file": os.urandom(3000)})
    layer = layout.put_blob(gzip.compress(tar, mtime=0), media_type=LAYER)  # skopeo compresses what is not
    images = []
    for architecture in ("amd64", "arm64"):
        config = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(tar))]},
        }
        blob = layout.put_blob(json.dumps(config).encode(), media_type=CONFIG)
        image = layout.put_manifest(build_manifest(blob, [layer]))
        images.append(
            Descriptor(
                media_type=image.media_type, digest=image.digest, size=image.size,
                platform=Platform("linux", architecture), annotations={"org.example": "kept"},
            )
        )  # fmt: skip
    return layout.put_manifest(build_index([put_artifact(layout, b"one", b""), *images], annotations={"a": "b"}))


# skopeo


@pytest.mark.parametrize("make", [put_mixed_release, lambda layout: put_artifact(layout, b"one")])
def test_skopeo_takes_it_through_every_kind_of_place_and_back(
    make: Callable[[Layout], Descriptor], layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    root = make(layout)
    layout.tag("demo/iris:1.0.0", root)
    export_archive(layout, layout.tags(), tmp_path / "ours.tar")
    push(layout, root, registry, unique_repository, tags=["pushed"])
    remote = f"docker://{registry.host}/{unique_repository}"
    ours = {
        "oci": f"oci:{layout.path}:demo/iris:1.0.0",
        "oci-archive": f"oci-archive:{tmp_path}/ours.tar:demo/iris:1.0.0",
        "docker": f"{remote}:pushed",
    }
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    for kind, source in ours.items():
        way = [source, f"oci:{tmp_path}/{kind}:a/b:1", f"oci-archive:{tmp_path}/{kind}.tar:x", f"{remote}:{kind}"]
        for one, next_one in pairwise([*way, f"oci:{tmp_path}/{kind}-end:y"]):
            tool("skopeo", "copy", "--quiet", "--all", *plain, one, next_one)
        end = Layout(tmp_path / f"{kind}-end")
        assert end.resolve("y").digest == root.digest
        assert files(end) == files(layout)
        assert registry.resolve(unique_repository, kind).digest == root.digest
        pulled = Layout(tmp_path / f"{kind}-pulled")
        assert pull(registry, unique_repository, kind, pulled, name="z:1") == root
        assert files(pulled) == files(layout)


def test_skopeo_inspects_an_image_among_the_artifacts(
    layout: Layout, registry: Registry, unique_repository: str
) -> None:
    root = put_mixed_release(layout)
    push(layout, root, registry, unique_repository, tags=["1"])
    shown = tool(
        "skopeo", "inspect", "--tls-verify=false", "--override-arch=arm64", f"docker://{registry.host}/{unique_repository}:1"
    )  # fmt: skip
    assert json.loads(shown)["Architecture"] == "arm64"


# umoci


def test_umoci_reads_our_store_and_collects_nothing_that_is_needed(layout: Layout) -> None:
    release = put_mixed_release(layout)
    layout.tag("iris:1.0.0", release)
    layout.tag("localhost:5000/a/b:1", put_artifact(layout, b"two"))
    report = referrer(layout, release, REPORT)
    layout.keep(referrer_descriptor(report))
    needed = files(layout)
    unneeded = layout.put_blob(b"nobody lists this")
    assert set(tool("umoci", "ls", "--layout", layout.path).split()) == set(layout.tags())
    tool("umoci", "gc", "--layout", layout.path)
    assert not layout.has(unneeded)
    assert files(layout) == needed
    layout.tag("again:1", put_artifact(layout, b"three"))  # and the store goes on as before
    assert set(layout.tags()) == {"iris:1.0.0", "localhost:5000/a/b:1", "again:1"}


def test_what_umoci_made_is_read_pushed_pulled_and_told_by_umoci_again(
    registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    folder = tmp_path / "umoci"
    tool("umoci", "init", "--layout", folder)
    tool("umoci", "new", "--image", f"{folder}:fresh")
    (tmp_path / "file").write_bytes(b"content")
    tool("umoci", "insert", "--rootless", "--image", f"{folder}:fresh", tmp_path / "file", "/file")
    tool("umoci", "config", "--image", f"{folder}:fresh", "--author", "Ada", "--os", "linux", "--architecture", "arm64")
    theirs = Layout(folder)
    image = theirs.resolve("fresh")
    manifest = theirs.manifest(image)
    assert isinstance(manifest, Manifest)
    assert json.loads(theirs.read(manifest.config))["author"] == "Ada"
    theirs.tag("demo:1", image)  # and can be written on
    push(theirs, image, registry, unique_repository, tags=["1"])
    pulled = Layout(tmp_path / "pulled")
    assert pull(registry, unique_repository, "1", pulled, name="back:1").digest == image.digest
    told, again = (
        json.loads(tool("umoci", "stat", "--json", "--image", f"{place}:{tag}"))
        for place, tag in ((folder, "fresh"), (pulled.path, "back:1"))
    )
    assert told == again
    tool("umoci", "unpack", "--rootless", "--image", f"{pulled.path}:back:1", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/file").read_bytes() == b"content"


def test_umoci_writes_into_our_store_beside_us(layout: Layout) -> None:
    layout.tag("ours:1", put_artifact(layout, b"one"))
    before = layout.resolve("ours:1")
    tool("umoci", "new", "--image", f"{layout.path}:theirs")
    layout.tag("ours:2", put_artifact(layout, b"two"))
    assert sorted(layout.tags()) == ["ours:1", "ours:2", "theirs"]
    assert layout.resolve("ours:1") == before
    assert isinstance(layout.manifest(layout.resolve("theirs")), Manifest)


# oras-py


def test_what_oras_pushed_is_pulled(registry: Registry, unique_repository: str, layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(os.urandom(100_000))
    theirs = OrasRegistry(hostname=registry.host, insecure=True)
    answer = theirs.push(
        target=f"{registry.host}/{unique_repository}:1", files=[str(tmp_path / "weights.bin:application/x.test")],
        disable_path_validation=True, manifest_annotations={"a": "b"},
    )  # fmt: skip
    root = pull(registry, unique_repository, "1", layout, name="demo:1")
    assert str(root.digest) == answer.headers["Docker-Content-Digest"]
    manifest = layout.manifest(root)
    assert isinstance(manifest, Manifest)
    assert (manifest.annotations["a"], manifest.layers[0].media_type) == ("b", "application/x.test")
    assert layout.read(manifest.layers[0]) == (tmp_path / "weights.bin").read_bytes()
    OrasLayout(str(layout.path)).validate()


def test_oras_pulls_into_a_layout_what_we_pushed_and_pushes_it_on(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    root = put_artifact(layout, os.urandom(50_000), b"two")
    push(layout, root, registry, unique_repository, tags=["1"])
    theirs = OrasRegistry(hostname=registry.host, insecure=True)
    folder = tmp_path / "oras"
    NewLayoutFromRegistry(
        path=str(folder), provider=theirs, target=f"{registry.host}/{unique_repository}:1", tag="1"
    )  # fmt: skip
    copied = Layout(folder)
    assert [one.digest for one in copied.roots()] == [root.digest]
    assert files(copied) == files(layout)
    OrasLayout(str(folder)).push_to_registry(
        provider=theirs, target=f"{registry.host}/{unique_repository}:back", tag="1"
    )
    assert registry.resolve(unique_repository, "back").digest == root.digest


# olot


def test_olots_models_read_our_store(layout: Layout) -> None:
    release = put_mixed_release(layout)
    layout.tag("demo:1", release)
    report = referrer(layout, release, REPORT)
    layout.keep(referrer_descriptor(report))
    assert verify_ocilayout(layout.path)
    root = read_ocilayout_root_index(layout.path)
    indexes = crawl_ocilayout_indexes(layout.path, root)
    manifests = crawl_ocilayout_manifests(layout.path, indexes, root)
    children = {child.digest.hex for child in layout.manifest(release).children}
    assert {digest.rpartition(":")[2] for digest in manifests} >= children
    assert str(release.digest) in {str(entry.digest) for entry in root.manifests}
    assert OCIImageIndex.model_validate_json(layout.read(release)).annotations == {"a": "b"}
    parsed = OCIImageManifest.model_validate_json(report.raw)
    assert (str(parsed.subject.digest), parsed.artifactType) == (str(release.digest), REPORT)
    artifact = OCIImageManifest.model_validate_json(layout.read(layout.manifest(release).children[0]))
    assert artifact.artifactType == ARTIFACT_TYPE


# modelpack-client


def test_what_modelpack_client_pushed_is_pulled(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    (tmp_path / "weights.bin").write_bytes(os.urandom(100_000))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/README.md").write_text("A model.", "utf-8")
    layers = [
        ModelLayer(tmp_path / "weights.bin", f"{MODEL}.weight.v1.raw"),
        ModelLayer(tmp_path / "docs", f"{MODEL}.doc.v1.tar"),
        ModelLayer(tmp_path / "docs", f"{MODEL}.doc.v1.tar+zstd", artifact_path="zstd"),
    ]
    client, target = ModelPackClient(insecure=True), f"{registry.host}/{unique_repository}:1"
    pushed = client.push(target, layers, ModelPackConfig(ModelDescriptor(name="theirs")))
    root = pull(registry, unique_repository, "1", layout, name="theirs:1")
    assert str(root.digest) == pushed.digest
    manifest = layout.manifest(root)
    assert isinstance(manifest, Manifest)
    assert layout.read(manifest.layers[0]) == (tmp_path / "weights.bin").read_bytes()
    config = json.loads(layout.read(manifest.config))
    raw, tar, compressed = config["modelfs"]["diffIds"]
    assert [raw, tar] == [str(layer.digest) for layer in manifest.layers[:2]]
    assert compressed != str(manifest.layers[2].digest), "of what is compressed, the digest is of what is inside"

    back = f"{unique_repository}-back"
    push(layout, root, registry, back, tags=["1"])
    pulled = client.pull(f"{registry.host}/{back}:1", tmp_path / "out")
    assert pulled.config == config
    assert (tmp_path / "out/weights.bin").read_bytes() == (tmp_path / "weights.bin").read_bytes()


def test_a_tree_stays_the_same_through_all_of_them(
    layout: Layout, registry: Registry, unique_repository: str, tmp_path: Path
) -> None:
    # ours -> registry -> skopeo's archive -> skopeo's layout -> oras -> registry -> ours
    root = put_release(layout, os.urandom(10_000))
    push(layout, root, registry, unique_repository, tags=["1"])
    (child,) = layout.manifest(root).children
    remote = f"docker://{registry.host}/{unique_repository}@{child.digest}"
    tool("skopeo", "copy", "--quiet", "--src-tls-verify=false", remote, f"oci-archive:{tmp_path}/a.tar:x")
    tool("skopeo", "copy", "--quiet", f"oci-archive:{tmp_path}/a.tar:x", f"oci:{tmp_path}/skopeo:x")
    OrasLayout(str(tmp_path / "skopeo")).push_to_registry(
        provider=OrasRegistry(hostname=registry.host, insecure=True),
        target=f"{registry.host}/{unique_repository}-on:1", tag="x",
    )  # fmt: skip
    back = Layout(tmp_path / "back")
    assert pull(registry, f"{unique_repository}-on", "1", back).digest == child.digest
    assert files(back) == {name: raw for name, raw in files(layout).items() if name != root.digest.hex}
