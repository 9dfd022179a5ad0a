"""What may be published at all: one answer for whoever lists, builds, pushes, or moves the tag ``latest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import InputError

if TYPE_CHECKING:
    from modelport.catalog import Entry, ModelVersion

__all__ = ["check_publishable", "is_publishable", "latest_publishable"]


def is_publishable(entry: Entry, version: ModelVersion, audience: str) -> bool:
    """Tell whether *version* of *entry* may go to the registry of a catalog for that *audience*."""
    return not _obstacle(entry, version, audience)


def check_publishable(entry: Entry, version: ModelVersion, audience: str) -> None:
    """Check that *version* of *entry* may go to the registry of a catalog for that *audience*.

    Raises:
        InputError: It may not; the message says why.
    """
    why = _obstacle(entry, version, audience)
    if why:
        raise InputError(
            f"{entry.name} {version.version} is not to be published: {why}",
            hint="model.yaml says so (lifecycle, yanked, audience): change it there in a reviewed commit, or leave it",
        )


def latest_publishable(entry: Entry, audience: str) -> ModelVersion | None:
    """Return the version that ``latest`` is to stand for, or None when there is none that may be published."""
    latest = entry.latest
    return latest if latest is not None and is_publishable(entry, latest, audience) else None


def _obstacle(entry: Entry, version: ModelVersion, audience: str) -> str:
    """Return why *version* may not be published, or nothing."""
    if entry.model["lifecycle"] in {"draft", "yanked"}:
        return f"the model is {'a draft' if entry.model['lifecycle'] == 'draft' else 'yanked'}"
    if str(version.version) in entry.yanked:
        return "this version is yanked"
    if audience == "public" and entry.model["audience"] != "public":
        return f"the model is {entry.model['audience']}, and this catalog is public"
    return ""
