"""Garbage collection: what is needed stays, what is not goes, and what cannot be known stops it."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.support.artifacts import put_artifact, put_release

from modelport.errors import FormatError, IntegrityError, NotFoundError
from modelport.oci import Descriptor, Layout, build_index, build_manifest
from modelport.oci.media import EMPTY, EMPTY_CONTENT
from modelport.oci.store import gc
from modelport.oci.store.gc import GRACE, RESUMABLE, Garbage, collect_garbage
from modelport.oci.store.tags import PARTIAL
from modelport.oci.walk import reachable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def collect(layout: Layout) -> Garbage:
    """Collect as if everything were old."""
    return collect_garbage(layout, grace=0)


def stored(layout: Layout) -> set[str]:
    return {path.name for path in (layout.path / "blobs").rglob("*") if path.is_file()}


def needs(layout: Layout, *roots: Descriptor) -> set[str]:
    return {node.digest.hex for root in roots for node in reachable(root, layout.read)}


def about(layout: Layout, subject: Descriptor, content: bytes) -> Descriptor:
    """Store a referrer of *subject*."""
    config = layout.put_blob(EMPTY_CONTENT, media_type=EMPTY)
    return layout.put_manifest(build_manifest(config, [layout.put_blob(content)], subject=subject))


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def make_old(layout: Layout) -> None:
    """Let all content be two weeks old."""
    for path in (layout.path / "blobs").rglob("*"):
        age(path, 2 * RESUMABLE)


def test_what_a_tag_needs_stays_and_the_rest_goes(layout: Layout) -> None:
    kept, dropped = put_release(layout, b"a", b"b"), put_release(layout, b"b", b"c", b"d")
    layout.tag("kept:1", kept)
    layout.tag("dropped:1", dropped)
    assert collect(layout).blobs == {}
    layout.untag("dropped:1")
    before, sizes = stored(layout), {p.name: p.stat().st_size for p in (layout.path / "blobs").rglob("*")}
    garbage = collect(layout)
    assert stored(layout) == needs(layout, kept)
    assert {path.name for path in garbage.blobs} == before - stored(layout)
    assert garbage.bytes == sum(sizes[name] for name in before - stored(layout))
    assert garbage.kept == len(stored(layout))


def test_nested_indexes_are_followed(layout: Layout) -> None:
    inner = put_release(layout, b"deep")
    outer = layout.put_manifest(build_index([inner]))
    layout.tag("outer:1", outer)
    collect(layout)
    assert stored(layout) == needs(layout, outer)


def test_a_dry_run_says_the_same_and_deletes_nothing(layout: Layout) -> None:
    layout.tag("kept:1", put_artifact(layout, b"kept"))
    put_artifact(layout, b"dropped")
    (layout.path / "ingest" / "new-left").write_bytes(b"12345")
    before = stored(layout)
    planned = collect_garbage(layout, grace=0, dry_run=True)
    assert stored(layout) == before
    assert (layout.path / "ingest" / "new-left").exists()
    done = collect(layout)
    assert planned == done
    assert len(done.blobs) == 2  # the layer and the manifest: the config is shared
    assert list(done.leftovers.values()) == [5]


@pytest.mark.parametrize("how", ["kept", "listed nowhere"])
def test_a_referrer_lives_as_long_as_its_subject(layout: Layout, how: str) -> None:
    subject = put_artifact(layout, b"model")
    layout.tag("model:1", subject)
    referrer = about(layout, subject, b"evidence")
    onward = about(layout, referrer, b"evidence of the evidence")
    if how == "kept":
        layout.keep(referrer)
        layout.keep(onward)
    collect(layout)
    assert stored(layout) == needs(layout, subject, referrer, onward)
    layout.untag("model:1")
    garbage = collect(layout)
    assert stored(layout) == set()
    assert layout.roots() == ()
    assert len(garbage.referrers) == (2 if how == "kept" else 0)


def test_a_referrer_with_a_tag_of_its_own_keeps_its_subject(layout: Layout) -> None:
    subject = put_artifact(layout, b"model")
    referrer = about(layout, subject, b"evidence")
    layout.tag("evidence:1", referrer)
    collect(layout)
    assert stored(layout) == needs(layout, subject, referrer)


def test_a_subject_that_never_came_stops_nothing(layout: Layout) -> None:
    absent = Descriptor.of(b"{}", media_type="application/vnd.oci.image.manifest.v1+json")
    referrer = about(layout, absent, b"evidence")
    layout.tag("evidence:1", referrer)
    collect(layout)
    assert stored(layout) == needs(layout, referrer)


def test_other_tools_entries_without_a_name_are_roots(layout: Layout) -> None:
    manifest = put_artifact(layout, b"unnamed")
    layout.keep(manifest)
    collect(layout)
    assert stored(layout) == needs(layout, manifest)


def test_whatever_a_document_of_an_unknown_kind_mentions_stays(layout: Layout) -> None:
    layer, lost = layout.put_blob(b"layer"), layout.put_blob(b"not mentioned")
    old = {"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": [layer.to_json()]}
    document = layout.put_blob(json.dumps(old).encode(), media_type=old["mediaType"])  # type: ignore[arg-type]
    layout.tag("old:1", layout.put_manifest(build_index([document])))
    collect(layout)
    assert layout.has(layer)
    assert not layout.has(lost)


def test_young_content_is_spared_with_what_it_lists(layout: Layout) -> None:
    young, old = put_artifact(layout, b"young"), put_artifact(layout, b"old")
    for path in (layout.path / "blobs" / "sha256").iterdir():
        age(path, GRACE + 60)
    layout.put_manifest(layout.read(young))  # whoever puts something again makes it young
    garbage = collect_garbage(layout)
    assert stored(layout) == needs(layout, young)
    assert {path.name for path in garbage.blobs} == {old.digest.hex, Descriptor.of(b"old").digest.hex}


def test_a_lease_protects_what_it_names_with_what_that_lists(layout: Layout) -> None:
    manifest = put_artifact(layout, b"leased")
    layout.put_blob(b"not leased")
    make_old(layout)
    with layout.lease() as lease:
        lease.protect(manifest.digest, Descriptor.of(b"to come").digest)
        layout.put_blob(b"to come")
        collect(layout)
        assert stored(layout) == needs(layout, manifest) | {Descriptor.of(b"to come").digest.hex}
    assert list((layout.path / "leases").iterdir()) == []
    collect(layout)
    assert stored(layout) == set()


def test_a_lease_protects_all_that_is_put_while_it_is_held(layout: Layout) -> None:
    old = put_artifact(layout, b"old")
    layout.put_blob(b"older")
    make_old(layout)
    with layout.lease():
        put_artifact(layout, b"new")
        index = layout.put_manifest(build_index([old]))
        collect(layout)
        assert stored(layout) == needs(layout, index) | needs(layout, put_artifact(layout, b"new"))
    collect(layout)
    assert stored(layout) == set()


def test_a_dead_lease_protects_nothing_and_is_removed(layout: Layout) -> None:
    blob = layout.put_blob(b"x")
    make_old(layout)
    with layout.lease():
        (layout.path / "leases" / "lease-dead").write_text(f"since 0\n{blob.digest}\n")
        garbage = collect(layout)
        assert [path.name for path in garbage.leftovers] == ["lease-dead"]
        assert len(list((layout.path / "leases").iterdir())) == 1
    assert not layout.has(blob)


def test_a_lease_for_reading_makes_no_layout(layout: Layout) -> None:
    with layout.lease(reading=True) as lease:
        lease.protect(Descriptor.of(b"x").digest)
    assert not layout.path.exists()
    assert collect(layout) == Garbage()
    assert not layout.path.exists()


def test_leftovers_go_by_age_and_what_is_being_written_stays(layout: Layout) -> None:
    ingest, hexed = layout.ingest(), "0" * 64
    names = ["new-abc", f"sha256-{hexed}.part", f"sha256-{hexed}.json", "upload-00.json"]
    for name in names:
        (ingest / name).write_bytes(b"x")
        age(ingest / name, GRACE + 60)
    (ingest / "hosts.json").write_bytes(b"{}")
    assert [path.name for path in collect_garbage(layout).leftovers] == ["new-abc"]
    for name in names[1:]:
        age(ingest / name, RESUMABLE + 60)
    with (ingest / names[1]).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert [path.name for path in collect_garbage(layout).leftovers] == ["upload-00.json"]
    assert [path.name for path in collect_garbage(layout).leftovers] == [names[1], names[2]]
    assert [path.name for path in ingest.iterdir()] == ["hosts.json"]


def test_files_of_others_are_left_and_named(layout: Layout) -> None:
    layout.put_blob(b"x")
    others = [layout.path / "notes.txt", layout.path / "blobs" / "sha256" / "short", layout.path / "ingest" / "mine"]
    for path in others:
        path.write_bytes(b"mine")
    (layout.path / "blobs" / "sha256" / ("a" * 64)).symlink_to(others[0])
    garbage = collect(layout)
    assert {path.name for path in garbage.foreign} == {"notes.txt", "short", "mine", "a" * 64}
    assert all(path.exists() for path in garbage.foreign)


@pytest.mark.parametrize("harm", ["missing", "damaged"])
@pytest.mark.parametrize("which", ["index", "manifest"])
def test_what_cannot_be_seen_through_stops_everything(layout: Layout, harm: str, which: str) -> None:
    manifest = put_artifact(layout, b"a")
    index = layout.put_manifest(build_index([manifest]))
    layout.tag("a:1", index)
    garbage = layout.put_blob(b"garbage")
    file = layout.file(index if which == "index" else manifest)
    file.chmod(0o644)
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes().replace(b"sha256", b"sha257"))
    with pytest.raises(IntegrityError, match=file.name) as caught:
        collect(layout)
    assert "store check" in caught.value.hint
    assert layout.has(garbage)


def test_a_damaged_referrer_stops_everything_too(layout: Layout) -> None:
    subject = put_artifact(layout, b"model")
    layout.tag("model:1", subject)
    file = layout.file(about(layout, subject, b"evidence"))
    file.chmod(0o644)
    file.write_bytes(b"X" + file.read_bytes()[1:])  # nobody can tell that this was a referrer
    with pytest.raises(IntegrityError, match=file.name):
        collect(layout)


def test_what_was_left_out_on_purpose_stops_nothing(layout: Layout) -> None:
    wanted, other = put_artifact(layout, b"wanted"), put_artifact(layout, b"other")
    index = layout.put_manifest(build_index([wanted, other]), annotations={PARTIAL: str(other.digest)})
    layout.tag("a:1", index)
    layout.file(other).unlink()
    collect(layout)
    assert stored(layout) == needs(layout, wanted) | {index.digest.hex}


def test_a_layout_of_a_newer_version_is_left_alone(layout: Layout) -> None:
    blob = layout.put_blob(b"x")
    (layout.path / "oci-layout").write_bytes(b'{"imageLayoutVersion": "2.0.0"}')
    with pytest.raises(FormatError, match=r"2\.0\.0"):
        collect(layout)
    assert (layout.path / "blobs" / "sha256" / blob.digest.hex).exists()


def test_tagging_races_collecting_without_losing_content(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old manifest is tagged while it is being collected: it is refused, or all of it stays."""
    monkeypatch.setattr(gc, "_BATCH", 2)  # so that tags come between
    outcomes = {"tagged": 0, "gone": 0}
    for n in range(10):
        manifests = [put_artifact(layout, f"{n} {m}".encode()) for m in range(12)]
        collector = threading.Thread(target=collect, args=(layout,))
        collector.start()
        for m, manifest in enumerate(manifests):
            try:
                layout.tag(f"a:{m}", manifest)
                outcomes["tagged"] += 1
                assert all(layout.has(node) for node in reachable(manifest, layout.read))
            except NotFoundError:
                outcomes["gone"] += 1
        collector.join()
        for name, descriptor in layout.tags().items():
            assert all(layout.is_sound(node) for node in reachable(descriptor, layout.read)), name
            layout.untag(name)
    assert all(outcomes.values()), outcomes  # else the race was none
