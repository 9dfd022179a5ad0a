"""A disk that becomes full, in bytes or in files, at every moment of an operation; and files that share their bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact
from tests.support.counts import record
from tests.support.damage import overwrite

from modelport.errors import IntegrityError, NotFoundError, SetupError
from modelport.oci import Descriptor, Layout
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIB = 1024
STEPS = 64
STEP = 4 * KIB
LAYERS = [bytes([n]) * (20 * KIB + n) for n in range(8)]
INODES = range(30)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 2 MiB and 200 files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = "size=2m,nr_inodes=200"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode:  # noqa: PLW1510
        pytest.skip("this user may not mount a disk; the crash points with ENOSPC stand for this one")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def pack(layout: Layout) -> None:
    layout.tag("new:1", put_artifact(layout, *LAYERS))


def refused_packing(layout: Layout) -> SetupError | None:
    try:
        pack(layout)
    except SetupError as error:
        return error
    return None


def check_old(layout: Layout) -> None:
    """Check that nothing that has a name is missing or wrong, and that what was there is."""
    assert check(layout).findings == []
    assert layout.read(Descriptor.of(b"old")) == b"old"
    assert "old:1" in layout.tags()


@pytest.mark.parametrize("what", ["bytes", "files"])
def test_a_disk_that_is_full_at_any_moment_harms_nothing(disk: Path, what: str) -> None:
    refused = 0
    steps = [n * STEP for n in range(STEPS)] if what == "bytes" else list(INODES)
    for room in steps:
        layout, ballast = Layout(disk / "store"), disk / "ballast"
        layout.tag("old:1", put_artifact(layout, b"old"))
        ballast.mkdir()
        status = os.statvfs(disk)
        if what == "bytes":
            with (ballast / "bytes").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_frsize - room))
        else:
            for n in range(max(0, status.f_favail - room)):
                (ballast / str(n)).touch()
        refusal = refused_packing(layout)
        if refusal:
            refused += 1
            assert "No space left on device" in refusal.message
            assert "free some space" in refusal.hint
            assert "new:1" not in layout.tags()
        check_old(layout)
        shutil.rmtree(ballast)
        pack(layout)
        check_old(layout)
        assert list((layout.path / "ingest").iterdir()) == []
        shutil.rmtree(layout.path)
    assert 0 < refused < len(steps)
    how = "pytest tests/oci/test_store_space.py"
    record(f"disks full of {what}, nothing lost", refused, "disks", 10, how)


def test_garbage_is_collected_on_a_disk_that_is_full(disk: Path) -> None:
    layout = Layout(disk / "store")
    layout.tag("old:1", put_artifact(layout, b"old"))
    put_artifact(layout, *LAYERS)
    status = os.statvfs(disk)
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize)
    assert len(collect_garbage(layout, grace=0).blobs) == len(LAYERS) + 1
    check_old(layout)


# Checkout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


@pytest.mark.parametrize("read_only", [False, True])
def test_checked_out_content_is_verified(layout: Layout, tmp_path: Path, *, read_only: bool) -> None:
    blob, target = layout.put_blob(b"content"), tmp_path / "file"
    layout.checkout(blob, target, read_only=read_only)
    assert target.read_bytes() == b"content"
    assert target.samefile(layout.file(blob)) == read_only
    with pytest.raises(SetupError):
        layout.checkout(blob, target, read_only=read_only)
    assert target.read_bytes() == b"content"
    target.unlink()
    overwrite(layout.file(blob), b"Content")
    with pytest.raises(IntegrityError):
        layout.checkout(blob, target, read_only=read_only)
    layout.file(blob).unlink()
    with pytest.raises(NotFoundError):
        layout.checkout(blob, target, read_only=read_only)
    assert not target.exists()


def test_what_happens_to_a_file_that_was_checked_out_or_put_does_not_reach_the_store(
    layout: Layout, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")
    blob = layout.put_blob(source)
    layout.checkout(blob, target)
    for file in (source, target):
        with file.open("r+b") as opened:
            opened.write(b"CONTENT")
    assert layout.read(blob) == b"content"


def test_a_hard_link_goes_where_there_is_no_other_file_system(layout: Layout, disk: Path) -> None:
    blob = layout.put_blob(b"content")
    layout.checkout(blob, disk / "file", read_only=True)  # copied
    assert (disk / "file").read_bytes() == b"content"


@pytest.fixture
def cloning_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 MiB whose file system can clone: a Btrfs in a file."""
    image, folder = tmp_path / "image", tmp_path / "btrfs"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(128 * KIB * KIB)
    program = shutil.which("mkfs.btrfs") or "/usr/sbin/mkfs.btrfs"
    subprocess.run([program, "-q", image], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_clones_share_their_bytes_and_go_their_own_ways(cloning_disk: Path) -> None:
    """Six copies of a file of a fourth of the disk: there is room for them only because they are clones."""
    source, layout = cloning_disk / "source", Layout(cloning_disk / "store")
    size = os.statvfs(cloning_disk).f_bavail * os.statvfs(cloning_disk).f_frsize // 4
    source.write_bytes(os.urandom(size))
    blob = layout.put_blob(source)
    assert blob == Descriptor.of(source.read_bytes())
    layout.put_blob(source, expected=blob)
    targets = [cloning_disk / f"target {n}" for n in range(4)]
    for target in targets:
        layout.checkout(blob, target)
    for file in (source, *targets):
        with file.open("r+b") as opened:
            opened.write(b"changed")
    assert layout.is_sound(blob)
    overwrite(layout.file(blob), b"damaged")
    with pytest.raises(IntegrityError):
        layout.checkout(blob, cloning_disk / "new")
    assert not (cloning_disk / "new").exists()
    wrong = Descriptor.of(b"something else")
    with pytest.raises(IntegrityError):
        layout.put_blob(source, expected=wrong)
    assert not layout.has(wrong)
    assert list((layout.path / "ingest").iterdir()) == []


def test_content_is_read_only(layout: Layout) -> None:
    manifest = put_artifact(layout, b"content")
    layout.tag("a:1", manifest)
    assert layout.file(manifest).stat().st_mode & 0o777 == 0o444
    assert (layout.path / "index.json").stat().st_mode & 0o777 == 0o644


def test_sha512_content_and_manifests(layout: Layout) -> None:
    blob = layout.put_blob(b"content", algorithm="sha512")
    manifest = layout.put_manifest(layout.read(put_artifact(layout, b"x")), algorithm="sha512")
    layout.tag("a:1", manifest)
    assert {blob.digest.algorithm, layout.resolve("a:1").digest.algorithm} == {"sha512"}
    assert layout.read(blob) == b"content"
    assert check(layout).findings == []
    collect_garbage(layout, grace=0)
    assert not layout.has(blob)
    assert layout.is_sound(manifest)
