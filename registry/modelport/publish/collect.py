"""The files that edge servers exported, collected: read with suspicion, all that is wrong with them told at once.

They lie in the catalog, one folder for each edge server, and come there by pull requests::

    catalog/field/
    ├── shop-north/2026-10.json    modelport edge export FILE --period 2026-10
    └── shop-south/2026-10.json

The job that attaches them has the right to push, so nothing of a file is believed: each figure must be of a package
that the catalog has, under the name that it has there.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from modelport.catalog.files import read_file
from modelport.edge.documents import ORIGINAL
from modelport.errors import FormatError, NotFoundError
from modelport.oci.manifest import parse_json
from modelport.publish.field import Known, Released, field_records, wrong_figures
from modelport.schema import accepts, validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from modelport.catalog import Entry

__all__ = ["collect", "known_packages"]

_LIMIT = 16 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_TOLD = 20
"""How many problems with its form are told of one file."""
_HINT = (
    "export them anew with modelport edge export, or take them away; figures of packages that the catalog has no more"
    " stay in the evidence where they were attached before"
)


@dataclass(frozen=True, slots=True)
class _Exported:
    """A file without problems of its own."""

    file: Path
    server: str
    document: Mapping[str, Any]


def known_packages(entries: Iterable[Entry]) -> Known:
    """Return the packages that devices may have measured: each version's own, and its variants that can be used."""
    known: Known = {}
    for entry in entries:
        for one in entry.versions:
            name, version, digest = str(entry.name), str(one.version), str(one.digest)
            for variant in entry.variants.get(version, {}).get("variants", ()):
                if variant["status"] == "ok":
                    known[name, variant["digest"]] = Released(version, digest, variant["name"])
            known[name, digest] = Released(version, digest, ORIGINAL)
    return known


def collect(paths: Sequence[Path], known: Known, *, server: str = "") -> dict[str, list[dict[str, Any]]]:
    """Return what the files among *paths* make as evidence: the records of each model, by its name.

    Args:
        paths: Files, and folders that hold them; a folder's files lie in one folder for each server.
        known: The catalog's packages.
        server: The edge server of all of them; empty: what the folder is called in which each lies.

    Raises:
        NotFoundError: There is no such file or folder.
        FormatError: Files have problems; all of them are in the message, and nothing is taken.
    """
    exported, problems = [], []
    for file, name in _files(paths, server):
        document, wrong = _read(file, name, known)
        problems += [f"{file}: {one}" for one in dict.fromkeys(wrong)]
        exported += [_Exported(file, name, document)] if not wrong else []
    problems += [said for one, other in combinations(exported, 2) for said in _twice(one, other)]
    if problems:
        raise FormatError("what was measured in the field cannot be taken:\n" + "\n".join(problems), hint=_HINT)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in exported:
        for model, record in field_records(one.document, one.server, known):
            found.setdefault(model, []).append(record)
    return dict(sorted(found.items()))


def _files(paths: Sequence[Path], server: str) -> Iterator[tuple[Path, str]]:
    """Yield the files and the names of their servers; of a file for itself without a server, nothing."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                within = file.relative_to(path).parts
                yield file, server or (within[0] if len(within) > 1 else "")
        elif path.is_file():
            yield path, server
        else:
            raise NotFoundError(f"there is no file or folder {path}", hint="modelport edge export writes one")


def _read(file: Path, server: str, known: Known) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a file, and what is wrong with it."""
    wrong = [] if _NAME.fullmatch(server) else [_nameless(server)]
    content = read_file(file, str(file), limit=_LIMIT)
    if not isinstance(content, bytes):
        return {}, [*wrong, content.message]
    try:
        document = parse_json(content, "it", _LIMIT)
        form = [] if accepts("statistics", document) else list(_form(document))
    except (FormatError, RecursionError) as error:
        return {}, [*wrong, error.message if isinstance(error, FormatError) else "it is nested too deeply"]
    if form:
        return {}, wrong + form
    last = (dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=1)).date().isoformat()
    if document["to"] > last:
        wrong.append(f"it ends on {document['to']}, which is still to come: set the clock of its edge server")
    return document, [*wrong, *wrong_figures(document, known)]


def _nameless(server: str) -> str:
    if not server:
        return "it does not say of which edge server it is: put it into a folder called so, or add --server NAME"
    return f"{server!r} is no name of an edge server: write lower case letters, digits, '.', '_' and '-'"


def _form(document: Mapping[str, Any]) -> Iterator[str]:
    errors = sorted(validator("statistics").iter_errors(document), key=lambda error: list(map(str, error.path)))
    for error in errors[:_TOLD]:
        yield f"{'/'.join(map(str, error.absolute_path)) or '(top)'}: {error.message[:200]}"
    if len(errors) > _TOLD:
        yield f"and {len(errors) - _TOLD} problems more"


def _twice(one: _Exported, other: _Exported) -> Iterator[str]:
    """Yield a problem where two files of one server tell of the same days of the same devices."""
    days = max(one.document["from"], other.document["from"]), min(one.document["to"], other.document["to"])
    both = sorted(one.document["devices"].keys() & other.document["devices"].keys())
    if one.server == other.server and both and days[0] <= days[1]:
        yield (
            f"{other.file}: tells of {days[0]} to {days[1]} of {one.server}'s {', '.join(both[:3])}, and so does"
            f" {one.file}"
        )
