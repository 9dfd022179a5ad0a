"""What is checked of which paths: entries by themselves, entries with those around them, profiles, single files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.catalog.document import printable
from modelport.catalog.files import LIMITS, VERSION_LIMIT, read_file
from modelport.catalog.folder import PROFILES, RawEntry, entry_folders, profile_files, read_entry, stray_file
from modelport.catalog.halves import map_in_halves
from modelport.catalog.problem import Problem
from modelport.catalog.reader import read_yaml
from modelport.catalog.rules.catalog import SoundEntry, check_catalog, look_around
from modelport.catalog.rules.lifecycle import check_audience, check_published
from modelport.catalog.rules.names import check_folder_name
from modelport.catalog.rules.placeholders import check_placeholder_files
from modelport.catalog.rules.recipe import check_recipe
from modelport.catalog.rules.variants import check_devices, check_parent
from modelport.catalog.rules.versions import check_file_name, check_order
from modelport.catalog.settings_file import read_settings
from modelport.catalog.single import (
    VersionCheck,
    check_document,
    check_model_file,
    check_profile,
    check_settings,
    check_variants_file,
    check_version_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Checked", "VersionCheck", "check_all", "check_entry", "check_paths"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        problems: All problems, sorted.
        entries: The entries that were checked and have no problem of their own, sorted by folder.
    """

    problems: list[Problem]
    entries: list[RawEntry]


def check_paths(
    paths: Sequence[Path],
    catalog: Path | None = None,
    *,
    root: Path | None = None,
    audience: str = "public",
    extra_checks: Sequence[VersionCheck] = (),
) -> list[Problem]:
    """Return what is wrong with *paths*, sorted; see :func:`check_all`."""
    return check_all(paths, catalog, root=root, audience=audience, extra_checks=extra_checks).problems


def check_all(
    paths: Sequence[Path],
    catalog: Path | None = None,
    *,
    root: Path | None = None,
    audience: str = "public",
    extra_checks: Sequence[VersionCheck] = (),
) -> Checked:
    """Check *paths*, or the whole catalog when there are none.

    Args:
        paths: Catalogs (a folder that holds ``models/``), entries, files of entries (then their entry is checked),
            profiles of devices and networks or their folders, and single files: YAML that says its schema, and settings
            in TOML.
        catalog: The catalog, whose other entries names, digests and successors are compared with.
        root: Files are named from here; the working directory when it is None.
        audience: Who sees the catalog: ``public``, or ``internal``.
        extra_checks: Checks that need other rooms.

    Raises:
        OSError: A path is not there or cannot be read.
    """
    checking = _Checking(root=(root or Path.cwd()).absolute(), audience=audience, extra_checks=extra_checks)
    for path in paths or [p for p in [catalog] if p]:
        checking.add(path.absolute())
    return checking.finish(catalog.absolute() if catalog else None)


def check_entry(raw: RawEntry, extra_checks: Sequence[VersionCheck] = ()) -> tuple[list[Problem], SoundEntry]:
    """Return what is wrong with an entry by itself, and its sound parts."""
    found = [*raw.problems]
    model = check_model_file(raw.model, found, versions=raw.versions.keys())
    versions = {stem: check_version_file(one, found, extra_checks) for stem, one in raw.versions.items()}
    variants = {stem: check_variants_file(one, found) for stem, one in raw.variants.items()}
    found += check_folder_name(model, raw.folder.name)
    found += check_recipe(raw, model)
    found += check_placeholder_files(raw, model)
    for stem, version in versions.items():
        found += check_file_name(version, stem)
    for stem, one in variants.items():
        found += check_parent(one, stem, versions.get(stem))
    found += check_order(versions.values())
    return sorted(found), SoundEntry(raw.folder.name, model, versions, variants)


@dataclass(slots=True)
class _Checking:
    """One run: what is to be checked, and what was found."""

    root: Path
    audience: str
    extra_checks: Sequence[VersionCheck]
    entries: set[Path] = field(default_factory=set)
    profiles: set[Path] = field(default_factory=set)
    found: list[Problem] = field(default_factory=list)
    good: list[RawEntry] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Take in a path: a catalog, an entry, a folder of profiles, or a file."""
        if (path / "models").is_dir():
            self._add_catalog(path)
        elif path.is_dir() and path.name == "models":
            self._add_catalog(path.parent)
        elif path.is_dir() and path.name in {"versions", "variants"}:
            self.entries.add(path.parent)
        elif path.is_dir() and _holds_profiles(path):
            self.profiles.update(path.iterdir())
        elif path.is_dir():
            self.entries.add(path)
        elif _holds_profiles(path.parent):
            self.profiles.add(path)
        elif (entry := _entry_around(path)) is not None:
            self.entries.add(entry)
        else:
            self._check_file(path)

    def finish(self, catalog: Path | None) -> Checked:
        """Check the entries, and these with the rest of the catalog."""
        sound = []
        for raw, problems, entry in map_in_halves(self._check_folder, sorted(self.entries)):
            self.found += problems
            if not problems:
                self.good.append(raw)
            self.found += check_published(entry.model, len(raw.versions))
            self.found += check_audience(entry.model, self.audience if catalog else "internal")
            sound.append(entry)
        names = {entry.folder for entry in sound}
        others = entry_folders(catalog) if catalog else []
        around = look_around(folder for folder in others if folder.name not in names)
        self.found += check_catalog(sound, around)
        self._check_devices(sound, catalog)
        for file in sorted(self.profiles):
            self.found += check_profile(file, self._shown(file))[0]
        return Checked(sorted(set(self.found)), self.good)

    def _check_folder(self, folder: Path) -> tuple[RawEntry, list[Problem], SoundEntry]:
        raw = read_entry(folder, shown=self._shown(folder))
        return raw, *check_entry(raw, self.extra_checks)

    def _check_devices(self, entries: Iterable[SoundEntry], catalog: Path | None) -> None:
        devices = {file.stem for file in catalog.glob("devices/*.yaml")} if catalog else set()
        for one in [variants for entry in entries for variants in entry.variants.values()] if catalog else []:
            self.found += check_devices(one, devices)

    def _add_catalog(self, catalog: Path) -> None:
        self.entries.update(entry_folders(catalog))
        self.profiles.update(profile_files(catalog))
        for item in sorted((catalog / "models").iterdir()):
            if not item.is_dir() and item.name != ".gitkeep":
                self.found.append(stray_file(self._shown(item)))

    def _check_file(self, path: Path) -> None:
        name = self._shown(path)
        content = read_file(path, name, limit=LIMITS["model.yaml"] if path.suffix == ".toml" else VERSION_LIMIT)
        if isinstance(content, Problem):
            self.found.append(content)
        elif path.suffix == ".toml":
            check_settings(read_settings(content, name), self.found)
        else:
            self.found += check_document(read_yaml(content, name), self.extra_checks)

    def _shown(self, path: Path) -> str:
        return printable(path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path))


def _holds_profiles(folder: Path) -> bool:
    return folder.name in PROFILES and (folder.parent / "models").is_dir()


def _entry_around(file: Path) -> Path | None:
    """Return the entry that *file* belongs to, or None."""
    for folder in (file.parent, file.parent.parent):
        if file.name == "model.yaml" or (folder / "model.yaml").exists() or folder.parent.name == "models":
            return folder
    return None
