"""Service images in a catalog's registry: under a tag of their own, and in their model's release.

``<version>-service`` is an index of platforms and nothing else, which engines and Kubernetes read. The release's index
lists the same manifests beside the model's own: that makes a new release, ``<version>-r<N>``, to which the other tags
of the version move.

Platforms may be built and pushed by different machines: what either index lists for other platforms stays in it, as
long as it is an image of the same package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.oci import Index, build_index
from modelport.publish.release import IMAGE_OF, Plan, holds, is_image, next_release_tag, push_release, release_numbers
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.oci import Descriptor, Manifest
    from modelport.publish.release import Place

__all__ = ["add_to_release", "image_index", "why_not_listed"]


def image_index(document: Index, place: Place, tag: str) -> Index:
    """Return *document*, the index of an image, with the other platforms' images of its package that *tag* stands for.

    Raises:
        RegistryError: The registry cannot be reached or refuses.
    """
    there = place.at(tag)
    if not isinstance(there, Index):
        return document
    package = Digest.parse(document.annotations[IMAGE_OF])
    manifests = _beside(there.manifests, document.manifests, place, package)
    if tuple(manifests) == document.manifests:
        return document
    return Index.parse(build_index(manifests, annotations=document.annotations))


def add_to_release(manifests: Sequence[Descriptor], place: Place, version: str, package: Digest) -> str | None:
    """List the *manifests* of an image, which are there already, in the release of *version* at *place*.

    Args:
        manifests: Those of each platform, with their platforms.
        place: Where the model's releases lie.
        version: The version.
        package: The digest of the package that the image holds.

    Returns:
        The release's tag; None where there is no release of this package. What was pushed, and not published, is none:
        it has no ``<version>-r<N>``, and shall not get one by its image.

    Raises:
        RegistryError: The registry cannot be reached or refuses.
    """
    tags = place.tags()
    release = place.at(version) if version in tags else None
    if not isinstance(release, Index) or _why_not(release, version, tags, package):
        return None  # `why_not_listed` tells
    models = [one for one in release.manifests if one.platform is None]
    images = _beside(release.manifests, manifests, place, package)
    document = Index.parse(build_index([*models, *images], annotations=release.annotations))
    tag = next_release_tag(version, document.descriptor.digest, tags, place)
    moved = [one for one in (version, "latest") if one in tags and _stands_for(place, one, release)]
    if document.descriptor.digest != release.descriptor.digest:
        wanted = [tag, *moved] if place.at(tag) is None else moved
        push_release(Plan(place, document, tag, tuple(wanted)))
    return tag


def why_not_listed(place: Place, version: str, package: Digest) -> str:
    """Return why no release of *version* at *place* lists images of *package*, after `add_to_release` returned None.

    Raises:
        RegistryError: The registry cannot be reached or refuses.
    """
    tags = place.tags()
    said = _why_not(place.at(version) if version in tags else None, version, tags, package)
    return f"{place}:{version} {said or 'was published this moment: push the image again'}"


def _why_not(there: Manifest | Index | None, version: str, tags: Sequence[str], package: Digest) -> str:
    """Return why what is *there* by the tag of *version* is no release of *package*, or nothing where it is."""
    if there is None:
        return "is not there"
    if not release_numbers(version, tags):
        return f"is not published: it has no {version}-r1 (modelport push makes none, modelport publish push does)"
    if not isinstance(there, Index):
        return "is a manifest, not the index that a release is"
    return "" if holds(there, package) else f"is of another package than this image, which holds {package}"


def _beside(
    there: Sequence[Descriptor], manifests: Sequence[Descriptor], place: Place, package: Digest
) -> Sequence[Descriptor]:
    """Return *manifests* with what is *there* for other platforms, by platform; as they are where nothing is."""
    new = {one.platform for one in manifests}
    others = [one for one in there if one.platform is not None and one.platform not in new]
    kept = [one for one in others if is_image(one, place, package)]
    return sorted([*kept, *manifests], key=lambda one: str(one.platform)) if kept else manifests


def _stands_for(place: Place, tag: str, release: Index) -> bool:
    found = place.at(tag)
    return found is not None and found.descriptor.digest == release.descriptor.digest
