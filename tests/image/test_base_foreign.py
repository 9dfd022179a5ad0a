"""Bases that others made: any image with the right Python will do, and what will not do is said, never a traceback."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from modelport.errors import FormatError, InputError, NotFoundError
from modelport.image.bases import bring_base
from modelport.oci import Layout, Platform, build_manifest
from modelport.package.store import Access

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.image.bases import Base

AMD64 = Platform("linux", "amd64")
TAR = "application/vnd.oci.image.layer.v1.tar"
DOCKER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PYTHON = {"usr/local/bin/python3.11": b"", "usr/local/bin/python3.12": b"", "var/lib/dpkg/status.d/x": b"Package: x\n"}


def tar(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path, raw in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return content.getvalue()


def made(folder: Path, layers: Sequence[bytes], *, media_type: str = TAR, **config: Any) -> Path:  # noqa: ANN401 - any JSON
    """Make a layout that holds one image, not an index; *config* goes over what is right in its config."""
    layout = Layout(folder / "base")
    blobs = [layout.put_blob(raw, media_type=media_type) for raw in layers]
    diff_ids = [f"sha256:{hashlib.sha256(raw).hexdigest()}" for raw in layers]
    right = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}, "config": {}}
    about = layout.put_blob(json.dumps(right | config).encode(), media_type="application/vnd.oci.image.config.v1+json")
    layout.tag("base:3.11", layout.put_manifest(build_manifest(about, blobs)))
    return layout.path


def brought(folder: Path, base: Path | str) -> Base:
    return bring_base(str(base), AMD64, "3.11", Layout(folder / "store"), Access(), protect=str)


def test_an_image_of_dockers_own_kind_becomes_one_of_ocis(tmp_path: Path) -> None:
    base = made(tmp_path, [gzip.compress(tar(PYTHON))], media_type=DOCKER, config=None)
    found = brought(tmp_path, base)
    assert [one.media_type for one in found.layers] == [f"{TAR}+gzip"]
    assert (found.python, found.variables) == ("/usr/local/bin/python3.11", ())
    assert [one.name for one in found.packages] == ["x"]


def test_an_image_for_one_platform_is_not_taken_for_another(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing for linux/amd64, only linux/arm64"):
        brought(tmp_path, made(tmp_path, [tar(PYTHON)], architecture="arm64"))


@pytest.mark.parametrize(
    "layer", [b"no tar" * 200, gzip.compress(tar(PYTHON))[:-30], tar(PYTHON)[:400], b"\x1f\x8b\x08", b""]
)
def test_a_layer_that_cannot_be_read_is_said(tmp_path: Path, layer: bytes) -> None:
    with pytest.raises(FormatError, match="no tar that can be read"):
        brought(tmp_path, made(tmp_path, [layer]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rootfs": None}, {"rootfs": {}}, {"rootfs": {"diff_ids": {"a": 1}}}, {"rootfs": {"diff_ids": [1]}},
        {"rootfs": {"diff_ids": ["md5:0"]}}, {"rootfs": {"diff_ids": []}}, {"config": []}, {"config": {"Env": "A=1"}},
        {"config": {"Env": [1]}}, {"os": None}, {"architecture": 3},
    ],
)  # fmt: skip
def test_a_config_that_is_of_no_image_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        brought(tmp_path, made(tmp_path, [tar(PYTHON)], **wrong))


@pytest.mark.parametrize(
    "upper", ["usr/local/bin/.wh.python3.11", "usr/.wh.local", "./usr/local/.wh..wh..opq", ".wh..wh..opq"]
)
def test_what_a_later_layer_removes_is_not_there(tmp_path: Path, upper: str) -> None:
    with pytest.raises(NotFoundError, match=r"no Python 3\.11"):
        brought(tmp_path, made(tmp_path, [tar(PYTHON), tar({upper: b""})]))


def test_an_opaque_folder_keeps_what_its_own_layer_brings(tmp_path: Path) -> None:
    upper = tar({"usr/local/bin/.wh..wh..opq": b"", "usr/local/bin/python3.11": b""})
    assert brought(tmp_path, made(tmp_path, [tar(PYTHON), upper])).python == "/usr/local/bin/python3.11"


def test_a_base_made_with_musl_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="musl"):
        brought(tmp_path, made(tmp_path, [tar(PYTHON | {"lib/ld-musl-x86_64.so.1": b""})]))


@pytest.mark.parametrize("text", ["python:3.11-slim", "library/python:3.11", "build/none", "/nowhere/base"])
def test_what_is_neither_a_layout_nor_a_whole_reference_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="no image layout") as caught:
        brought(tmp_path, text)
    assert "docker.io/library/" in caught.value.hint
