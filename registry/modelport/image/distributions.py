"""Installed distributions, as their own metadata describes them: what an image's SBOM says of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

from modelport.package.locks import canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelport.package.locks import Pin

__all__ = ["Distribution", "Needs", "read_distributions", "read_needs"]

Needs = dict[str, tuple[str, ...]]
"""What each installed distribution needs: ``Requires-Dist`` by canonical name."""

_LONGEST = 100  # some put the whole text of the licence in its place


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution in an image.

    Attributes:
        name: Its canonical name.
        version: Its version.
        expression: Its licence as an SPDX expression, where it says one.
        licenses: Its licences in its own words, where it says none.
        hashes: ``sha256:...`` of the files of which the lock admits any.
        needs: What it needs in turn (``Requires-Dist``).
    """

    name: str
    version: str
    expression: str
    licenses: tuple[str, ...]
    hashes: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Distribution:
        """Read what ``to_json`` wrote."""
        name, version, expression = (str(document[key]) for key in ("name", "version", "expression"))
        licenses, hashes, needs = (tuple(map(str, document[key])) for key in ("licenses", "hashes", "needs"))
        return cls(name, version, expression, licenses, hashes, needs)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def read_distributions(folder: Path, pins: Iterable[Pin]) -> list[Distribution]:
    """Return the distributions installed in *folder*, sorted by name; *pins* are what they were installed from."""
    hashes = {pin.name: pin.hashes for pin in pins}
    found = []
    for metadata in _metadata(folder):
        name = canonical_name(str(metadata["Name"]))
        said = (str(metadata["License"] or ""), *_classified(metadata))
        expression = str(metadata["License-Expression"] or "")
        short = () if expression else tuple(sorted(set(filter(_is_a_name, said))))
        version = str(metadata["Version"])
        found.append(Distribution(name, version, expression, short, hashes.get(name, ()), _needs(metadata)))
    return sorted(found, key=lambda one: one.name)


def read_needs(folder: Path) -> Needs:
    """Return what the distributions installed in *folder* say that they need."""
    return {canonical_name(str(one["Name"])): _needs(one) for one in _metadata(folder)}


def _needs(metadata: Any) -> tuple[str, ...]:  # noqa: ANN401 - a message of headers
    return tuple(map(str, metadata.get_all("Requires-Dist") or ()))


def _metadata(folder: Path) -> Iterable[Any]:
    for file in sorted(folder.glob("*.dist-info/METADATA")):
        yield HeaderParser().parsestr(file.read_text("utf-8", "replace"))


def _is_a_name(text: str) -> bool:
    return text not in {"", "UNKNOWN"} and len(text) <= _LONGEST and "\n" not in text


def _classified(metadata: Any) -> list[str]:  # noqa: ANN401 - a message of headers
    prefix = "License :: "
    classifiers = (str(one) for one in metadata.get_all("Classifier") or ())
    return [one.rpartition(" :: ")[2] for one in classifiers if one.startswith(prefix)]
