"""Checking the store: all that is wrong is found at once, set aside, and fetched again where that can be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact, put_release
from tests.support.counts import record
from tests.support.damage import flip_bit, overwrite

from modelport.errors import FormatError, IntegrityError, NotFoundError
from modelport.oci import Descriptor, Layout, build_index, build_manifest
from modelport.oci.media import EMPTY, EMPTY_CONTENT, MANIFEST, OCTETS
from modelport.oci.store import check as checking
from modelport.oci.store import examine
from modelport.oci.store.check import check
from modelport.oci.store.gc import collect_garbage
from modelport.oci.store.tags import PARTIAL
from modelport.oci.walk import reachable
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable

FLIPS = 300


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def kinds(layout: Layout) -> list[tuple[str, str]]:
    return [(finding.kind, finding.what) for finding in check(layout).findings]


def test_nothing_is_wrong_with_a_store_that_is_right(layout: Layout) -> None:
    assert check(layout).findings == []
    assert not layout.path.exists()
    index = put_release(layout, b"a", b"b")
    layout.tag("a:1", index)
    report = check(layout)
    assert report.findings == []
    assert report.leftovers == report.quarantined == report.foreign == []
    nodes = reachable(index, layout.read)
    assert (report.blobs, report.bytes) == (len(nodes), sum(node.size for node in nodes))


def test_every_flipped_bit_is_found_and_none_is_served(layout: Layout) -> None:
    """300 objects of many sizes: each has one bit flipped, each is found, and none is given to anybody."""
    chosen = random.Random(5)  # noqa: S311 - no secret
    blobs = [layout.put_blob(chosen.randbytes(chosen.choice([8, 9, 100, 5000, 70_000]))) for _ in range(FLIPS - 60)]
    blobs += [layout.put_blob(chosen.randbytes(64), algorithm="sha512") for _ in range(30)]
    for n in range(15):
        manifest = put_artifact(layout, f"layer {n}".encode())
        layout.tag(f"a:{n}", manifest)
        blobs += [manifest, Descriptor.of(f"layer {n}".encode())]
    assert len(set(blobs)) == FLIPS
    intact = layout.put_blob(b"intact")
    for blob in blobs:
        flip_bit(layout.file(blob), chosen.randrange(8 * blob.size))
    refused = 0
    for blob in blobs:
        for read in (layout.read, layout.locate):
            with pytest.raises(IntegrityError, match=str(blob.digest)):
                read(blob)
            refused += 1
        with pytest.raises(IntegrityError, match=str(blob.digest)):
            layout.checkout(blob, layout.path.parent / "out")
        assert not (layout.path.parent / "out").exists()
    found = {finding.what for finding in check(layout).findings if finding.kind == "damaged"}
    assert found == {str(blob.digest) for blob in blobs}
    for blob in blobs:
        with pytest.raises(NotFoundError):
            layout.read(blob)
    assert len(list((layout.path / "quarantine").iterdir())) == FLIPS
    assert layout.read(intact) == b"intact"
    how = "pytest tests/oci/test_check.py -k flipped"
    record("flipped bits in stored objects, all found by store check, none served", len(found), "objects", FLIPS, how)


def test_all_problems_are_told_at_once(layout: Layout) -> None:
    first, second, dangling = (put_artifact(layout, name) for name in (b"first", b"second", b"third"))
    layout.tag("first:1", first)
    layout.tag("both:1", layout.put_manifest(build_index([first, second])))
    layout.tag("dangling:1", dangling)
    layout.file(Descriptor.of(b"first")).unlink()
    overwrite(layout.file(Descriptor.of(b"second")), b"seconX")
    layout.file(dangling).unlink()
    loose = layout.put_blob(b"needed by nobody")
    overwrite(layout.file(loose), b"cut")
    report = check(layout)
    found = {(finding.kind, finding.what): finding for finding in report.findings}
    lost, bad = str(Descriptor.of(b"first").digest), str(Descriptor.of(b"second").digest)
    assert set(found) == {
        ("missing", lost), ("damaged", bad), ("missing", str(dangling.digest)), ("damaged", str(loose.digest))
    }  # fmt: skip
    assert found["missing", lost].tags == ["first:1", "both:1"]
    assert str(first.digest) in str(found["missing", lost])
    assert str(Digest.of(b"seconX")) in str(found["damaged", bad])
    assert found["damaged", bad].tags == ["both:1"]
    assert "the tag dangling:1" in str(found["missing", str(dangling.digest)])
    assert "nothing here needs it" in str(found["damaged", str(loose.digest)])
    assert {path.read_bytes() for path in report.quarantined} == {b"seconX", b"cut"}


def test_what_is_listed_wrongly_is_told(layout: Layout) -> None:
    config, blob = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY), layout.put_blob(b"12345")
    wrong_size = Descriptor(media_type=OCTETS, digest=blob.digest, size=4)
    layout.tag("size:1", layout.put_manifest(build_manifest(config, [wrong_size])))
    no_manifest = Descriptor(media_type=MANIFEST, digest=blob.digest, size=5)
    layout.tag("type:1", layout.put_manifest(build_index([no_manifest])))
    report = check(layout)
    assert [finding.kind for finding in report.findings] == ["listing", "listing"]
    assert "5 bytes, but is listed with 4" in str(report.findings[0])
    assert "no manifest, but is listed as" in str(report.findings[1])
    assert layout.read(blob) == b"12345"


def test_a_damaged_list_of_tags_is_told_with_all_else(layout: Layout) -> None:
    layout.tag("a:1", put_artifact(layout, b"a"))
    blob = layout.put_blob(b"b")
    overwrite(layout.file(blob), b"X")
    index = layout.path / "index.json"
    index.write_bytes(index.read_bytes().replace(b'"size"', b'"sizX"'))
    assert {kind for kind, _ in kinds(layout)} == {"index", "damaged"}
    index.write_bytes(b"{")
    assert kinds(layout) == [("index", "index.json")]


def test_leftovers_and_files_of_others_are_told_and_left(layout: Layout) -> None:
    layout.put_blob(b"x")
    leftover, foreign = layout.path / "ingest" / "new-dead", layout.path / "blobs" / "sha256" / "notes.txt"
    leftover.touch()
    foreign.touch()
    report = check(layout)
    assert (report.findings, report.leftovers, report.foreign) == ([], [leftover], [foreign])


def test_what_was_left_out_on_purpose_is_not_lost_and_what_was_lost_is(layout: Layout) -> None:
    manifest = put_artifact(layout, b"wanted", b"left out", b"lost")
    left_out = Descriptor.of(b"left out")
    partial = Descriptor(
        media_type=manifest.media_type,
        digest=manifest.digest,
        size=manifest.size,
        annotations={PARTIAL: str(left_out.digest)},
    )
    layout.tag("a:1", partial)
    for content in (b"left out", b"lost"):
        layout.file(Descriptor.of(content)).unlink()
    assert kinds(layout) == [("missing", str(Descriptor.of(b"lost").digest))]
    layout.tag("whole:1", manifest)
    assert len(kinds(layout)) == 2


def test_the_content_of_referrers_is_checked(layout: Layout) -> None:
    subject = put_artifact(layout, b"model")
    layout.tag("a:1", subject)
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    layout.keep(layout.put_manifest(build_manifest(config, [layout.put_blob(b"evidence")], subject=subject)))
    layout.file(Descriptor.of(b"evidence")).unlink()
    finding = check(layout).findings[0]
    assert (finding.kind, finding.what) == ("missing", str(Descriptor.of(b"evidence").digest))
    assert "a:1" in finding.tags


def test_repair_brings_back_whole_trees(layout: Layout, tmp_path: Path) -> None:
    source = Layout(tmp_path / "source")
    for store in (layout, source):
        index = put_release(store, b"one", b"two")
        store.tag("a:1", store.put_manifest(build_index([index])))
    root = layout.resolve("a:1")
    for n, node in enumerate(reachable(root, layout.read)):
        if n % 2:
            layout.file(node).unlink()
        else:
            flip_bit(layout.file(node), 3)
    asked: list[str] = []

    def fetch(tag: str, wanted: Descriptor) -> Iterable[bytes]:
        asked.append(tag)
        return source.chunks(wanted)

    report = check(layout, fetch=fetch)
    assert report.findings == []
    assert {str(digest) for digest in report.repaired} == {str(n.digest) for n in reachable(root, source.read)}
    assert set(asked) == {"a:1"}
    assert kinds(layout) == []


def test_what_cannot_be_had_or_is_something_else_is_told(layout: Layout) -> None:
    manifest = put_artifact(layout, b"absent", b"wrong", b"found")
    layout.tag("other:1", manifest)
    layout.tag("a:1", manifest)
    for content in (b"absent", b"wrong", b"found"):
        layout.file(Descriptor.of(content)).unlink()

    def fetch(tag: str, wanted: Descriptor) -> Iterable[bytes]:
        if tag == "other:1" or wanted == Descriptor.of(b"absent", annotations=wanted.annotations):
            raise NotFoundError(f"{tag} has none")
        return [b"found"]

    report = check(layout, fetch=fetch)
    assert report.repaired == [Descriptor.of(b"found").digest]
    said = {finding.what: finding.why for finding in report.findings}
    assert "could not be fetched: a:1 has none" in said[str(Descriptor.of(b"absent").digest)]
    assert str(Descriptor.of(b"found").digest) in said[str(Descriptor.of(b"wrong").digest)]


def test_a_blob_that_is_put_anew_while_it_is_hashed_is_not_set_aside(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = layout.put_blob(b"right")
    overwrite(layout.file(blob), b"wrong")
    set_aside = examine._set_aside

    def late(*arguments: object) -> object:
        monkeypatch.undo()
        layout.put_blob(b"right")
        return set_aside(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(examine, "_set_aside", late)
    assert kinds(layout) == []
    assert layout.read(blob) == b"right"
    assert not any((layout.path / "quarantine").iterdir())


def test_a_layout_of_a_newer_version_is_left_alone(layout: Layout) -> None:
    blob = layout.put_blob(b"x")
    overwrite(layout.file(blob), b"y")
    (layout.path / "oci-layout").write_bytes(b'{"imageLayoutVersion": "2.0.0"}')
    with pytest.raises(FormatError, match=r"2\.0\.0"):
        check(layout)
    assert (layout.path / "blobs" / "sha256" / blob.digest.hex).read_bytes() == b"y"


def test_after_a_check_garbage_can_be_collected_again(layout: Layout) -> None:
    layout.tag("a:1", put_artifact(layout, b"a"))
    loose = put_artifact(layout, b"loose")
    flip_bit(layout.file(loose), 0)
    with pytest.raises(IntegrityError):
        collect_garbage(layout, grace=0)
    check(layout)
    assert len(collect_garbage(layout, grace=0).blobs) == 1
    assert len(list((layout.path / "quarantine").iterdir())) == 1  # never deleted


def test_referrers_are_looked_for_once_and_not_for_every_tag(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 10,000 tags that was most of a minute."""
    for n in range(20):
        layout.tag(f"many:{n}", put_artifact(layout, f"{n}".encode()))
    looked, referrers = [], checking._Examination._referrers

    def look(examination: checking._Examination) -> object:
        looked.append(1)
        return referrers(examination)

    monkeypatch.setattr(checking._Examination, "_referrers", look)
    assert check(layout).findings == []
    assert len(looked) == 1


