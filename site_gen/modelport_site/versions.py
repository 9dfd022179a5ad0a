"""The versions of a model as its pages show them: changes, what was yanked, pairs to compare."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelport_site.diff import GROUPS, changes_between, compare, facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport_site.diff import Group, Row

__all__ = ["Pair", "VersionView", "chosen_version", "compare_data", "pairs", "view_versions"]


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version in the list of versions.

    Attributes:
        document: The version's own document.
        latest: Whether it is the version to use.
        yanked: Why nobody should use it, or nothing.
        pair: The id of its comparison with the version before, or nothing.
    """

    document: Mapping[str, Any]
    latest: bool
    yanked: str
    pair: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions side by side.

    Attributes:
        id: The id of their section on the compare page.
        changes: What the publisher says was changed, by kind.
        groups: What differs, and all metrics.
    """

    id: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    changes: list[tuple[str, list[str]]]
    groups: list[tuple[Group, list[Row]]]


def chosen_version(model: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the version that the page is about: the latest, or the newest where each one is yanked."""
    found = [v for v in model["versions"] if v["version"] == model["latest"]] or model["versions"]
    return found[0] if found else None


def view_versions(model: Mapping[str, Any]) -> tuple[VersionView, ...]:
    """Return the versions, newest first."""
    yanked = _yanked(model)
    older = [*model["versions"], None][1:]
    return tuple(
        VersionView(
            version,
            version["version"] == model["latest"],
            yanked.get(version["version"], ""),
            _pair_id(before, version) if before else "",
        )
        for version, before in zip(model["versions"], older, strict=True)
    )


def pairs(model: Mapping[str, Any]) -> tuple[Pair, ...]:
    """Return each version with the one before, newest first."""
    versions = model["versions"]
    return tuple(
        Pair(
            _pair_id(old, new),
            old,
            new,
            changes_between(versions, old["version"], new["version"]),
            compare(facts_of(old), facts_of(new)),
        )
        for new, old in pairwise(versions)
    )


def compare_data(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the compare page's script reads: the facts of each version, newest first."""
    return {
        "schema": "modelport/site-compare/1",
        "groups": [{"id": group.id, "title": group.title, "all": group.all} for group in GROUPS],
        "versions": [
            {
                "version": version["version"],
                "changes": version["changes"],
                "facts": {
                    key: [[label, fact.shown, fact.exact] for label, fact in facts.items()]
                    for key, facts in facts_of(version).items()
                },
            }
            for version in model["versions"]
        ],
    }


def _yanked(model: Mapping[str, Any]) -> dict[str, str]:
    return {one["version"]: one["reason"] for one in model.get("yanked", ())}


def _pair_id(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return f"v{old['version']}-to-{new['version']}"
