"""Which rules are checked for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.catalog.folder import RawEntry
    from modelport.catalog.problem import Problem

__all__ = ["check_entry"]


def check_entry(raw: RawEntry) -> list[Problem]:
    """Return what is wrong with an entry by itself."""
    found = [*raw.problems, *raw.model.problems]
    for document in raw.versions.values():
        found += document.problems
    return sorted(found)
