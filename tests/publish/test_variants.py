"""Variants beside a release: it lists them, publishing it again leaves them, and nobody's list is believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.publish.conftest import NEWEST, Scratch

from modelport.oci import Index, Layout, build_index, build_manifest
from modelport.package.modelpack import ANNOTATION_VARIANT, ANNOTATION_VARIANT_OF, MANIFEST_TYPE
from modelport.package.store import Kept
from modelport.publish.handover import read_handover
from modelport.publish.release import Place, plan_release
from modelport.publish.variants import push_variants

OTHER = f"sha256:{'0' * 64}"


@pytest.fixture
def place(scratch: Scratch) -> Place:
    return Place(scratch.registry, scratch.repository)


def variant(layout: Layout, name: str, package: str, content: bytes) -> Kept:
    """Put a variant into the store that says that it is one of *package*."""
    said = {ANNOTATION_VARIANT: name, ANNOTATION_VARIANT_OF: package}
    raw = build_manifest(
        layout.put_blob(b"{}"), [layout.put_blob(content)], artifact_type=MANIFEST_TYPE, annotations=said
    )
    manifest = layout.put_manifest(raw)
    return Kept(name, manifest, layout.put_manifest(build_index([manifest])))


def listed(place: Place, tag: str) -> list[str | None]:
    release = place.at(tag)
    assert isinstance(release, Index)
    return [one.annotations.get(ANNOTATION_VARIANT) for one in release.manifests]


def test_a_published_release_with_variants_is_a_new_one_and_publishing_again_leaves_it(
    scratch: Scratch, place: Place
) -> None:
    scratch.publish("push", scratch.handover())
    handover = read_handover(scratch.handover(), scratch.catalog)
    package, layout = handover.manifest.digest, Layout(scratch.built / "variants")
    kept = [variant(layout, name, str(package), name.encode()) for name in ("int8", "float16")]
    pushed = push_variants(layout.path, kept, place, NEWEST, package)
    assert (pushed.release, dict(pushed.tags)["int8"]) == (f"{NEWEST}-r2", f"{NEWEST}-int8")
    for tag in (f"{NEWEST}-r2", NEWEST, "latest"):
        assert listed(place, tag) == [None, "float16", "int8"]
    assert listed(place, f"{NEWEST}-r1") == [None]
    plan = plan_release(handover, place)
    assert (plan.release, plan.tags) == (f"{NEWEST}-r2", ())
    better = push_variants(layout.path, [variant(layout, "int8", str(package), b"better")], place, NEWEST, package)
    assert (better.release, listed(place, NEWEST)) == (f"{NEWEST}-r3", [None, "float16", "int8"])


@pytest.mark.parametrize(("name", "of"), [("int8", OTHER), ("int4", "")])
def test_publishing_believes_no_list_of_variants(name: str, of: str, scratch: Scratch, place: Place) -> None:
    scratch.publish("push", scratch.handover())
    handover = read_handover(scratch.handover(), scratch.catalog)
    package, layout = handover.manifest.digest, Layout(scratch.built / "variants")
    one = variant(layout, "int8", of or str(package), b"weights")
    push_variants(layout.path, [one], place, NEWEST, package)
    release = place.at(NEWEST)
    assert isinstance(release, Index)
    model, there = release.manifests
    wrong = replace(there, annotations={ANNOTATION_VARIANT: name})
    document = Index.parse(build_index([model, wrong], annotations=release.annotations))
    scratch.registry.put_manifest(scratch.repository, document, tag=NEWEST)
    assert plan_release(handover, place).tags == (NEWEST, "latest")
