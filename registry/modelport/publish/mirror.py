"""Mirrors: the releases of a catalog in another place, in a file or in another registry, with all that refers to them.

A release is mirrored byte for byte with its tags, ``<version>-r<N>`` first, then ``<version>``, then ``latest``, so a
catalog whose settings name the mirror pulls from it what it pins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.catalog import load_catalog
from modelport.errors import FormatError, IntegrityError, NotFoundError, RegistryError
from modelport.oci import Layout
from modelport.oci.archive import contents
from modelport.oci.copy import copy, deliver, gather, set_tag
from modelport.oci.plan import lacking
from modelport.oci.pull_referrers import pull_referrers
from modelport.oci.referrers import by_subject
from modelport.package.partial import part_only
from modelport.package.store import Access, Kept, find_package, pull_package, registry_of
from modelport.publish.publishable import is_publishable
from modelport.publish.release import Place, holds, is_release_tag, place_of, release_numbers
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.oci import Descriptor
    from modelport.oci.archive_file import Archive
    from modelport.oci.progress import Progress
    from modelport.settings import Settings

__all__ = ["Pinned", "copy_release", "deliver_archive", "fetch_reference", "fetch_release", "pinned_versions"]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A version of the catalog, and the digest that it pins."""

    name: str
    version: str
    digest: Digest

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


def pinned_versions(references: Sequence[Reference], settings: Settings) -> list[Pinned]:
    """Return the versions that *references* mean, ``NAME`` or ``NAME:VERSION``; without any, all of the catalog.

    Versions that are not to be published (drafts, yanked ones) count only when they are named.

    Raises:
        InputError: There is no catalog here.
        NotFoundError: The catalog has none that is meant.
    """
    catalog = settings.need_catalog(instead="run this inside a catalog's repository, or give whole references")
    entries = {str(entry.name): entry for entry in load_catalog(catalog, audience=settings.audience)}
    found = []
    for name, tag in [(one.repository, one.tag) for one in references] or [(name, None) for name in entries]:
        if name not in entries:
            raise NotFoundError(f"the catalog has no model {name}", hint="modelport list shows what it has")
        entry = entries[name]
        wanted = [
            one
            for one in entry.versions
            if (tag == str(one.version) if tag else is_publishable(entry, one, settings.audience))
        ]
        if not wanted and references:
            known = ", ".join(str(one.version) for one in entry.versions) or "none"
            raise NotFoundError(
                f"the catalog has no {name}:{tag}" if tag else f"no version of {name} is to be published",
                hint=f"its versions are: {known}",
            )
        found += [Pinned(name, str(one.version), one.digest) for one in wanted]
    return found


def fetch_release(one: Pinned, settings: Settings, *, progress: Progress | None = None) -> dict[str, Descriptor]:
    """Pull a release into the store with what refers to it; return its tags, as ``NAME:TAG``.

    Where the catalog has no registry, what the store has is taken.

    Raises:
        NotFoundError: It is nowhere, or in the store in part only.
        IntegrityError: The registry has another package under that version.
    """
    if settings.registry is None:
        kept = find_package(settings.store, Reference(None, one.name, one.version, one.digest))
        if kept is None:
            raise NotFoundError(
                f"{one} is not in the store ({settings.store}), and the catalog has no registry",
                hint="pack it or pull it before, or name only what is there: modelport store list",
            )
        if absent := lacking(Layout(settings.store), kept.index):
            raise part_only(str(one), absent, f"modelport pull --kind all --variant all {one} brings the rest")
        return {str(one): kept.index}
    place = place_of(one.name, settings)
    remote = Reference(place.registry.host, place.repository, one.version)
    kept = pull_package(
        settings.store, remote, name=str(one), digest=one.digest, access=Access.of(settings), progress=progress
    )
    _fetch_referrers(kept, place, settings, progress)
    return {f"{one.name}:{tag}": kept.index for tag in _tags(place, one.version, kept.index.digest)}


def fetch_reference(
    reference: Reference, settings: Settings, *, progress: Progress | None = None
) -> dict[str, Descriptor]:
    """Pull ``HOST/REPOSITORY[:TAG][@DIGEST]`` into the store with what refers to it; return its tag.

    Raises:
        NotFoundError: The registry has no such repository, tag or digest.
    """
    access = Access.of(settings)
    kept = pull_package(settings.store, reference, access=access, progress=progress)
    place = Place(registry_of(str(reference.host), access), reference.repository)
    _fetch_referrers(kept, place, settings, progress)
    return {kept.name: kept.index}


