"""Which versions of the catalog its registry lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.errors import RegistryError
from modelport.publish.publishable import is_publishable, latest_publishable
from modelport.publish.release import holds, release_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.catalog import Entry, ModelVersion
    from modelport.publish.release import Place

__all__ = ["DENIED", "Missing", "missing_versions"]

DENIED = {401, 403}
"""How a registry says that it does not let us see something, or that it is not there."""


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
    entries: Iterable[Entry],
    place: Callable[[str], Place],
    *,
    audience: str,
    with_latest: bool = False,
    denied_is_missing: bool = False,
) -> list[Missing]:
    """Return the versions that the registry lacks and may have, oldest first in each entry.

    Args:
        entries: The catalog's entries.
        place: Where the releases of the model of that name lie.
        audience: Who sees the catalog.
        with_latest: Whether the latest version of each entry is among them though it is there.
        denied_is_missing: Whether a repository that the registry does not let us see is one that is not there: many
            registries answer so before the first push. Whoever pushes looks again, with the right to write.

    Raises:
        RegistryError: The registry cannot be reached, or does not let us see a repository.
    """
    found: list[Missing] = []
    for entry in entries:
        wanted = [one for one in reversed(entry.versions) if is_publishable(entry, one, audience)]
        if wanted:
            kept = latest_publishable(entry, audience) if with_latest else None
            there = place(str(entry.name))
            tags, note = _seen(there, denied_is_missing=denied_is_missing)
            listed = [one for one in wanted if one == kept or not _is_published(one, tags, there)]
            found += [_missing(entry, one, note) for one in listed]
    return found


def _seen(place: Place, *, denied_is_missing: bool) -> tuple[tuple[str, ...], str]:
    """Return the tags at *place*, and what is to be said of them."""
    try:
        return place.tags(), ""
    except RegistryError as error:
        if error.status not in DENIED:
            raise
        if not denied_is_missing:
            message = f"{place} cannot be seen, so nobody knows what it lacks: {error.message}"
            hint = f"{error.hint}; if nothing was ever pushed there: --denied-is-missing"
            raise RegistryError(message, status=error.status, hint=hint) from error
        return (), f"{place} cannot be seen ({error.status}): taken as not there"


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
    if tag not in tags or not release_numbers(tag, tags):
        return False
    document = place.at(tag)
    return document is not None and holds(document, version.digest)
