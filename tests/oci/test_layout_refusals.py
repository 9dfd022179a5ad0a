"""What the system refuses the store: each refusal names the file, the reason and the way out, and leaves it right."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelport.errors import InputError, ModelportError, NotFoundError, SetupError
from modelport.oci import Descriptor, Layout, build_manifest
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage
from modelport.oci.store.ingest import open_part
from modelport.oci.store.uploads import Session, open_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
BLOB = Descriptor.of(b"weights")


@pytest.fixture
def layout() -> Iterator[Layout]:
    """Give a store with the tag a:1, in a folder that every user may enter (``tmp_path`` is its owner's)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    made = Layout(folder / "store")
    tag(made, "a:1")
    yield made
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def tag(layout: Layout, name: str, content: bytes = b"weights") -> Descriptor:
    blob = layout.put_blob(content)
    manifest = layout.put_manifest(build_manifest(layout.put_blob(b"{}"), [blob]))
    layout.tag(name, manifest)
    return manifest


@contextmanager
def without_rights() -> Iterator[None]:
    """Act as a user whom modes hold back, which root is not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_part_that_may_not_be_made_is_refused_for_that_reason(layout: Layout) -> None:
    (layout.path / "ingest").chmod(0o555)
    layout.path.chmod(0o755)
    part = open_part(layout, Descriptor.of(b"new"), lambda _: None)
    with without_rights(), pytest.raises(SetupError, match="Permission denied") as caught, part:
        pass
    assert "get the right" in caught.value.hint


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def refused(action: Callable[[], object], *words: str) -> ModelportError:
    with pytest.raises((SetupError, InputError)) as caught:
        action()
    for word in words:
        assert word in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("name", ["index.json", "oci-layout"])
def test_a_folder_in_the_place_of_a_file(layout: Layout, name: str) -> None:
    file = layout.path / name
    file.unlink()
    file.mkdir()
    words = (str(file), "Is a directory")
    refused(layout.tags, *words)
    refused(lambda: layout.resolve("a:1"), *words)
    refused(lambda: tag(layout, "b:1"), *words)
    assert file.is_dir()


def test_a_folder_in_the_place_of_a_blob(layout: Layout) -> None:
    file = layout.locate(BLOB)
    file.unlink()
    file.mkdir()
    with pytest.raises(NotFoundError):
        layout.read(BLOB)
    refused(lambda: layout.put_blob(b"weights"), BLOB.digest.hex, "Is a directory")
    assert files_in(layout.path / "ingest") == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_store(tmp_path: Path, below: str) -> None:
    file = tmp_path / "store"
    file.write_bytes(b"dear")
    layout = Layout(file / below)
    for action in (layout.tags, lambda: layout.put_blob(b"x"), lambda: layout.read(BLOB), lambda: layout.has(BLOB)):
        error = refused(action, str(layout.path), "not a folder")
        assert "MODELPORT_STORE" in error.hint
    assert file.read_bytes() == b"dear"


def test_a_store_that_may_not_be_read(layout: Layout) -> None:
    manifest = layout.resolve("a:1")
    layout.path.chmod(0)
    with without_rights():
        words = (str(layout.path), "Permission denied")
        for action in (
            layout.tags,
            lambda: layout.has(BLOB),
            lambda: layout.read(BLOB),
            lambda: layout.manifest(manifest),
            lambda: layout.put_blob(b"x"),
            lambda: layout.untag("a:1"),
        ):
            assert "right" in refused(action, *words).hint


@pytest.mark.parametrize("name", ["index.json", "oci-layout", "blob"])
def test_a_file_that_may_not_be_read(layout: Layout, name: str) -> None:
    file = layout.locate(BLOB) if name == "blob" else layout.path / name
    file.chmod(0)
    with without_rights():
        refused((lambda: layout.read(BLOB)) if name == "blob" else layout.tags, str(file), "Permission denied")


def test_a_store_that_may_only_be_read(layout: Layout) -> None:
    before = files_in(layout.path)
    manifest = layout.resolve("a:1")
    for path in [layout.path, *layout.path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    with without_rights():
        assert list(layout.tags()) == ["a:1"]
        assert layout.read(BLOB) == b"weights"
        for action in (
            lambda: layout.put_blob(b"x"),
            lambda: layout.tag("b:1", manifest),
            lambda: layout.untag("a:1"),
            lambda: Layout(layout.path / "blobs" / "new").put_blob(b"x"),
        ):
            assert "right" in refused(action, str(layout.path), "Permission denied").hint
    assert files_in(layout.path) == before


def test_a_source_that_cannot_be_read_is_not_the_store_s_fault(layout: Layout, tmp_path: Path) -> None:
    for source, why in ((tmp_path, "Is a directory"), (tmp_path / "absent", "No such file")):
        error = refused(lambda source=source: layout.put_blob(source), str(source), "cannot be read", why)  # type: ignore[misc]
        assert str(layout.path) not in error.message
    assert files_in(layout.path / "ingest") == []


def test_a_missing_blob_keeps_no_other_tag_from_being_listed(layout: Layout) -> None:
    lost = tag(layout, "b:1", b"other")
    layout.locate(lost).unlink()
    assert list(layout.tags()) == ["a:1", "b:1"]
    assert layout.read(layout.resolve("a:1"))
    with pytest.raises(NotFoundError, match=str(lost.digest)) as caught:
        layout.manifest(layout.resolve("b:1"))
    assert caught.value.hint


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk; the test with a limit on files' sizes stands for this one")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_half_visible(small_disk: Path) -> None:
    layout = Layout(small_disk / "store")
    tag(layout, "a:1")
    before = files_in(layout.path)
    for source in (bytes(2 * 1024 * 1024), (bytes(1000) for _ in range(2000))):
        error = refused(lambda source=source: layout.put_blob(source), str(layout.path), "No space left")  # type: ignore[misc]
        assert "space" in error.hint
        assert files_in(layout.path) == before
    # What still fits is stored; then even the list of tags finds no room, and stays what it was.
    (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    refused(lambda: layout.tag("b:1", layout.resolve("a:1")), "No space left")
    assert list(layout.tags()) == ["a:1"]
    assert files_in(layout.path) == before
    (small_disk / "ballast").unlink()
    tag(layout, "b:1")
    assert list(layout.tags()) == ["a:1", "b:1"]


LIMITED = """
import resource, sys
from pathlib import Path
from modelport.errors import SetupError
from modelport.oci import Layout
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
for source in (bytes(200_000), (bytes(1000) for _ in range(200))):
    try:
        Layout(Path(sys.argv[1])).put_blob(source)
    except SetupError as error:
        print(error.message)
        assert error.hint
"""


def test_a_file_that_may_not_grow_leaves_nothing(layout: Layout) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    before = files_in(layout.path)
    # What measures coverage writes a file of its own, which is longer than the limit.
    plain = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {**plain, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(layout.path)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("File too large") == done.stdout.count(str(layout.path)) == 2
    assert files_in(layout.path) == before


# Links


def _open_part(layout: Layout, blob: Descriptor) -> None:
    with open_part(layout, blob, lambda _: None) as part:
        part.write(memoryview(b"harm"))


def _note(layout: Layout, blob: Descriptor) -> None:
    with open_part(layout, blob, lambda _: None) as part:
        part.note("registry.example/demo", None)


def _record(layout: Layout, blob: Descriptor) -> None:
    with open_record(layout, "registry.example", "demo", blob, lambda: pytest.fail("nobody holds it")) as record:
        record.note(Session("https://registry.example", 0))


def _put(layout: Layout, _: Descriptor) -> None:
    layout.put_blob(b"more")


def _tag(layout: Layout, _: Descriptor) -> None:
    tag(layout, f"new:{len(layout.tags())}")


LINKED = {
    "a part": (_open_part, "ingest", ".part"),
    "what is known of a part": (_note, "ingest", ".json"),
    "the record of an upload": (_record, "ingest", ".json"),
    "the lock": (_tag, ".", ".lock"),
    "the lock of gc": (_put, ".", ".sweep"),
}


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("what", LINKED)
def test_no_symbolic_link_is_written_through(*, what: str, exists: bool, layout: Layout, tmp_path: Path) -> None:
    """Whoever may write in the store's folder could lead it to any file of the user who works on it."""
    work, folder, ending = LINKED[what]
    blob, victim = Descriptor.of(b"something that is to come"), tmp_path / "victim"
    work(layout, blob)
    (place,) = [path for path in (layout.path / folder).iterdir() if path.name.endswith(ending)]
    place.unlink()
    place.symlink_to(victim)
    if exists:
        victim.write_bytes(b"mine")
    with pytest.raises(SetupError, match="a symbolic link is there") as caught:
        work(layout, blob)
    assert str(place) in caught.value.message
    assert "move away" in caught.value.hint
    assert victim.exists() == exists
    assert not exists or victim.read_bytes() == b"mine"


def test_links_and_pipes_among_what_was_left_are_collected(layout: Layout, tmp_path: Path) -> None:
    layout.put_blob(b"x")
    (tmp_path / "victim").write_bytes(b"mine")
    link, pipe = (layout.path / "ingest" / f"sha256-{hex_ * 64}.part" for hex_ in "ab")
    link.symlink_to(tmp_path / "victim")
    os.mkfifo(pipe)
    assert check(layout).findings == []
    assert set(collect_garbage(layout, grace=0).leftovers) == {link, pipe}
    assert not link.is_symlink()
    assert not pipe.exists()
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_a_pipe_in_the_place_of_a_part_is_refused(layout: Layout) -> None:
    blob = Descriptor.of(b"something")
    os.mkfifo(layout.ingest() / f"sha256-{blob.digest.hex}.part")
    with pytest.raises(SetupError, match="no regular file"):
        _open_part(layout, blob)
