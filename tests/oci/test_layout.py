"""The store: verified, atomic, safe for many writers, readable by others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.damage import overwrite

from modelport.errors import FormatError, InputError, IntegrityError, NotFoundError
from modelport.oci import Descriptor, Layout, Manifest, build_index, build_manifest
from modelport.oci.media import EMPTY, EMPTY_CONTENT, OCTETS, REF_NAME
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from modelport.oci import Layout, build_manifest
layout, worker = Layout(Path(sys.argv[1])), sys.argv[2]
sys.stdin.readline()  # all start at once
for n in range(10):
    config = layout.put_blob(b"{}")
    layer = layout.put_blob(f"{worker} {n}".encode())
    layout.tag(f"w{worker}:{n}", layout.put_manifest(build_manifest(config, [layer])))
layout.untag(f"w{worker}:0")
"""

FIRST_WRITERS = """
import random, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from modelport.oci import Layout

def write(_):
    for n in range(200):  # all in one fresh folder after the other, not quite at once: some find it half made
        time.sleep(max(0, start + n / 100 - time.time()) + random.random() / 250)
        Layout(folder / str(n)).put_blob(b"first")

folder = Path(sys.argv[1])
print("ready", flush=True)
start = float(sys.stdin.readline())
with ThreadPoolExecutor(4) as pool:
    list(pool.map(write, range(4)))
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def artifact(layout: Layout, content: bytes = b"weights") -> Descriptor:
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    return layout.put_manifest(build_manifest(config, [layout.put_blob(content)], artifact_type="application/x.demo"))


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_first_write_makes_an_image_layout(layout: Layout) -> None:
    blob = layout.put_blob(b"hello")
    assert json.loads((layout.path / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((layout.path / "index.json").read_bytes())["manifests"] == []
    assert (layout.path / "blobs" / "sha256" / blob.digest.hex).read_bytes() == b"hello"
    assert list((layout.path / "ingest").iterdir()) == []


def test_reading_makes_nothing(layout: Layout) -> None:
    assert layout.tags() == {}
    assert not layout.has(Descriptor.of(b""))
    with pytest.raises(NotFoundError):
        layout.resolve("a:1")
    with pytest.raises(NotFoundError):
        layout.read(Descriptor.of(b"x"))
    assert not layout.path.exists()


@settings(max_examples=30, deadline=None)
@given(pieces=st.lists(st.binary(max_size=50), max_size=5))
def test_bytes_files_and_pieces_are_stored_alike(pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, content = tmp_path_factory.mktemp("blob"), b"".join(pieces)
    layout, file = Layout(folder / "store"), folder / "file"
    file.write_bytes(content)
    expected = Descriptor.of(content)
    assert layout.put_blob(content) == layout.put_blob(file) == layout.put_blob(iter(pieces)) == expected
    assert layout.read(expected) == b"".join(layout.chunks(expected)) == layout.locate(expected).read_bytes() == content


def test_a_sha512_blob_is_stored_under_its_algorithm(layout: Layout) -> None:
    expected = Descriptor(media_type=OCTETS, digest=Digest.of(b"x", "sha512"), size=1)
    assert layout.put_blob(b"x", expected=expected) == expected
    assert layout.read(expected) == b"x"


@pytest.mark.parametrize("content", [b"other", b"weight", b"weights!", b""])
def test_content_that_is_not_what_was_expected_is_not_stored(layout: Layout, content: bytes) -> None:
    expected = Descriptor.of(b"weights")
    with pytest.raises(IntegrityError, match=str(expected.digest)):
        layout.put_blob(content, expected=expected)
    assert files_in(layout.path / "blobs") == files_in(layout.path / "ingest") == []


def test_a_source_that_fails_leaves_nothing(layout: Layout) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        layout.put_blob(broken())
    assert files_in(layout.path / "blobs") == files_in(layout.path / "ingest") == []


@pytest.mark.parametrize("damage", [b"weighs!", b"weight", b"weights and more", b""])
def test_a_damaged_blob_is_refused_and_both_digests_are_named(layout: Layout, damage: bytes) -> None:
    blob = layout.put_blob(b"weights")
    overwrite(layout.locate(blob), damage)
    with pytest.raises(IntegrityError, match=str(blob.digest)) as caught:
        layout.read(blob)
    if len(damage) <= blob.size:
        assert str(Digest.of(damage)) in str(caught.value)
    with pytest.raises(IntegrityError):
        layout.locate(blob)
    layout.put_blob(b"weights")  # storing it again repairs it
    assert layout.read(blob) == b"weights"


def test_the_bytes_of_a_damaged_blob_are_never_all_given_out(layout: Layout) -> None:
    blob = layout.put_blob(bytes(3 * 1024 * 1024))
    overwrite(layout.locate(blob), bytes(3 * 1024 * 1024 - 1) + b"!")
    given_out = 0
    with pytest.raises(IntegrityError):  # noqa: PT012 - the loop is what raises
        for chunk in layout.chunks(blob):
            given_out += len(chunk)
    assert given_out < blob.size


def test_manifests_keep_their_bytes(layout: Layout) -> None:
    raw = b' {"config": {"mediaType": "a/b", "digest": "%s", "size": 1}, "layers": [], "schemaVersion": 2}\n'
    raw %= str(Digest.of(b"x")).encode()
    manifest = layout.put_manifest(raw, annotations={"a": "b"})
    assert layout.read(manifest) == raw
    assert manifest.annotations == {"a": "b"}
    assert isinstance(layout.manifest(manifest), Manifest)


def test_what_is_no_manifest_is_not_stored_as_one(layout: Layout) -> None:
    with pytest.raises(FormatError):
        layout.put_manifest(b"{}")
    blob = layout.put_blob(b"{}")
    with pytest.raises(FormatError):
        layout.tag("a:1", blob)
    assert layout.tags() == {}


def test_what_is_too_large_for_a_manifest_is_not_read(layout: Layout) -> None:
    large = layout.put_blob(bytes(5 * 1024 * 1024), media_type=artifact(layout).media_type)
    with pytest.raises(FormatError, match="too large"):
        layout.manifest(large)


def test_many_tags_may_stand_for_one_manifest_and_move(layout: Layout) -> None:
    first, second = artifact(layout, b"1"), artifact(layout, b"2")
    layout.tag("demo:1.0.0", first)
    layout.tag("demo:latest", first)
    layout.tag("demo:latest", second)
    assert layout.tags() == {"demo:1.0.0": first, "demo:latest": second}
    layout.untag("demo:1.0.0")
    assert layout.resolve("demo:latest") == second
    with pytest.raises(NotFoundError, match=r"demo:1\.0\.0"):
        layout.resolve("demo:1.0.0")
    with pytest.raises(NotFoundError):
        layout.untag("demo:1.0.0")


def test_annotations_stay_with_a_tag(layout: Layout) -> None:
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    manifest = layout.put_manifest(build_manifest(config, []), annotations={"org.example": "x"})
    layout.tag("a:1", manifest)
    assert layout.resolve("a:1") == manifest


def test_a_tag_needs_a_name_and_content(layout: Layout) -> None:
    with pytest.raises(FormatError):
        layout.tag("no spaces", artifact(layout))
    with pytest.raises(NotFoundError):
        layout.tag("a:1", Descriptor.of(b"absent", media_type=artifact(layout).media_type))


def test_entries_of_other_tools_are_kept(layout: Layout) -> None:
    manifest = artifact(layout)
    foreign = {**manifest.to_json(), "urls": ["https://example.org"], "annotations": {"x": "y"}}
    untouched = {"schemaVersion": 2, "manifests": [foreign, {**foreign, "annotations": {REF_NAME: "v1"}}]}
    (layout.path / "index.json").write_text(json.dumps(untouched), "utf-8")
    layout.tag("a:1", manifest)
    assert json.loads((layout.path / "index.json").read_bytes())["manifests"][:2] == untouched["manifests"]
    assert list(layout.tags()) == ["a:1", "v1"]


def test_of_two_entries_with_one_name_the_last_counts(layout: Layout) -> None:
    """Other tools append an entry and leave the older one."""
    older, newer = artifact(layout, b"older"), artifact(layout, b"newer")
    listed = [{**one.to_json(), "annotations": {REF_NAME: "v:1"}} for one in (older, newer)]
    (layout.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}), "utf-8")
    assert layout.tags() == {"v:1": newer}
    assert layout.resolve("v:1") == newer
    assert layout.roots() == (older, newer)
    layout.untag("v:1")
    assert layout.roots() == ()


def test_a_newer_layout_is_refused(layout: Layout) -> None:
    artifact(layout)
    (layout.path / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}', "utf-8")
    with pytest.raises(FormatError, match=r"2\.0\.0"):
        layout.tags()
    with pytest.raises(FormatError, match=r"2\.0\.0"):
        layout.put_blob(b"")


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(InputError, match="not empty"):
        Layout(tmp_path).put_blob(b"x")
    with pytest.raises(InputError):
        Layout(tmp_path / "letter.txt").put_blob(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"manifests": {}}', '{"manifests": [1]}'])
def test_a_broken_index_is_named(layout: Layout, content: str) -> None:
    artifact(layout)
    (layout.path / "index.json").write_text(content, "utf-8")
    with pytest.raises(FormatError, match=r"index\.json"):
        layout.tags()


def test_a_missing_index_is_named(layout: Layout) -> None:
    artifact(layout)
    (layout.path / "index.json").unlink()
    with pytest.raises(FormatError, match=r"index\.json"):
        layout.tags()


@pytest.mark.parametrize("present", [[], ["ingest"], ["ingest", "blobs"], ["ingest", "blobs", ".lock", "index.json"]])
def test_a_crash_while_the_layout_is_made_is_no_harm(layout: Layout, present: list[str]) -> None:
    layout.path.mkdir()
    for name in present:
        if name == "index.json":
            (layout.path / name).write_text('{"schemaVersion": 2, "manifests": []}', "utf-8")
        elif name == ".lock":
            (layout.path / name).touch()
        else:
            (layout.path / name).mkdir()
    layout.tag("a:1", artifact(layout))
    assert list(layout.tags()) == ["a:1"]


def test_a_writer_killed_in_the_middle_leaves_the_layout_right(layout: Layout) -> None:
    layout.tag("a:1", artifact(layout))
    before = files_in(layout.path / "blobs")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom modelport.oci import Layout\n"
        "def pieces():\n    yield b'x' * 100\n    print('half', flush=True)\n    signal.pause()\n"
        "Layout(Path(sys.argv[1])).put_blob(pieces())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(layout.path)], stdout=subprocess.PIPE, env=environment()
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        os.kill(writer.pid, signal.SIGKILL)
    assert files_in(layout.path / "blobs") == before
    assert len(files_in(layout.path / "ingest")) == 1  # the left-over, which counts for nothing
    assert list(layout.tags()) == ["a:1"]
    layout.tag("b:1", artifact(layout, b"new"))
    assert list(layout.tags()) == ["a:1", "b:1"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_eight_writing_processes_lose_nothing(layout: Layout) -> None:
    command = [sys.executable, "-c", WRITER, str(layout.path)]
    writers = [
        subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        for n in range(8)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    tags = layout.tags()
    assert set(tags) == {f"w{worker}:{n}" for worker in range(8) for n in range(1, 10)}
    for name, descriptor in tags.items():
        manifest = layout.manifest(descriptor)
        worker, _, number = name[1:].partition(":")
        assert layout.read(manifest.children[1]) == f"{worker} {number}".encode()
    assert files_in(layout.path / "ingest") == []


def test_many_processes_may_write_first(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_WRITERS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment(),
        )
        for _ in range(4)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    start = f"{time.time()}\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(start)
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    for n in range(200):
        layout = Layout(tmp_path / str(n))
        assert layout.read(Descriptor.of(b"first")) == b"first"
        assert layout.tags() == {}


def test_readers_never_see_half_an_index(layout: Layout) -> None:
    manifest = artifact(layout)
    layout.tag("fixed:1", manifest)
    done = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        while not done.is_set():
            seen.append("fixed:1" in layout.tags())

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(30):
        layout.tag(f"moving:{n}", manifest)
    done.set()
    reader.join()
    assert seen
    assert all(seen)


def test_an_index_of_artifacts_can_be_tagged(layout: Layout) -> None:
    index = layout.put_manifest(build_index([artifact(layout)], annotations={"a": "b"}))
    layout.tag("demo:1", index)
    (child,) = layout.manifest(layout.resolve("demo:1")).children
    assert layout.manifest(child).descriptor == artifact(layout)


def test_many_tags_are_set_in_one_step_or_none_is(layout: Layout) -> None:
    first, second, third = (artifact(layout, content) for content in (b"1", b"2", b"3"))
    layout.tag("moving:1", first)
    layout.keep(third)
    written = (layout.path / "index.json").stat().st_ino
    layout.tag_all({"moving:1": second, "a:1": first}, kept=[second, third, second])
    assert layout.tags() == {"a:1": first, "moving:1": second}
    assert layout.roots() == (third, second, first)
    assert (layout.path / "index.json").stat().st_ino != written
    for refused in ({"b:1": first, "c:1": Descriptor.of(b"absent")}, {"b:1": first, "no name": second}):
        with pytest.raises((NotFoundError, FormatError)):
            layout.tag_all(refused)
        assert list(layout.tags()) == ["a:1", "moving:1"]
