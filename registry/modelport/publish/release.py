"""Releases in the catalog's registry: which are missing, how one is pushed, and where ``latest`` points.

A release is an index, pushed as ``PREFIX/NAME`` under three tags: ``<version>-r<N>``, which never moves, then
``<version>``, then ``latest`` where the version is the catalog's latest. Content comes before tags and the tags in that
order, so that a push that is killed at any moment leaves nothing wrong, and the next one finishes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import InputError, NotFoundError, RegistryError
from modelport.oci import Index, Registry, push
from modelport.package.store import Access, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.catalog import Entry, ModelVersion
    from modelport.oci import Manifest
    from modelport.publish.handover import Handover
    from modelport.settings import Settings
    from modelport.types import Digest

__all__ = ["Missing", "Place", "Plan", "missing_versions", "place_of", "plan_latest", "plan_release", "push_release"]

_DENIED = {401, 403}


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


@dataclass(frozen=True, slots=True)
class Missing:
    """A version that the registry does not have as the catalog pins it.

    Attributes:
        name: The model.
        version: The version.
        digest: What the catalog pins.
        python: The Python that builds it.
        recipe: Whether it can be built from a recipe.
        note: What else is to be said, or nothing.
    """

    name: str
    version: str
    digest: str
    python: str
    recipe: bool
    note: str = ""


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
    access = Access(insecure=settings.insecure, docker_config=settings.docker_config)
    return Place(registry_of(host, access), f"{path}/{name}" if path else name)


def missing_versions(
    entries: Iterable[Entry], place: Callable[[str], Place], *, with_latest: bool = False
) -> list[Missing]:
    """Return the versions that the registry lacks, oldest first in each entry; yanked ones are not missed.

    *with_latest*, the latest version of each entry is among them whether it is there or not.
    A repository that the registry does not let us see counts as one that is not there: many registries answer so
    before the first push. Whoever pushes looks again, with credentials.
    """
    found: list[Missing] = []
    for entry in entries:
        wanted = [one for one in reversed(entry.versions) if str(one.version) not in entry.yanked]
        if wanted:
            kept = {str(entry.latest.version)} if with_latest and entry.latest else set()
            found += _missing_of(entry, wanted, place(str(entry.name)), kept)
    return found


def plan_release(handover: Handover, place: Place) -> Plan:
    """Return what is to be done to publish *handover*; nothing is written."""
    document, tags = handover.layout.manifest(handover.index), place.tags()
    version = str(handover.version.version)
    release = _release_tag(version, document.descriptor.digest, tags, place)
    wanted = [release, version, *(["latest"] if handover.version == handover.entry.latest else [])]
    return Plan(place, document, release, _unset(wanted, document, tags, place))


def plan_latest(entry: Entry, place: Place) -> Plan | None:
    """Return what is to be done so that ``latest`` stands for the latest version; None if that is not published."""
    if entry.latest is None:
        return None
    tags, version = place.tags(), str(entry.latest.version)
    document = place.at(version) if version in tags else None
    if document is None or not _holds(document, entry.latest.digest):
        return None
    return Plan(place, document, version, _unset(["latest"], document, tags, place))


def push_release(plan: Plan, handover: Handover | None = None) -> None:
    """Push the content of *handover*, what is not there of it, then write the tags of *plan*.

    Raises:
        RegistryError: The registry cannot be reached or refuses, or somebody else has taken the release's tag.
    """
    registry, repository = plan.place.registry, plan.place.repository
    if handover is not None:
        push(handover.layout, handover.index, registry, repository)
    for tag in plan.tags:
        if tag == plan.release and plan.place.at(tag) is not None:
            raise RegistryError(
                f"{plan.place}:{tag} was written by somebody else just now, and never moves", hint="push again"
            )
        registry.put_manifest(repository, plan.document, tag=tag)


def _release_tag(version: str, digest: Digest, tags: tuple[str, ...], place: Place) -> str:
    """Return the newest ``<version>-r<N>`` that stands for *digest*, or else the next one that is free."""
    known = re.compile(rf"{re.escape(version)}-r([1-9][0-9]{{0,8}})")
    numbers = sorted((int(match[1]) for tag in tags if (match := known.fullmatch(tag))), reverse=True)
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


def _missing_of(entry: Entry, wanted: list[ModelVersion], place: Place, kept: set[str]) -> list[Missing]:
    note = ""
    try:
        tags = place.tags()
    except RegistryError as error:
        if error.status not in _DENIED:
            raise
        tags, note = (), f"{place} cannot be seen ({error.status}): taken as not there"
    listed = [one for one in wanted if str(one.version) in kept or not _is_published(one, tags, place)]
    return [_missing(entry, one, note) for one in listed]


def _missing(entry: Entry, version: ModelVersion, note: str) -> Missing:
    return Missing(
        name=str(entry.name),
        version=str(version.version),
        digest=str(version.digest),
        python=str(version.document["python"]),
        recipe=entry.recipe,
        note=note if entry.recipe else "the entry has no recipe: push its package by hand",
    )


def _is_published(version: ModelVersion, tags: tuple[str, ...], place: Place) -> bool:
    tag = str(version.version)
    if tag not in tags or not any(one.startswith(f"{tag}-r") for one in tags):
        return False
    document = place.at(tag)
    return document is not None and _holds(document, version.digest)


def _holds(document: Manifest | Index, digest: Digest) -> bool:
    """Tell whether *document* is a release of the package with manifest *digest*."""
    return isinstance(document, Index) and any(child.digest == digest for child in document.manifests)
