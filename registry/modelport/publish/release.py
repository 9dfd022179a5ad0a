"""Releases in the catalog's registry: how one is pushed, and where ``latest`` points.

A release is an index, pushed as ``PREFIX/NAME`` under three tags: ``<version>-r<N>``, which never moves, then
``<version>``, then ``latest`` where the version is the catalog's latest. Content comes before tags and the tags in that
order, so that a push that is killed at any moment leaves nothing wrong, and the next one finishes it.

``latest`` stands for the newest version that anybody should use. Where the one that it stands for was withdrawn and no
other is there, it is taken away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import InputError, NotFoundError, RegistryError
from modelport.oci import Index, Manifest, Registry, build_index, push
from modelport.package.modelpack import ANNOTATION_VARIANT, ANNOTATION_VARIANT_OF
from modelport.package.store import Access, registry_of
from modelport.publish.publishable import is_publishable, latest_publishable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.catalog import Entry
    from modelport.oci import Descriptor
    from modelport.publish.handover import Handover
    from modelport.settings import Settings
    from modelport.types import Digest

__all__ = [
    "IMAGE_OF",
    "Place",
    "Plan",
    "holds",
    "is_image",
    "is_release_tag",
    "is_variant",
    "is_withdrawn",
    "next_release_tag",
    "place_of",
    "plan_latest",
    "plan_release",
    "push_release",
    "release_numbers",
    "withdraw_latest",
]

_RELEASE = re.compile(r"(.+)-r([1-9][0-9]{0,8})")
"""The tag of a release, which never moves. No version is called so."""

IMAGE_OF = "org.modelport.package.digest"
"""The annotation in which an image says which package it holds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model's releases lie."""

    registry: Registry
    repository: str

    def __str__(self) -> str:
        return f"{self.registry.host}/{self.repository}"

    def tags(self) -> tuple[str, ...]:
        """Return its tags; none when there is no such repository yet."""
        try:
            return self.registry.tags(self.repository)
        except NotFoundError:
            return ()

    def at(self, tag: str) -> Manifest | Index | None:
        """Return what *tag* stands for, or None when there is no such tag."""
        try:
            return self.registry.manifest(self.repository, tag)
        except NotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push has to do.

    Attributes:
        place: Where to.
        document: The release.
        release: Its immutable tag.
        tags: The tags that do not stand for it yet, in the order in which they are to be written.
    """

    place: Place
    document: Manifest | Index
    release: str
    tags: tuple[str, ...]


def place_of(name: str, settings: Settings) -> Place:
    """Return where the releases of the model *name* lie in the catalog's registry.

    Raises:
        InputError: The catalog has no registry.
    """
    if settings.registry is None:
        raise InputError(
            "this catalog has no registry to publish to",
            hint="name it in modelport.toml: [registry] prefix = 'HOST/PREFIX', or in MODELPORT_REGISTRY",
        )
    host, _, path = settings.registry.partition("/")
    return Place(registry_of(host, Access.of(settings)), f"{path}/{name}" if path else name)


def plan_release(handover: Handover, place: Place) -> Plan:
    """Return what is to be done to publish *handover*; nothing is written.

    A release that lists images and variants of the package besides stays (`modelport.publish.images`, `variants`).
    """
    tags, version = place.tags(), str(handover.version.version)
    there = place.at(version) if version in tags else None
    document = _grown(handover.layout.manifest(handover.index), there, place, handover.manifest.digest)
    release = next_release_tag(version, document.descriptor.digest, tags, place)
    wanted = [release, version, *(["latest"] if handover.version == handover.entry.latest else [])]
    return Plan(place, document, release, _unset(wanted, document, tags, place))


def _grown(
    document: Manifest | Index, there: Manifest | Index | None, place: Place, package: Digest
) -> Manifest | Index:
    """Return *there* where it is the release *document* with what belongs to *package* besides, and nothing else."""
    if not isinstance(document, Index) or not isinstance(there, Index):
        return document
    variants = [one for one in there.manifests if ANNOTATION_VARIANT in one.annotations]
    images = [one for one in there.manifests if one.platform is not None]
    grown = build_index([*document.manifests, *variants, *images], annotations=document.annotations)
    own = all(is_image(one, place, package) for one in images) and all(
        is_variant(one, place, package) for one in variants
    )
    return there if there.raw == grown and own else document


def is_image(listed: Descriptor, place: Place, package: Digest) -> bool:
    """Tell whether *listed* is in the registry and is an image of *package* by its own word, not by the list's.

    Raises:
        RegistryError: The registry cannot be reached, or refuses.
    """
    return _own_word(listed, place).get(IMAGE_OF) == str(package)


def is_variant(listed: Descriptor, place: Place, package: Digest) -> bool:
    """Tell whether *listed* is the variant of *package* that the list calls it, likewise; raises as `is_image`."""
    said, name = _own_word(listed, place), listed.annotations.get(ANNOTATION_VARIANT)
    return said.get(ANNOTATION_VARIANT_OF) == str(package) and said.get(ANNOTATION_VARIANT) == name


def _own_word(listed: Descriptor, place: Place) -> Mapping[str, str]:
    """Return the annotations of the manifest that is *listed*; none where there is no such."""
    try:
        document = place.registry.manifest(place.repository, listed.digest)
    except NotFoundError:
        return {}
    return document.annotations if isinstance(document, Manifest) else {}


def plan_latest(entry: Entry, place: Place, audience: str) -> Plan | None:
    """Return what is to be done so that ``latest`` stands for the latest version; None if that is not published."""
    latest = latest_publishable(entry, audience)
    if latest is None:
        return None
    tags, version = place.tags(), str(latest.version)
    document = place.at(version) if version in tags else None
    if document is None or not holds(document, latest.digest):
        return None
    return Plan(place, document, version, _unset(["latest"], document, tags, place))


def is_withdrawn(entry: Entry, place: Place, audience: str) -> bool:
    """Tell whether ``latest`` stands for a version that nobody should use, or for any when there is none to use."""
    document = place.at("latest") if "latest" in place.tags() else None
    if document is None or latest_publishable(entry, audience) is None:
        return document is not None
    return any(holds(document, one.digest) and not is_publishable(entry, one, audience) for one in entry.versions)


def withdraw_latest(place: Place) -> None:
    """Take the tag ``latest`` away.

    Raises:
        RegistryError: The registry cannot be reached, or does not let anybody remove a tag.
    """
    try:
        place.registry.delete_tag(place.repository, "latest")
    except RegistryError as error:
        raise RegistryError(
            f"{place}:latest still stands for a version that nobody should use: {error.message}",
            status=error.status,
            hint="remove this tag by hand, with what the registry offers for it; or submit a version that can be used",
        ) from error


def push_release(plan: Plan, handover: Handover | None = None) -> None:
    """Push the content of *handover*, what is not there of it, then write the tags of *plan*.

    Raises:
        RegistryError: The registry cannot be reached or refuses, or somebody else has taken the release's tag.
    """
    registry, repository = plan.place.registry, plan.place.repository
    if handover is not None:
        push(handover.layout, handover.index, registry, repository)
    for tag in plan.tags:
        if _RELEASE.fullmatch(tag) and plan.place.at(tag) is not None:
            raise RegistryError(
                f"{plan.place}:{tag} was written by somebody else just now, and never moves", hint="push again"
            )
        registry.put_manifest(repository, plan.document, tag=tag)


def next_release_tag(version: str, digest: Digest, tags: tuple[str, ...], place: Place) -> str:
    """Return the newest ``<version>-r<N>`` that stands for *digest*, or else the next one that is free."""
    numbers = release_numbers(version, tags)
    for number in numbers:
        there = place.at(f"{version}-r{number}")
        if there is not None and there.descriptor.digest == digest:
            return f"{version}-r{number}"
    return f"{version}-r{max(numbers, default=0) + 1}"


def _unset(wanted: list[str], document: Manifest | Index, tags: tuple[str, ...], place: Place) -> tuple[str, ...]:
    """Return which of the *wanted* tags do not stand for *document*."""
    there = {tag: place.at(tag) if tag in tags else None for tag in wanted}
    return tuple(
        tag for tag, one in there.items() if one is None or one.descriptor.digest != document.descriptor.digest
    )


def is_release_tag(tag: str) -> bool:
    """Tell whether *tag* is a release's, ``<version>-r<N>``, which never moves."""
    return _RELEASE.fullmatch(tag) is not None


def release_numbers(version: str, tags: Iterable[str]) -> list[int]:
    """Return the numbers N of the releases ``<version>-r<N>`` among *tags*, the newest first."""
    found = (match for tag in tags if (match := _RELEASE.fullmatch(tag)))
    return sorted((int(match[2]) for match in found if match[1] == version), reverse=True)


def holds(document: Manifest | Index, digest: Digest) -> bool:
    """Tell whether *document* is a release of the package with manifest *digest*."""
    return isinstance(document, Index) and any(child.digest == digest for child in document.manifests)
