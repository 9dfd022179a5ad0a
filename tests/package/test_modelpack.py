"""A package as an artifact: strict ModelPack, the same digest for the same folder, and back as it was."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelport.errors import FormatError
from modelport.oci import Descriptor, Layout, Manifest, build_index, build_manifest, make_tar
from modelport.package import Package
from modelport.package.modelpack import MANIFEST_TYPE, add_package, file_kind, file_records, package_manifest, unpack
from modelport.package.store import find_package, open_package
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = "weight|weight\\.config|doc|code|dataset"


@pytest.fixture
def large(packed: Callable[[str], Package]) -> Package:
    """A package with a file of state that is a layer of its own."""
    package = packed("large")
    (package.folder / "state").mkdir()
    np.save(package.folder / "state" / "table.npy", np.zeros(200_000))
    info = {**package.info, "state": [{"path": "state/table.npy", "type": "numpy.ndarray"}]}
    (package.folder / "package.json").write_text(json.dumps(info), "utf-8")
    return Package.read(package.folder)


def contents(package: Package) -> dict[str, bytes]:
    return {path: (package.folder / path).read_bytes() for path in package.files()}


def test_what_is_unpacked_is_what_was_added(large: Package, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    manifest, index = add_package(large, layout)
    for number, root in enumerate((manifest, index)):
        back = unpack(layout, root, tmp_path / f"back-{number}")
        assert contents(back) == contents(large)
        assert replace(back, folder=large.folder) == large
        assert add_package(back, Layout(tmp_path / "other")) == (manifest, index)


def test_times_and_modes_do_not_count(packed: Callable[[str], Package], tmp_path: Path) -> None:
    package, layout = packed("adder"), Layout(tmp_path / "store")
    before = add_package(package, layout)
    for path in package.files():
        (package.folder / path).chmod(0o700)
        (package.folder / path).touch()
    assert add_package(Package.read(package.folder), layout) == before


def test_the_manifest_is_strict_modelpack(large: Package, tmp_path: Path) -> None:
    # ModelPack's specification, docs/spec.md and docs/config.md: its config allows no other key at any level.
    layout = Layout(tmp_path / "store")
    descriptor, index = add_package(large, layout)
    manifest = layout.manifest(descriptor)
    assert isinstance(manifest, Manifest)
    assert manifest.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert manifest.artifact_type == MANIFEST_TYPE == "application/vnd.cncf.model.manifest.v1+json"
    assert manifest.config.media_type == "application/vnd.cncf.model.config.v1+json"
    config = json.loads(layout.read(manifest.config))
    assert config == {
        "descriptor": {"name": "large"},
        "config": {"format": "npy"},
        "modelfs": {"type": "layers", "diffIds": [str(layer.digest) for layer in manifest.layers]},
    }
    for layer in manifest.layers:
        assert re.fullmatch(rf"application/vnd\.cncf\.model\.({KINDS})\.v1\.(tar|raw)", layer.media_type)
        check_annotations(layer)
    paths = [layer.annotations["org.cncf.model.filepath"] for layer in manifest.layers]
    assert paths == ["weight.config.tar", "state/table.npy", "code.tar", "doc.tar"]
    assert package_manifest(layout, index).digest == descriptor.digest


def check_annotations(layer: Descriptor) -> None:
    assert layer.annotations["org.opencontainers.image.title"] == layer.annotations["org.cncf.model.filepath"]
    assert layer.annotations["org.cncf.model.file.mediatype.untested"] in {"true", "false"}
    metadata = json.loads(layer.annotations["org.cncf.model.file.metadata+json"])
    assert {key: type(value) for key, value in metadata.items()} == {
        "name": str, "mode": int, "uid": int, "gid": int, "size": int, "mtime": str, "typeflag": int,
    }  # fmt: skip
    assert metadata["size"] == layer.size
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["mtime"])


def test_an_entry_lists_every_file(large: Package) -> None:
    records = file_records(large)
    assert [r["path"] for r in records] == large.files()
    assert {r["kind"] for r in records} == {"weight.config", "weight", "code", "doc"}
    for record, content in zip(records, contents(large).values(), strict=True):
        assert record["size"] == len(content)
        assert record["digest"] == str(Digest.of(content))
    assert file_kind("requirements.lock") == "code"


# Hostile artifacts


def raw(path: str | None, kind: str = "doc.v1.raw") -> dict[str, Any]:
    annotations = {} if path is None else {"org.cncf.model.filepath": path}
    return {"media_type": f"application/vnd.cncf.model.{kind}", "annotations": annotations}


@pytest.mark.parametrize(
    ("layer", "content", "said"),
    [
        (raw("../outside"), b"x", "not a part of a path that stays inside"),
        (raw("/etc/outside"), b"x", "it is absolute"),
        (raw("a/../../outside"), b"x", "stays inside"),
        (raw("a\\..\\outside"), b"x", "holds a control character or one of"),
        (raw("a\0b"), b"x", "control character"),
        (raw("con"), b"x", "means something else on Windows"),
        (raw("x" * 300), b"x", "longer than"),
        (raw(""), b"x", "it is empty"),
        (raw(None), b"x", "it is empty"),
        (raw("e\u0301"), b"x", "normal form"),
        (raw("code/model.py"), b"x", "same name where case does not count"),
        (raw("Code/more.py"), b"x", "is also spelt"),
        (raw("PACKAGE.json"), b"x", "same name where case does not count"),
        (raw("code"), b"x", "both a file and a folder"),
        (raw("code/model.py/inner"), b"x", "both a file and a folder"),
        (raw("code/more.py"), b"x", "not listed in package.json"),
        (raw("x", "doc.v1.tar"), b"not a tar", "no tar archive is so short"),
        (raw("x", "doc.v1.tar"), make_tar({"code/model.py": b"x"}), "in the way of something that exists"),
        (raw("x", "doc.v1.tar+gzip"), b"x", "which this modelport cannot read"),
        (raw("x", "../evil.v1.raw"), b"x", "media type|which this modelport cannot read"),
    ],
)
def test_hostile_layers_are_refused(
    layer: dict[str, Any], content: bytes, said: str, packed: Callable[[str], Package], tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "store")
    manifest = layout.manifest(add_package(packed("adder"), layout)[0])
    assert isinstance(manifest, Manifest)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FormatError, match=said):
        unpack_with(layout, manifest, layer, content, tmp_path / "out")
    left = set(tmp_path.rglob("*")) - set(before)
    assert all(one.is_relative_to(tmp_path / "store") for one in left)


def unpack_with(layout: Layout, manifest: Manifest, layer: dict[str, Any], content: bytes, out: Path) -> None:
    more = layout.put_blob(content, media_type=layer["media_type"], annotations=layer["annotations"])
    root = layout.put_manifest(
        build_manifest(manifest.config, [*manifest.layers, more], artifact_type=manifest.artifact_type)
    )
    unpack(layout, root, out)


def test_what_is_no_model_is_refused(packed: Callable[[str], Package], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    manifest = layout.manifest(add_package(packed("adder"), layout)[0])
    assert isinstance(manifest, Manifest)
    other = layout.put_manifest(build_manifest(manifest.config, manifest.layers, artifact_type="application/x"))
    empty = layout.put_manifest(build_index([]))
    nested = layout.put_manifest(build_index([layout.put_manifest(build_index([]))]))
    for root in (other, empty, nested):
        with pytest.raises(FormatError, match="is not a model"):
            unpack(layout, root, tmp_path / "out")
    bare = layout.put_manifest(build_manifest(manifest.config, [], artifact_type=MANIFEST_TYPE))
    with pytest.raises(FormatError, match=r"package\.json is missing"):
        unpack(layout, bare, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_left_alone(packed: Callable[[str], Package], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    manifest, _ = add_package(packed("adder"), layout)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(FormatError, match="is there already"):
        unpack(layout, manifest, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine"]


# The store


def test_a_kept_package_is_found_and_opened(packed: Callable[[str], Package], tmp_path: Path) -> None:
    package, store = packed("adder"), tmp_path / "store"
    assert find_package(store, Reference.parse("adder")) is None
    manifest, index = add_package(package, Layout(store))
    for tag in ("1.2.0", "1.10.0"):
        Layout(store).tag(f"adder:{tag}", index)
    for text in ("adder", "adder:1.2.0", f"adder@{manifest.digest}", f"adder@{index.digest}"):
        found = find_package(store, Reference.parse(text))
        assert found is not None
        assert found.manifest.digest == manifest.digest
    latest = find_package(store, Reference.parse("adder"))
    assert latest is not None
    assert latest.name == "adder:1.10.0"
    for text in ("adder:2.0.0", "other", "adder@sha256:" + "0" * 64):
        assert find_package(store, Reference.parse(text)) is None
    first, second = (open_package(store, latest, tmp_path / "cache") for _ in range(2))
    assert first == second
    assert contents(first) == contents(package)
