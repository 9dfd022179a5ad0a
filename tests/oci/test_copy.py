"""Copies between registries: the same bytes with what refers to them, and nothing wrong is ever committed."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from tests.oci.test_referrers import REPORT, SIGNATURE, Place
from tests.support.artifacts import put_release
from tests.support.registry import running_registry
from tests.support.small_registry import (
    Fault,
    Rules,
    reads_blob,
    reads_manifest,
    sends_blob,
    sends_manifest,
    small_registry,
)

from modelport.errors import FormatError, IntegrityError, ModelportError, NotFoundError
from modelport.oci import Descriptor, Layout, Registry, pull, push
from modelport.oci.copy import copy
from modelport.oci.net.patience import Patience
from modelport.oci.referrers import fallback_tag, referrer_descriptor, referrers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import DockerRegistry
    from tests.support.small_registry import SmallRegistry

    from modelport.types import Digest

QUICK = Patience(attempts=2, away_attempts=2, first_delay=0.01)


@pytest.fixture
def source(tmp_path: Path, docker_registry: DockerRegistry, unique_repository: str) -> Place:
    """Give a place in a real registry."""
    return Place(Layout(tmp_path / "store"), Registry(docker_registry.host, patience=QUICK), unique_repository)


@pytest.fixture
def small() -> Iterator[SmallRegistry]:
    """Give another registry, of the other kind: it knows the referrers API."""
    with small_registry() as running:
        yield running
    assert running.torn == [], "a tag stood for something that was not whole"


def files(layout: Layout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (layout.path / "blobs").rglob("*") if path.is_file()}


def test_a_release_is_copied_between_real_registries(source: Place, tmp_path: Path) -> None:
    release = source.put(os.urandom(3_000_000), b"small", b"")
    with running_registry(tmp_path / "second") as second:
        target = Registry(second.host)
        copied = copy(source.registry, source.repository, "1", target, "a/b", tags=["1", "latest"])
        assert copied.digest == release.digest
        assert target.tags("a/b") == ("1", "latest")
        pull(target, "a/b", "latest", Layout(tmp_path / "pulled"))
    assert files(Layout(tmp_path / "pulled")) == files(source.layout)


def test_what_refers_to_any_of_it_is_copied_with_it(source: Place, small: SmallRegistry) -> None:
    release = source.put(b"one", b"two")
    models = source.layout.manifest(release).children
    report = source.refer(models[0], REPORT)
    signed = [source.refer(one, SIGNATURE) for one in (release, models[1], report.descriptor)]
    there = small.client()
    copy(source.registry, source.repository, "1", there, "plain")
    assert referrers(there, "plain", release.digest) == ()
    for _ in range(2):  # nothing is listed twice
        copy(source.registry, source.repository, "1", there, "demo", tags=["1"], with_referrers=True)
    assert referrers(there, "demo", models[0].digest) == (referrer_descriptor(report),)
    for subject, one in zip((release, models[1], report.descriptor), signed, strict=True):
        assert referrers(there, "demo", subject.digest) == (referrer_descriptor(one),)
    assert there.tags("demo") == ("1",), "a registry that lists referrers needs no tags for that"

    # And back, to a registry where clients keep the lists.
    copy(there, "demo", "1", source.registry, f"{source.repository}-back", tags=["1"], with_referrers=True)
    back = Place(source.layout, source.registry, f"{source.repository}-back")
    assert back.listed(report.descriptor) == {referrer_descriptor(signed[2])}
    assert fallback_tag(models[0].digest) in back.registry.tags(back.repository)


def test_what_is_there_does_not_move_again(source: Place, small: SmallRegistry) -> None:
    release = source.put(b"one" * 1000, b"two" * 1000)
    seen: dict[Digest, int] = {}
    for number in range(2):
        small.forget_requests()
        seen.clear()
        copy(
            source.registry, source.repository, "1", small.client(), "demo", tags=["1"],
            progress=lambda node, done: seen.update({node.digest: done}),
        )  # fmt: skip
        assert sorted(seen.values()) == [2, 3000, 3000], "all is told, whether it moved or not"
        assert len(small.requests(sends_blob)) == (0 if number else 3)
    assert small.client().resolve("demo", "1").digest == release.digest


def test_a_registry_takes_its_own_blobs_without_any_moving(small: SmallRegistry, tmp_path: Path) -> None:
    registry, layout = small.client(), Layout(tmp_path / "store")
    release = put_release(layout, b"one" * 1000, b"two")
    push(layout, release, registry, "first", tags=["1"])
    small.forget_requests()
    copy(registry, "first", "1", registry, "second", tags=["1"])
    assert not small.requests(reads_blob)
    assert not small.requests(sends_blob)
    assert registry.resolve("second", "1").digest == release.digest


def test_a_blob_that_cannot_be_mounted_is_sent_and_that_is_told(tmp_path: Path) -> None:
    with small_registry(Rules(mounts="none")) as small:
        registry, layout = small.client(), Layout(tmp_path / "store")
        push(layout, put_release(layout, b"one"), registry, "first", tags=["1"])
        small.add(Fault("status", status=403, on=lambda seen: bool(seen.asked("mount")), times=1))
        told: list[str] = []
        copy(registry, "first", "1", registry, "second", tags=["1"], notice=told.append)
        assert len(told) == 1
        assert "cannot be mounted from first" in told[0]
        pull(registry, "second", "1", Layout(tmp_path / "other"))


@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "other size in all"])
def test_what_is_damaged_at_the_source_is_never_committed(
    damage: str, source: Place, docker_registry: DockerRegistry, small: SmallRegistry
) -> None:
    content = os.urandom(2_500_000)
    release = source.put(content)
    (model,) = source.layout.manifest(release).children
    blob = source.layout.manifest(model).children[1]
    file = docker_registry.blob_file(blob.digest)
    wrong = {
        "flipped": content[:-1] + bytes([content[-1] ^ 1]),
        "cut": content[:-1],
        "longer": content + b"x",
        "other size in all": b"",
    }
    file.write_bytes(wrong[damage])
    with pytest.raises(IntegrityError, match=str(blob.digest)):
        copy(source.registry, source.repository, "1", small.client(patience=QUICK), "demo", tags=["1"])
    assert not small.client().has_blob("demo", blob)
    assert not any(small.client().has_manifest("demo", one) for one in (model.digest, release.digest, "1"))


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("kind", ["cut", "reset", "status"])
def test_what_fails_in_passing_is_done_again(side: str, kind: str, tmp_path: Path) -> None:
    with small_registry() as first, small_registry() as second:
        layout = Layout(tmp_path / "store")
        release = put_release(layout, os.urandom(2_500_000), b"two")
        push(layout, release, first.client(), "demo", tags=["1"])
        broken, on = (first, reads_blob) if side == "source" else (second, sends_blob)
        of = "answer" if side == "source" else "request"
        fault = Fault("status", status=503, on=on) if kind == "status" else Fault(kind, at=1000, on=on, of=of)  # type: ignore[arg-type]
        broken.add(fault)
        copy(first.client(), "demo", "1", second.client(), "demo", tags=["1"])
        pull(second.client(), "demo", "1", Layout(tmp_path / "other"))
        assert second.torn == []
    assert files(Layout(tmp_path / "other")) == files(layout)


def test_a_manifest_with_other_bytes_is_refused(small: SmallRegistry, tmp_path: Path, source: Place) -> None:
    layout = Layout(tmp_path / "other")
    release = put_release(layout, b"one")
    push(layout, release, small.client(), "demo", tags=["1"])
    small.add(Fault("flip", at=100, on=reads_manifest, times=100))
    with pytest.raises(ModelportError, match=r"promised|is not a manifest"):
        copy(small.client(), "demo", release.digest, source.registry, source.repository, tags=["1"])
    with pytest.raises(NotFoundError):
        source.registry.tags(source.repository)


def test_what_is_listed_wrongly_is_told(source: Place, small: SmallRegistry) -> None:
    release = source.put(b"one")
    (model,) = source.layout.manifest(release).children
    report = source.refer(model, REPORT)
    listing = source.registry.manifest(source.repository, fallback_tag(model.digest))
    source.registry.put_manifest(source.repository, listing, tag=fallback_tag(release.digest))
    with pytest.raises(FormatError, match=f"{report.descriptor.digest} is listed as a referrer of {release.digest}"):
        copy(source.registry, source.repository, "1", small.client(), "demo", tags=["1"], with_referrers=True)
    with pytest.raises(NotFoundError):
        small.client().tags("demo")


def test_a_blob_passes_through_in_pieces(small: SmallRegistry, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    release = put_release(layout, os.urandom(8_000_000))
    push(layout, release, small.client(), "first", tags=["1"])
    pieces: list[int] = []
    last = 0

    def tell(node: Descriptor, done: int) -> None:
        nonlocal last
        if node.size == 8_000_000:
            pieces.append(done - last)
            last = done

    with small_registry() as second:
        copy(small.client(), "first", "1", second.client(), "demo", progress=tell)
    assert sum(pieces) == 8_000_000
    assert max(pieces) <= 1024 * 1024


@pytest.mark.parametrize("way", ["push", "copy"])
def test_a_tag_that_nobody_may_set_again_is_left_alone(way: str, source: Place) -> None:
    source.put(b"one", b"two")
    layout, root = source.layout, source.registry.resolve(source.repository, "1")
    with small_registry(Rules(immutable_tags=True)) as target:
        for _ in range(2):
            if way == "push":
                push(layout, root, target.client(), "demo", tags=["1"])
            else:
                copy(source.registry, source.repository, "1", target.client(), "demo", tags=["1"])
        assert len(target.requests(lambda seen: seen.method == "PUT" and seen.path.endswith("/1"))) == 1
        assert target.content.resolve("demo", "1")[0] == str(root.digest)
        other = put_release(layout, b"three")
        push(layout, other, target.client(), "other", tags=["1"])
        with pytest.raises(ModelportError, match="cannot be set again"):
            copy(target.client(), "other", "1", target.client(), "demo", tags=["1"])


def test_what_the_target_collects_meanwhile_is_sent_anew(source: Place, small: SmallRegistry) -> None:
    source.put(b"one", b"two")
    small.add(Fault("collect", on=sends_manifest))
    told: list[str] = []
    copy(source.registry, source.repository, "1", small.client(), "demo", tags=["1"], notice=told.append)
    assert ["lacks content" in one for one in told] == [True]
    assert small.content.torn_tags() == []


def test_a_repository_that_hides_is_copied_into(source: Place) -> None:
    source.put(b"one")
    with small_registry(Rules(hides_absent=True)) as target:
        copy(source.registry, source.repository, "1", target.client(), "demo", tags=["1"])
        assert target.client().tags("demo") == ("1",)


@pytest.mark.parametrize("times", [1, 100])
def test_a_copy_that_is_cut_at_its_source_leaves_no_session_behind(times: int, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "store")
    with small_registry() as here, small_registry(Rules(keeps_cut_chunks=True)) as there:
        push(layout, put_release(layout, os.urandom(2_000_000)), here.client(), "demo", tags=["1"])
        here.add(Fault("cut", at=1_500_000, on=reads_blob, times=times))
        here.add(Fault("status", status=503, on=reads_blob, times=times - 1))
        with nullcontext() if times == 1 else pytest.raises(ModelportError):
            copy(here.client(), "demo", "1", there.client(), "demo", tags=["1"])
        assert there.content.sessions == {}
