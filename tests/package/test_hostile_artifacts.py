"""Packages that mean harm, as artifacts in a store or a registry: nothing of them is left where they were unpacked."""

from __future__ import annotations

import gzip
import io
import json
import stat
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.package.hostile import MEMORY, MIB, SECONDS, tree

from modelport.errors import FormatError
from modelport.oci import Descriptor, Layout, Manifest, Registry, build_index, build_manifest, push
from modelport.package import Package
from modelport.package.modelpack import MANIFEST_TYPE, add_package, unpack
from modelport.package.store import open_package, pull_package
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.package.hostile import Reader
    from tests.support.registry import DockerRegistry


def tar_of(name: str = "x", kind: bytes = tarfile.REGTYPE, content: bytes = b"", **fields: object) -> bytes:
    stream = io.BytesIO()
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def huge(size: bytes) -> bytes:
    """Return a tar whose one header says *size*, in octal."""
    header = bytearray(tar_of()[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + bytes(1024)


def raw(path: str | None) -> dict[str, Any]:
    annotations = {} if path is None else {"org.cncf.model.filepath": path}
    return {"media_type": "application/vnd.cncf.model.doc.v1.raw", "annotations": annotations}


TAR: dict[str, Any] = {"media_type": "application/vnd.cncf.model.doc.v1.tar", "annotations": {}}
GZIP: dict[str, Any] = {"media_type": "application/vnd.cncf.model.doc.v1.tar+gzip", "annotations": {}}
NO_NAME = "cannot be a file's name in an archive"

LAYERS: dict[str, tuple[dict[str, Any], Callable[[], bytes], str]] = {
    "outside": (raw("../outside"), lambda: b"x", f"'../outside' {NO_NAME}"),
    "outside, inside": (raw("code/../../outside"), lambda: b"x", f"'code/../../outside' {NO_NAME}"),
    "absolute": (raw("/etc/cron.d/x"), lambda: b"x", f"'/etc/cron.d/x' {NO_NAME}"),
    "backslash": (raw("code\\..\\..\\x"), lambda: b"x", f"'code\\\\..\\\\..\\\\x' {NO_NAME}"),
    "drive": (raw("c:x"), lambda: b"x", f"'c:x' {NO_NAME}"),
    "network share": (raw("//host/share"), lambda: b"x", f"'//host/share' {NO_NAME}"),
    "NUL": (raw("code/model.py\0.txt"), lambda: b"x", f"'code/model.py\\x00.txt' {NO_NAME}"),
    "reserved": (raw("code/COM1.py"), lambda: b"x", f"'code/COM1.py' {NO_NAME}"),
    "not NFC": (raw("code/e\u0301.py"), lambda: b"x", f"'code/e\u0301.py' {NO_NAME}"),
    "a long name": (raw("/".join(["x" * 200] * 9)), lambda: b"x", "'xxx"),
    "no name": (raw(None), lambda: b"x", f"'' {NO_NAME}"),
    "case twin": (raw("code/Model.py"), lambda: b"x", "'code/Model.py' and 'code/model.py' are the same name"),
    "twice": (raw("code/model.py"), lambda: b"x", "'code/model.py' and 'code/model.py' are the same name"),
    "in a file": (raw("code/model.py/x"), lambda: b"x", "'code/model.py' is both a file and a folder"),
    "not listed": (raw("code/more.py"), lambda: b"x", "OUT is not a package: code/more.py is not listed"),
    "no part": (raw("evil.pth"), lambda: b"import os", "OUT is not a package: evil.pth is no part of a package"),
    "symbolic link": (TAR, lambda: tar_of(kind=tarfile.SYMTYPE, linkname="/etc"), "'x' is a symbolic link"),
    "hard link": (TAR, lambda: tar_of(kind=tarfile.LNKTYPE, linkname="/etc/passwd"), "'x' is a hard link"),
    "device": (TAR, lambda: tar_of(kind=tarfile.CHRTYPE, devmajor=1, devminor=5), "'x' is a device"),
    "disk": (TAR, lambda: tar_of(kind=tarfile.BLKTYPE, devmajor=8), "'x' is a device"),
    "pipe": (TAR, lambda: tar_of(kind=tarfile.FIFOTYPE), "'x' is a pipe"),
    "sparse": (TAR, lambda: tar_of(kind=tarfile.GNUTYPE_SPARSE), "'x' is of an unknown kind"),
    "sparse by pax": (
        TAR,
        lambda: tar_of(pax_headers={"GNU.sparse.size": "1099511627776"}),
        "an extended header holds 'GNU.sparse.size'",
    ),
    "tar outside": (TAR, lambda: tar_of("../outside"), f"'../outside' {NO_NAME}"),
    "tar outside by pax": (TAR, lambda: tar_of("x", pax_headers={"path": "/etc/x"}), f"'/etc/x' {NO_NAME}"),
    "a file of 8 GB": (TAR, lambda: huge(b"77777777777\0"), "'x': more than 100000 members or"),
    "a million files": (TAR, lambda: many(100_001), "'x': more than 100000 members"),
    "cut off": (TAR, lambda: tar_of(content=bytes(40_000))[:30_000], "'x': more than 100000 members or 30000 bytes"),
    "more behind": (TAR, lambda: tar_of(content=b"x") + b"x", "there is something behind the end"),
    "no tar": (TAR, lambda: b"x" * 4096, "this is not a tar archive"),
    "a gzip in a tar's place": (TAR, lambda: gzip.compress(bytes(64 * MIB)), "this is not a tar archive"),
    "a gzip bomb": (
        GZIP,
        lambda: gzip.compress(bytes(64 * MIB)),
        "layer LAYER has the media type application/vnd.cncf.model.doc.v1.tar+gzip",
    ),
    "an unknown kind": (
        dict(TAR, media_type="application/x"),
        lambda: b"x",
        "layer LAYER has the media type application/x",
    ),
}
"""What is put behind the layers of a good artifact, and how the refusal begins."""


def many(count: int) -> bytes:
    return tar_of()[:512] * count + bytes(1024)


@pytest.fixture
def store(coded: Path) -> tuple[Layout, Manifest]:
    """A store with a good artifact, and its manifest; what was packed is gone."""
    layout = Layout(coded.parent / "store")
    manifest = layout.manifest(add_package(Package.read(coded), layout)[0])
    assert isinstance(manifest, Manifest)
    return layout, manifest


def tagged(layout: Layout, manifest: Manifest, *more: Descriptor) -> Descriptor:
    content = build_manifest(manifest.config, [*manifest.layers, *more], artifact_type=MANIFEST_TYPE)
    root = layout.put_manifest(build_index([layout.put_manifest(content)]))
    layout.tag("hostile:1", root)
    return root


def judge_artifact(reader: Reader, layout: Layout, said: str, layer: str) -> None:
    place = layout.path.parent
    before, out = tree(place), place / "out"
    answer = reader.read("artifact", layout.path, out)
    message = answer["said"].replace(layer, "LAYER").replace(str(layout.path), "STORE")
    message = message.removeprefix("layer LAYER: ")
    if " is not a package: " in message:
        message = "OUT" + message[message.index(" is not a package: ") :]
    assert message.startswith(said), answer
    assert answer["stage"] == "read"
    assert answer["seconds"] < SECONDS, answer
    assert answer["memory"] < MEMORY, answer
    assert tree(place) == before


@pytest.mark.parametrize("case", LAYERS)
def test_layers(case: str, store: tuple[Layout, Manifest], reader: Reader) -> None:
    layer, make, said = LAYERS[case]
    layout, manifest = store
    more = layout.put_blob(make(), media_type=layer["media_type"], annotations=layer["annotations"])
    tagged(layout, manifest, more)
    judge_artifact(reader, layout, said, str(more.digest))


def damage(change: Callable[[bytes], bytes]) -> Callable[[Layout, Manifest], str]:
    """Change the bytes of the layer with the code where the store keeps them."""

    def spoil(layout: Layout, manifest: Manifest) -> str:
        layer = next(one for one in manifest.layers if one.annotations["org.cncf.model.filepath"] == "code.tar")
        tagged(layout, manifest)
        file = layout.path / "blobs" / "sha256" / layer.digest.hex
        content = file.read_bytes()
        file.unlink()
        if changed := change(content):
            file.write_bytes(changed)
        return layer.digest.hex

    return spoil


def said_wrongly(**changes: object) -> Callable[[Layout, Manifest], str]:
    """Say of the first layer something else than it is, in a manifest whose own digest is right."""

    def lie(layout: Layout, manifest: Manifest) -> str:
        document = json.loads(build_manifest(manifest.config, manifest.layers, artifact_type=MANIFEST_TYPE))
        document["layers"][0].update(changes)
        raw_manifest = layout.put_blob(json.dumps(document).encode())
        root = layout.put_manifest(
            build_index([replace(raw_manifest, media_type="application/vnd.oci.image.manifest.v1+json")])
        )
        layout.tag("hostile:1", root)
        return manifest.layers[0].digest.hex

    return lie


BLOB = "STORE/blobs/sha256/LAYER: the content is not sha256:LAYER:"
STORES: dict[str, tuple[Callable[[Layout, Manifest], str], str]] = {
    "a layer cut off": (damage(lambda content: content[:-512]), f"{BLOB} it has 9728 bytes with digest sha256:"),
    "a layer that is longer": (
        damage(lambda content: content + b"x"),
        f"{BLOB} it has more than the 10240 bytes promised",
    ),
    "another byte": (damage(lambda content: b"x" + content[1:]), f"{BLOB} it has 10240 bytes with digest sha256:"),
    "a layer that is not there": (damage(lambda _: b""), "STORE: there is no content with digest sha256:LAYER"),
    "a size that is wrong": (said_wrongly(size=1), f"{BLOB} it has more than the 1 bytes promised"),
    "a size without end": (
        said_wrongly(size=2**62),
        f"{BLOB} it has 10240 bytes with digest sha256:LAYER; 4611686018427387904",
    ),
    "a size below nothing": (said_wrongly(size=-1), "manifest.layers[0].size is -1, not a number of bytes"),
    "a digest of nobody": (
        said_wrongly(digest="sha256:" + "0" * 64),
        "STORE: there is no content with digest sha256:000",
    ),
    "a digest that is a path": (
        said_wrongly(digest="sha256:../../../../etc/passwd"),
        "'sha256:../../../../etc/passwd' is not a digest",
    ),
    "a digest by a broken hash": (
        said_wrongly(digest="md5:" + "0" * 32),
        "'md5:00000000000000000000000000000000' is not a digest",
    ),
    "no kind": (said_wrongly(mediaType=None), "manifest.layers[0].mediaType is None, not a media type"),
}


@pytest.mark.parametrize("case", STORES)
def test_stores(case: str, store: tuple[Layout, Manifest], reader: Reader) -> None:
    spoil, said = STORES[case]
    layout, manifest = store
    hexes = spoil(layout, manifest)
    judge_artifact(reader, layout, said, hexes)


def test_modes_and_owners_are_not_taken(store: tuple[Layout, Manifest], tmp_path: Path) -> None:
    layout, manifest = store
    license_ = tar_of("LICENSE", content=b"Do as you please.", mode=0o6777, uid=0, gid=0, uname="root", mtime=2**33)
    more = layout.put_blob(license_, media_type=TAR["media_type"])
    made = unpack(layout, tagged(layout, manifest, more), tmp_path / "out")
    mode = (made.folder / "LICENSE").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH | stat.S_IXUSR)


@pytest.mark.parametrize("case", ["outside", "symbolic link", "not listed", "case twin"])
def test_what_comes_from_a_registry_is_held_to_the_same(
    case: str, store: tuple[Layout, Manifest], docker_registry: DockerRegistry, unique_repository: str, tmp_path: Path
) -> None:
    layer, make, said = LAYERS[case]
    layout, manifest = store
    more = layout.put_blob(make(), media_type=layer["media_type"], annotations=layer["annotations"])
    digest = push(layout, tagged(layout, manifest, more), Registry(docker_registry.host), unique_repository, tags=["1"])
    reference = Reference.parse(f"{docker_registry.host}/{unique_repository}:1@{digest}")
    mine, cache = tmp_path / "mine", tmp_path / "cache"
    kept = pull_package(mine, reference)
    with pytest.raises(FormatError) as caught:
        open_package(mine, kept, cache)
    assert said.replace("OUT", "") in caught.value.message
    assert [one for one in cache.rglob("*") if one.is_file() and one.suffix != ".lock"] == []
    assert not (tmp_path / "mark").exists()
