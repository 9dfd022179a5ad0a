"""Profiles of devices and networks: ``catalog/devices/<id>.yaml`` and ``catalog/networks/<id>.yaml``, read and checked.

A profile says what a kind of device or network is, and where its figures come from: a publication, or a measurement.
What is not known of it is left out. Whoever wants to reckon with one asks ``modelport.edge.profiles`` for its values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.catalog.folder import profile_files
from modelport.catalog.single import check_profile
from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Profiles", "ReadProfiles", "load_profiles", "read_profiles"]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of a catalog, each without ``schema``, by the name of its file, sorted by it.

    Attributes:
        devices: The devices.
        networks: The networks between devices and edge servers.
    """

    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadProfiles:
    """What could be read of a catalog's profiles.

    Attributes:
        sound: Those without problems.
        broken: What is wrong with each of the other files, a text for each problem, by its way from the catalog:
            ``devices/<id>.yaml``.
    """

    sound: Profiles
    broken: Mapping[str, Sequence[str]]


def load_profiles(catalog: Path) -> Profiles:
    """Read the profiles of the catalog in the folder *catalog*; there need be none.

    Raises:
        FormatError: Some have problems; all of them are in the message.
    """
    found = read_profiles(catalog)
    if found.broken:
        problems = [problem for file in found.broken.values() for problem in file]
        raise FormatError(
            f"the profiles in {catalog} have problems:\n" + "\n".join(problems),
            hint="mend them; `modelport check` shows them, too",
        )
    return found.sound


def read_profiles(catalog: Path) -> ReadProfiles:
    """Read the profiles of the catalog in the folder *catalog*; the problems of one stop no other."""
    sound: dict[str, dict[str, Any]] = {"devices": {}, "networks": {}}
    broken: dict[str, list[str]] = {}
    for file in profile_files(catalog):
        problems, content = _read(file)
        if problems:
            broken[f"{file.parent.name}/{file.name}"] = problems
        else:
            sound[file.parent.name][file.stem] = content
    return ReadProfiles(Profiles(**sound), broken)


def _read(file: Path) -> tuple[list[str], dict[str, Any]]:
    """Return what is wrong with a profile's file, and what it says."""
    try:
        wrong, document = check_profile(file, str(file))
    except OSError as error:
        return [f"{file}: cannot be read: {error.strerror or error}"], {}
    if wrong:
        return [str(problem) for problem in sorted(wrong)], {}
    return [], {key: value for key, value in document.value.items() if key != "schema"}
