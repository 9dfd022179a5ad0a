"""Variants in a model's release: listed beside the model, and each under a tag of its own.

The release's index lists each variant's manifest with its name in an annotation, by which ``pull --variant`` finds it.
``<version>-<variant>`` stands for the variant alone. The model's other variants and its images stay. A release that
was published gets a new number, ``<version>-r<N>``, and the tags that stood for it move; what was only pushed keeps its
tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelport.errors import NotFoundError
from modelport.oci import Index, Layout, Manifest, build_index, push
from modelport.oci.progress import log_notice
from modelport.package.modelpack import ANNOTATION_VARIANT
from modelport.package.variants import variant_named
from modelport.publish.release import Plan, holds, next_release_tag, push_release, release_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.oci import Descriptor, Notice, Progress
    from modelport.package.store import Kept
    from modelport.publish.release import Place
    from modelport.types import Digest

__all__ = ["Pushed", "push_variants"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed: each variant's tag by its name, and the release's tag."""

    tags: Mapping[str, str]
    release: str


def push_variants(
    store: Path,
    kept: Sequence[Kept],
    place: Place,
    tag: str,
    package: Digest,
    *,
    progress: Progress | None = None,
    notice: Notice = log_notice,
) -> Pushed:
    """Push the variants *kept* in *store* and list them in the release *tag* at *place*.

    Args:
        store: The store.
        kept: The variants.
        place: Where the model's releases lie.
        tag: The tag of the release: its version, where it has one.
        package: The digest of the model's manifest.
        progress: Told how many bytes of which blob have arrived.
        notice: Told what went another way than it should, though well.

    Raises:
        NotFoundError: There is no such release, or it is another model's.
        RegistryError: The registry cannot be reached or refuses.
    """
    release = place.at(tag)
    if not isinstance(release, Index) or not holds(release, package):
        raise NotFoundError(f"{place}:{tag} is no release of {package}", hint="push the model there first")
    layout, tags, listed = Layout(store), {}, {}
    for one in kept:
        document = layout.manifest(one.manifest)
        if not isinstance(document, Manifest):
            continue
        name = variant_named(document)
        tags[name], listed[name] = f"{tag}-{name}", _described(one.manifest, name)
        push(layout, one.index, place.registry, place.repository, tags=[tags[name]], progress=progress, notice=notice)
    return Pushed(tags, _list(release, listed, place, tag))


def _described(manifest: Descriptor, name: str) -> Descriptor:
    return replace(manifest, annotations={**manifest.annotations, ANNOTATION_VARIANT: name})


def _list(release: Index, listed: Mapping[str, Descriptor], place: Place, tag: str) -> str:
    """List the variants in the release, and return its tag."""
    others = [one for one in release.manifests if one.annotations.get(ANNOTATION_VARIANT) not in listed]
    variants = [one for one in others if ANNOTATION_VARIANT in one.annotations] + list(listed.values())
    models = [one for one in others if one.platform is None and ANNOTATION_VARIANT not in one.annotations]
    images = [one for one in others if one.platform is not None]
    variants.sort(key=lambda one: one.annotations[ANNOTATION_VARIANT])
    document = Index.parse(build_index([*models, *variants, *images], annotations=release.annotations))
    tags = place.tags()
    moved = [one for one in (tag, "latest") if one in tags and _stands_for(place, one, release)]
    published = bool(release_numbers(tag, tags))
    number = next_release_tag(tag, document.descriptor.digest, tags, place) if published else tag
    if document.descriptor.digest != release.descriptor.digest:
        wanted = [number, *moved] if published and place.at(number) is None else moved
        push_release(Plan(place, document, number, tuple(wanted)))
    return number


def _stands_for(place: Place, tag: str, release: Index) -> bool:
    found = place.at(tag)
    return found is not None and found.descriptor.digest == release.descriptor.digest
