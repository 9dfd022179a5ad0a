"""What was found out after a release: when it was last rebuilt and came out the same, and what devices measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.edge.field import FieldClass, field_classes, records_for
from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reproduced", "in_the_field", "last_reproduced"]

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
    _check_kind(evidence)
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


def in_the_field(evidence: Mapping[str, Any] | None, release: Mapping[str, Any] | None) -> dict[str, FieldClass]:
    """Return what devices in use measured of exactly this release, by their class, sorted by it.

    Raises:
        FormatError: The document is another kind, or lacks a part.
    """
    if evidence is None or release is None:
        return {}
    _check_kind(evidence)
    try:
        return field_classes(records_for(evidence, release["digest"]))
    except (KeyError, TypeError) as error:
        raise FormatError(f"the evidence of {evidence.get('model')} lacks or misspells {error}") from error


def _check_kind(evidence: Mapping[str, Any]) -> None:
    if evidence.get("schema") != _SCHEMA:
        raise FormatError(f"this is no evidence but {evidence.get('schema')}", hint=f"give a document of {_SCHEMA}")


def _place(one: Mapping[str, Any]) -> str:
    return f"on {one['platform']} with Python {one['python']}"
