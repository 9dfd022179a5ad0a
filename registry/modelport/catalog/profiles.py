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
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Profiles", "load_profiles"]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of a catalog, each without ``schema``, by the name of its file, sorted by it.

    Attributes:
        devices: The devices.
        networks: The networks between devices and edge servers.
    """

    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load_profiles(catalog: Path) -> Profiles:
    """Read the profiles of the catalog in the folder *catalog*; there need be none.

    Raises:
        FormatError: Some have problems; all of them are in the message.
    """
    found: dict[str, dict[str, Any]] = {"devices": {}, "networks": {}}
    problems = []
    for file in profile_files(catalog):
        wrong, document = check_profile(file, str(file))
        problems += wrong
        found[file.parent.name][file.stem] = {key: value for key, value in document.value.items() if key != "schema"}
    if problems:
        raise FormatError(
            f"the profiles in {catalog} have problems:\n" + "\n".join(map(str, sorted(problems))),
            hint="mend them; `modelport check` shows them, too",
        )
    return Profiles(**found)
