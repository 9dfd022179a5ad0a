"""Evidence: facts about a release that change after it, kept beside the store and never in the entry.

Two kinds so far: when an entry was rebuilt from its recipe and came out as published, and what devices in use measured
of its variants (`modelport.publish.field`). A document is ``evidence/<name>.json`` beside the store
(``schemas/evidence.schema.json``). Others may have written it, so it is checked whenever it is read.
"""

from __future__ import annotations

import datetime as dt
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from modelport.errors import FormatError, InputError
from modelport.oci.manifest import canonical_json, parse_json
from modelport.oci.store.files import locked, write_atomically
from modelport.publish.field import newest_records
from modelport.schema import accepts, validator
from modelport.types import Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.catalog import Entry, ModelVersion
    from modelport.publish.build import Built
    from modelport.settings import Settings

__all__ = [
    "LIMIT",
    "Outcome",
    "Reproduction",
    "evidence_document",
    "evidence_folder",
    "merged",
    "parse_evidence",
    "read_evidence",
    "record_build",
    "record_field",
    "record_reproduction",
    "write_evidence",
]

Outcome = Literal["identical", "within-tolerance"]

_SCHEMA = "modelport/evidence/1"
LIMIT = 1024 * 1024
"""The bytes that a document may have."""

_KEPT = 64
_HINT = "remove the file: the next rebuild writes a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A rebuild of a version from its recipe that came out as published.

    Attributes:
        version: The version.
        digest: The digest that the entry pins for it.
        date: The day, in UTC.
        outcome: The same bytes, or the same answers and figures within their tolerance.
        platform: The system and the machine, for instance ``linux x86_64``.
        python: The Python, for instance ``3.11``.
    """

    version: str
    digest: str
    date: str
    outcome: Outcome
    platform: str
    python: str

    @classmethod
    def now(cls, version: ModelVersion, outcome: Outcome) -> Reproduction:
        """Return what is to be said of a rebuild that was done just now, here."""
        return cls(
            version=str(version.version),
            digest=str(version.digest),
            date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
            outcome=outcome,
            platform=f"{sys.platform} {platform.machine()}",
            python=".".join(map(str, sys.version_info[:2])),
        )

    def to_json(self) -> dict[str, str]:
        """Return the form that documents hold."""
        return {key: str(getattr(self, key)) for key in self.__slots__}


def evidence_folder(settings: Settings) -> Path:
    """Return where evidence is kept: beside the store."""
    return settings.evidence


def evidence_document(
    model: str, reproduced: Sequence[Reproduction], field: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the evidence of *model*: its rebuilds, and the records of what devices measured."""
    whole = {"schema": _SCHEMA, "model": model, "reproduced": [one.to_json() for one in reproduced]}
    return whole | ({"field": list(field)} if field else {})


def parse_evidence(raw: bytes, where: str, *, model: str | None = None) -> dict[str, Any]:
    """Return the evidence document in *raw*, checked; it must speak of *model*, where one is given.

    Raises:
        FormatError: It is none; *where* it stood and all problems are in the message.
    """
    document = parse_json(raw, where, LIMIT)
    if not accepts("evidence", document):
        errors = sorted(validator("evidence").iter_errors(document), key=lambda e: list(map(str, e.path)))
        if errors:
            told = "; ".join(f"{'.'.join(map(str, e.path)) or '(top)'}: {e.message[:200]}" for e in errors[:5])
            raise FormatError(f"{where} is not evidence: {told}", hint=_HINT)
    for one in [*document["reproduced"], *document.get("field", ())]:
        try:
            Version.parse(one["version"])
        except FormatError as error:
            raise FormatError(f"{where} is not evidence: {error.message}", hint=_HINT) from error
    if model is not None and document["model"] != model:
        raise FormatError(f"{where} speaks of {document['model']}, not of {model}", hint=_HINT)
    return document


def read_evidence(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the documents in *folder* by their models' names; empty when there is no such folder.

    Raises:
        InputError: *folder* is not one.
        FormatError: Files in it are no evidence; all of them are in the message.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="give the folder that holds NAME.json for each model")
    found, problems = {}, []
    for file in sorted(folder.glob("*.json")):
        try:
            found[file.stem] = _read(file)
        except FormatError as error:
            problems.append(error.message)
    if problems:
        raise FormatError("; ".join(problems), hint=_HINT)
    return found


def record_reproduction(folder: Path, model: str, one: Reproduction) -> Path:
    """Add *one* to the evidence of *model* in *folder*, newest first, and return the file.

    Raises:
        FormatError: The file is there and is no evidence; it is left as it is.
    """
    return _record(folder, evidence_document(model, [one]))


def record_field(folder: Path, model: str, records: Sequence[Mapping[str, Any]]) -> Path:
    """Add what devices measured to the evidence of *model* in *folder*, newest first, and return the file.

    Raises:
        FormatError: The file is there and is no evidence; it is left as it is.
    """
    return _record(folder, evidence_document(model, (), records))


def _record(folder: Path, document: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{document['model']}.json"
    with locked(folder / ".lock"):
        known = _read(file) if file.exists() else None
        return write_evidence(folder, merged(document, known))


def merged(new: Mapping[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what two documents say of one model, newest first and each thing once; the oldest is forgotten."""
    before: Mapping[str, Any] = known or {}
    told = list(new["reproduced"])
    told += [one for one in before.get("reproduced", ()) if one not in told]
    told.sort(key=lambda one: str(one["date"]), reverse=True)
    field = newest_records([*new.get("field", ()), *before.get("field", ())])
    whole = {"schema": _SCHEMA, "model": new["model"], "reproduced": told[:_KEPT]}
    return whole | ({"field": field} if field else {})


def write_evidence(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write *document* into *folder*, in place of what is there of its model, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{document['model']}.json"
    write_atomically(file, canonical_json(document) + b"\n", scratch=folder)
    return file


def record_build(entry: Entry, built: Built, settings: Settings) -> Path | None:
    """Record that *built* reproduced the latest version of *entry*, if it did; nothing for a build that was reused."""
    version = entry.latest
    if built.reused or version is None:
        return None
    same = built.kept.manifest.digest == version.digest
    if not same and not built.rebuilt:
        return None
    one = Reproduction.now(version, "identical" if same else "within-tolerance")
    return record_reproduction(evidence_folder(settings), str(entry.name), one)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FormatError(f"{file} is not a file", hint=_HINT)
    with file.open("rb") as opened:
        return parse_evidence(opened.read(LIMIT + 1), str(file), model=file.stem)
