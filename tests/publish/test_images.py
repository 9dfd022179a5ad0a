"""Images beside a release: it lists them, publishing it again leaves them, and platforms come one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.publish.conftest import NEWEST, Scratch

from modelport.oci import Descriptor, Index, Layout, Platform, build_index, build_manifest, push
from modelport.publish.handover import read_handover
from modelport.publish.images import add_to_release, image_index, why_not_listed
from modelport.publish.release import IMAGE_OF, Place, plan_release
from modelport.types import Digest

if TYPE_CHECKING:
    from modelport.publish.handover import Handover

OTHER = f"sha256:{'0' * 64}"


@pytest.fixture
def handover(scratch: Scratch) -> Handover:
    """Give the newest version, pushed as the workflow does."""
    scratch.publish("push", scratch.handover())
    return read_handover(scratch.handover(), scratch.catalog)


@pytest.fixture
def place(scratch: Scratch) -> Place:
    return Place(scratch.registry, scratch.repository)


def pushed(scratch: Scratch, package: str, *architectures: str) -> Index:
    """Push images that say that they hold *package*, as `image push` does; return their index."""
    layout, manifests = Layout(scratch.built / "images"), list[Descriptor]()
    for one in architectures:
        config, layer = layout.put_blob(one.encode()), layout.put_blob(b"a layer")
        raw = build_manifest(config, [layer], annotations={IMAGE_OF: package})
        manifests.append(replace(layout.put_manifest(raw), platform=Platform("linux", one)))
    index = layout.put_manifest(build_index(manifests, annotations={IMAGE_OF: package}))
    push(layout, index, scratch.registry, scratch.repository)
    return Index.parse(layout.read(index))


def test_publishing_again_leaves_the_images_in_the_release(scratch: Scratch, handover: Handover, place: Place) -> None:
    package = handover.manifest.digest
    images = pushed(scratch, str(package), "amd64", "arm64")
    assert add_to_release(images.manifests, place, NEWEST, package) == f"{NEWEST}-r2"
    plan = plan_release(handover, place)
    assert (plan.release, plan.tags) == (f"{NEWEST}-r2", ())
    assert "nothing to write" in scratch.publish("push", scratch.handover()).stderr


def test_it_is_told_why_no_release_lists_an_image(scratch: Scratch, handover: Handover, place: Place) -> None:
    package, of = handover.manifest.digest, f"{place}:"
    assert why_not_listed(place, "9.9.9", package) == f"{of}9.9.9 is not there"
    assert why_not_listed(place, NEWEST, Digest.parse(OTHER)) == (
        f"{of}{NEWEST} is of another package than this image, which holds {OTHER}"
    )
    release = place.at(NEWEST)
    assert isinstance(release, Index)
    scratch.registry.put_manifest(scratch.repository, release, tag="9.9.9")
    said = why_not_listed(place, "9.9.9", package)
    assert said.startswith(f"{of}9.9.9 is not published: it has no 9.9.9-r1 ")
    for version, other in (("9.9.8", package), ("9.9.9", package), (NEWEST, Digest.parse(OTHER))):
        assert add_to_release(release.manifests, place, version, other) is None
        assert why_not_listed(place, version, other)


def test_publishing_believes_no_list_of_images(scratch: Scratch, handover: Handover, place: Place) -> None:
    release = place.at(NEWEST)
    assert isinstance(release, Index)
    (model,) = release.manifests
    images = pushed(scratch, OTHER, "amd64")
    for listed in ([model, *images.manifests], [*pushed(scratch, str(model.digest), "amd64").manifests, model]):
        wrong = Index.parse(build_index(listed, annotations=release.annotations))
        scratch.registry.put_manifest(scratch.repository, wrong, tag=NEWEST)
        assert plan_release(handover, place).tags == (NEWEST,)


def test_platforms_that_come_one_by_one_are_all_there_in_the_end(
    scratch: Scratch, handover: Handover, place: Place
) -> None:
    package, tag = handover.manifest.digest, f"{NEWEST}-service"
    for architecture in ("arm64", "amd64", "arm64"):
        new = pushed(scratch, str(package), architecture)
        scratch.registry.put_manifest(scratch.repository, image_index(new, place, tag), tag=tag)
        add_to_release(new.manifests, place, NEWEST, package)
    both = [Platform("linux", "amd64"), Platform("linux", "arm64")]
    for document, expected in ((place.at(tag), both), (place.at(NEWEST), [None, *both])):
        assert isinstance(document, Index)
        assert [one.platform for one in document.manifests] == expected
    assert f"{NEWEST}-r4" not in place.tags()


def test_images_of_another_package_give_way(scratch: Scratch, handover: Handover, place: Place) -> None:
    tag = f"{NEWEST}-service"
    scratch.registry.put_manifest(scratch.repository, pushed(scratch, OTHER, "arm64"), tag=tag)
    new = pushed(scratch, str(handover.manifest.digest), "amd64")
    assert image_index(new, place, tag) == new
