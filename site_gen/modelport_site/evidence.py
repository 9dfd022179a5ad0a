"""What was found out after a release; so far, when an entry was last rebuilt and came out the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reproduced", "last_reproduced"]

_SCHEMA = "modelport/evidence/1"
_OUTCOMES = {"identical": "the same bytes", "within-tolerance": "the same answers and figures within their tolerance"}


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A rebuild: its date, and in words how it came out and where."""

    date: str
    words: str


def last_reproduced(evidence: Mapping[str, Any] | None, release: Mapping[str, Any] | None) -> Reproduced | None:
    """Return the last rebuild of exactly this release, if there was one.

    Raises:
        FormatError: The document is another kind, or lacks a part.
    """
    if evidence is None or release is None:
        return None
    if evidence.get("schema") != _SCHEMA:
        raise FormatError(f"this is no evidence but {evidence.get('schema')}", hint=f"give a document of {_SCHEMA}")
    try:
        mine = [
            one
            for one in evidence["reproduced"]
            if (one["version"], one["digest"]) == (release["version"], release["digest"])
        ]
        found = [Reproduced(one["date"], f"{_OUTCOMES[one['outcome']]}, {_place(one)}") for one in mine]
    except (KeyError, TypeError) as error:
        raise FormatError(f"the evidence of {evidence.get('model')} lacks or misspells {error}") from error
    return max(found, key=lambda one: one.date, default=None)


def _place(one: Mapping[str, Any]) -> str:
    return f"on {one['platform']} with Python {one['python']}"
