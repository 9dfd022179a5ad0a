"""Which versions of the catalog its registry lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import RegistryError
from modelport.publish.release import holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.catalog import Entry, ModelVersion
    from modelport.publish.release import Place

__all__ = ["Missing", "missing_versions"]

_DENIED = {401, 403}


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
    return document is not None and holds(document, version.digest)
