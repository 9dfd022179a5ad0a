"""An entry: one model's folder in ``catalog/models/``, after every check of a single entry has passed.

What a person writes and what a tool writes is parsed here once; whoever holds an :class:`Entry` need not check again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.catalog.check import check_entry
from modelport.catalog.folder import RawEntry, entry_folders, read_entry
from modelport.catalog.upgrade import upgrade_model, upgrade_version
from modelport.errors import FormatError, NotFoundError
from modelport.types import Digest, Name, Version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Entry", "ModelVersion", "entry_of", "load_catalog", "load_entry"]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """An immutable release of a model.

    Attributes:
        version: Its number.
        digest: The digest of its ModelPack manifest.
        document: ``versions/<version>.yaml`` in the newest form, without ``schema``.
    """

    version: Version
    digest: Digest
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked entry.

    Attributes:
        name: The model's name.
        model: ``model.yaml`` in the newest form, whatever form it is written in, without ``schema``.
        card: The Markdown of ``card.md``.
        versions: Its versions, newest first.
        variants: What is known of versions' variants: the documents of ``variants/<version>.yaml``, without ``schema``.
        recipe: Whether it holds a recipe.
        folder: Where it lies.
    """

    name: Name
    model: Mapping[str, Any]
    card: str
    versions: tuple[ModelVersion, ...]
    recipe: bool
    folder: Path
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def yanked(self) -> Mapping[str, str]:
        """The versions that nobody should use any more, and why."""
        return {one["version"]: one["reason"] for one in self.model.get("yanked", ())}

    @property
    def latest(self) -> ModelVersion | None:
        """The newest version that is neither yanked nor a prerelease; else the newest prerelease; or None."""
        usable = [v for v in self.versions if str(v.version) not in self.yanked]
        releases = (v for v in usable if not v.version.prerelease)
        return next(releases, None) or next(iter(usable), None)


def load_entry(folder: Path) -> Entry:
    """Read the entry in *folder*; it may wait for its first version, whatever its lifecycle.

    Raises:
        NotFoundError: There is no such folder.
        FormatError: The entry has problems; all of them are in the message.
    """
    if not folder.is_dir():
        raise NotFoundError(f"there is no entry in {folder}: no such folder")
    raw = read_entry(folder, shown=str(folder))
    problems, _ = check_entry(raw)
    if problems:
        raise FormatError(
            f"the entry in {folder} has problems:\n" + "\n".join(map(str, problems)),
            hint="mend them; `modelport check` shows them, too",
        )
    return entry_of(raw)


def load_catalog(folder: Path, *, audience: str = "internal") -> list[Entry]:
    """Read all entries of the catalog in *folder* (which holds ``models/``), sorted by name.

    Args:
        folder: The catalog's folder.
        audience: Who will see what is read: ``public`` refuses entries that are internal.

    Raises:
        NotFoundError: There is no such folder.
        FormatError: An entry has problems, or is not for that audience.
    """
    if not folder.is_dir():
        raise NotFoundError(f"there is no catalog in {folder}: no such folder")
    entries = [load_entry(one) for one in entry_folders(folder)]
    internal = [str(entry.name) for entry in entries if entry.model["audience"] == "internal"]
    if internal and audience == "public":
        raise FormatError(
            f"{', '.join(internal)} in {folder} must not be public",
            hint="take such entries out; or, where only your own people see the catalog, write audience ="
            ' "internal" under [catalog] in modelport.toml',
        )
    return entries


def entry_of(raw: RawEntry) -> Entry:
    """Return the entry of what was read and has passed every check of a single entry."""
    versions = [_version(document.value) for document in raw.versions.values()]
    return Entry(
        name=Name.parse(raw.model.value["name"]),
        model=upgrade_model(raw.model.value),
        card=raw.card,
        versions=tuple(sorted(versions, key=lambda v: v.version, reverse=True)),
        recipe=raw.has_recipe,
        folder=raw.folder,
        variants={stem: _without_schema(document.value) for stem, document in raw.variants.items()},
    )


def _without_schema(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "schema"}


def _version(document: dict[str, Any]) -> ModelVersion:
    return ModelVersion(
        version=Version.parse(document["version"]),
        digest=Digest.parse(document["digest"]),
        document=upgrade_version(document),
    )
