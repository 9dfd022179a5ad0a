"""Service images in a catalog's registry: under a tag of their own, and in their model's release.

``<version>-service`` is an index of platforms and nothing else, which engines and Kubernetes read. The release's index
lists the same manifests beside the model's own: that makes a new release, ``<version>-r<N>``, to which the other tags
of the version move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.oci import Index, build_index
from modelport.publish.release import Plan, holds, next_release_tag, push_release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.oci import Descriptor
    from modelport.publish.release import Place
    from modelport.types import Digest

__all__ = ["add_to_release"]


def add_to_release(manifests: Sequence[Descriptor], place: Place, version: str, package: Digest) -> str | None:
    """List the *manifests* of an image, which are there already, in the release of *version* at *place*.

    Args:
        manifests: Those of each platform, with their platforms.
        place: Where the model's releases lie.
        version: The version.
        package: The digest of the package that the image holds.

    Returns:
        The release's tag; None where there is no release of this package.

    Raises:
        RegistryError: The registry cannot be reached or refuses.
    """
    tags = place.tags()
    release = place.at(version) if version in tags else None
    if not isinstance(release, Index) or not holds(release, package):
        return None
    models = [one for one in release.manifests if one.platform is None]
    document = Index.parse(build_index([*models, *manifests], annotations=release.annotations))
    tag = next_release_tag(version, document.descriptor.digest, tags, place)
    moved = [one for one in (version, "latest") if one in tags and _stands_for(place, one, release)]
    if document.descriptor.digest != release.descriptor.digest:
        wanted = [tag, *moved] if place.at(tag) is None else moved
        push_release(Plan(place, document, tag, tuple(wanted)))
    return tag


def _stands_for(place: Place, tag: str, release: Index) -> bool:
    found = place.at(tag)
    return found is not None and found.descriptor.digest == release.descriptor.digest