HASH = """
import sys
from pathlib import Path
from modelport.oci import Descriptor, Layout
from modelport.oci.plan import _sound
from modelport.oci.store.check import check
from modelport.types import Digest

layout = Layout(Path(sys.argv[1]))
if sys.argv[2] == "check":
    check(layout)
else:
    _sound(layout, [Descriptor(media_type="a/b", digest=Digest("sha256", "ab" * 32), size=1 << 40)])
"""


@pytest.mark.parametrize("command", ["check", "plan"])
def test_hashing_can_be_interrupted(command: str, layout: Layout) -> None:
    """A file of a TiB, a hole, takes many minutes; an interrupt ends that at its next piece."""
    hole = layout.file(layout.put_blob(b"x")).with_name("ab" * 32)
    hole.touch()
    os.truncate(hole, 1 << 40)
    # Where the tests run in the background of a shell, interrupts are ignored, and what they start inherits that.
    program = ["env", "--default-signal=INT", sys.executable, "-c", HASH, str(layout.path), command]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as running:
        try:
            while not is_reading(running.pid, hole):
                assert running.poll() is None
                time.sleep(0.01)
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=30)
        finally:
            running.kill()
    assert "KeyboardInterrupt" in said
    assert hole.exists()


def is_reading(pid: int, file: Path) -> bool:
    """Tell whether a process has the file open."""
    try:
        return any(fd.readlink() == file for fd in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # closed while this looked
        return False