def copy_release(one: Pinned, source: Place, target: Place, *, progress: Progress | None = None) -> Digest:
    """Copy a release from one registry to another with its tags and what refers to it; return its digest.

    Raises:
        NotFoundError: The source lacks it.
        IntegrityError: The source has another package under that version than the catalog pins.
        RegistryError: A release's tag stands for something else in the target already.
    """
    document = source.registry.manifest(source.repository, one.version)
    if not holds(document, one.digest):
        raise IntegrityError(f"{source}:{one.version} is not the package {one.digest} that the catalog pins")
    digest = document.descriptor.digest
    tags = _tags(source, one.version, digest)
    _check_releases(target, tags, digest)
    copy(
        source.registry, source.repository, digest, target.registry, target.repository,
        tags=tags, with_referrers=True, progress=progress,
    )  # fmt: skip
    return digest


def deliver_archive(
    archive: Archive, prefix: str, settings: Settings, *, progress: Progress | None = None
) -> dict[str, Digest]:
    """Bring what is in *archive* into the registry and under the *prefix* given; return what was written, by name.

    ``NAME:TAG`` becomes ``PREFIX/NAME:TAG``; of a whole reference, its host is replaced by the prefix.

    Raises:
        FormatError: A name in the archive cannot be one in a registry.
        NotFoundError: The archive lacks content that it needs.
        RegistryError: The registry cannot be reached or refuses, or a release's tag stands for something else there.
    """
    host, _, path = prefix.partition("/")
    registry = registry_of(host, Access.of(settings))
    places: dict[str, dict[str, Descriptor]] = {}
    for name, descriptor in archive.tags().items():
        places.setdefault(_repository(name), {})[name] = descriptor
    written: dict[str, Digest] = {}
    attached = by_subject(archive)
    for repository, named in sorted(places.items()):
        place = Place(registry, f"{path}/{repository}" if path else repository)
        tags = {tag: one for name, one in named.items() if (tag := Reference.parse(name).tag) is not None}
        for tag, one in tags.items():
            _check_releases(place, [tag], one.digest)
        found = contents(archive, named, attached=attached)
        deliver(found, archive.chunks, registry, place.repository, progress=progress)
        for tag in _ordered(tags):
            set_tag(registry, place.repository, found.documents[tags[tag].digest], tag)
        for name, one in named.items():
            known = Reference.parse(name)
            written[str(Reference(host, place.repository, known.tag))] = one.digest
    return written


def _fetch_referrers(kept: Kept, place: Place, settings: Settings, progress: Progress | None) -> None:
    layout = Layout(settings.store)
    subjects = gather(layout.read, [kept.index]).documents
    pull_referrers(place.registry, place.repository, subjects, layout, progress=progress)


def _tags(place: Place, version: str, digest: Digest) -> list[str]:
    """Return the tags of a release, in the order in which they are to be written; some may not be there."""
    tags = place.tags()
    wanted = [*(f"{version}-r{number}" for number in release_numbers(version, tags)), version, "latest"]
    there = [(tag, place.at(tag)) for tag in wanted if tag in tags]
    return [tag for tag, one in there if one is not None and one.descriptor.digest == digest]


def _ordered(tags: Iterable[str]) -> list[str]:
    """Sort tags as they are to be written: releases, then versions, then ``latest``."""
    return sorted(tags, key=lambda tag: (tag == "latest", not is_release_tag(tag), tag))


def _check_releases(place: Place, tags: Iterable[str], digest: Digest) -> None:
    """Raise RegistryError when a release's tag, which never moves, stands for something else already."""
    for tag in tags:
        # Asked for writing: some deny even the question about a repository that is not there yet.
        if not is_release_tag(tag) or not place.registry.has_manifest(place.repository, tag, writing=True):
            continue
        there = place.at(tag)
        if there is not None and there.descriptor.digest != digest:
            raise RegistryError(
                f"{place}:{tag} stands for {there.descriptor.digest}, not for {digest}, and never moves",
                hint="mirror into a prefix of its own",
            )


def _repository(name: str) -> str:
    try:
        return Reference.parse(name).repository
    except FormatError as error:
        raise FormatError(
            f"{name!r} in the archive cannot be a name in a registry: {error.message}",
            hint="import it into the store, and push it from there",
        ) from error
