"""Which rules are checked for one file by itself, by its kind: a model, a version, variants, a profile, settings.

Each function adds the problems to a list and returns the document's sound parts, which further rules can rely on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from modelport.catalog.document import Document, shown
from modelport.catalog.files import LIMITS, read_file
from modelport.catalog.folder import PROFILES
from modelport.catalog.problem import Problem
from modelport.catalog.reader import read_yaml
from modelport.catalog.rules.citation import check_citation
from modelport.catalog.rules.evaluations import check_evaluations
from modelport.catalog.rules.examples import check_examples
from modelport.catalog.rules.imported import check_imported
from modelport.catalog.rules.interface import check_interface
from modelport.catalog.rules.licenses import check_licenses
from modelport.catalog.rules.lifecycle import check_lifecycle, check_orcids, check_yanked
from modelport.catalog.rules.lineage import check_lineage
from modelport.catalog.rules.placeholders import check_placeholders
from modelport.catalog.rules.profiles import check_kind, check_profile_name, check_source
from modelport.catalog.rules.recipe import check_data_names
from modelport.catalog.rules.shape import check_shape
from modelport.catalog.rules.variants import check_variants
from modelport.catalog.rules.versions import check_files
from modelport.catalog.upgrade import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "VersionCheck",
    "check_document",
    "check_model_file",
    "check_profile",
    "check_settings",
    "check_variants_file",
    "check_version_file",
]

VersionCheck: TypeAlias = "Callable[[Document], Iterable[Problem]]"
"""A check that is handed in: it is asked about each version's document whose shape is right."""

_MODEL_RULES = (
    check_licenses, check_lifecycle, check_orcids, check_data_names, check_citation, check_lineage, check_placeholders,
    check_imported,
)  # fmt: skip


def check_model_file(document: Document, found: list[Problem], *, versions: Collection[str] | None = None) -> Document:
    """Add the problems of a ``model.yaml`` to *found* and return its sound parts."""
    model = _check_shape(document, "model", found)
    for rule in _MODEL_RULES:
        found += rule(model)
    found += check_yanked(model, versions)
    return model


def check_version_file(document: Document, found: list[Problem], extra_checks: Iterable[VersionCheck]) -> Document:
    """Add the problems of a version's file to *found* and return its sound parts."""
    before = len(found)
    version = _check_shape(document, "version", found)
    if len(found) == before and version.value:
        for check in extra_checks:
            found += check(document)
    for rule in (check_files, check_examples, check_evaluations, check_interface):
        found += rule(version)
    return version


def check_variants_file(document: Document, found: list[Problem]) -> Document:
    """Add the problems of a variants file to *found* and return its sound parts."""
    sound = _check_kind_and_shape(document, "variants", found)
    found += check_variants(sound)
    return sound


def check_profile(file: Path, shown: str) -> tuple[list[Problem], Document]:
    """Return what is wrong with a *file* of a catalog's ``devices/`` or ``networks/``, and its sound parts.

    Reports call it *shown*.

    Raises:
        OSError: It cannot be read for a reason that is not its content's.
    """
    kind = PROFILES[file.parent.name]
    nothing = Document(shown, {})
    if file.suffix != ".yaml":
        hint = f"{file.parent.name}/ holds one file for each {kind}: NAME.yaml"
        return [nothing.problem((), "does not belong here", hint=hint, rule="file-unexpected")], nothing
    content = read_file(file, shown, limit=LIMITS["model.yaml"])
    if isinstance(content, Problem):
        return [content], nothing
    document = read_yaml(content, shown)
    found = list(check_profile_name(document, file.stem))
    return found, _check_profile(document, kind, found)


def check_settings(document: Document, found: list[Problem]) -> Document:
    """Add the problems of ``modelport.toml`` to *found* and return its sound parts."""
    return _check_shape(document, "settings", found)


def check_document(document: Document, extra_checks: Sequence[VersionCheck]) -> Iterator[Problem]:
    """Yield the problems of a file outside an entry, by the schema that it says it follows."""
    found: list[Problem] = []
    said = document.value.get("schema") if isinstance(document.value, dict) else None
    match SCHEMAS.get(said, "").partition("-")[0] if isinstance(said, str) else None:
        case "model":
            check_model_file(document, found)
        case "version":
            check_version_file(document, found, extra_checks)
        case "variants":
            check_variants_file(document, found)
        case "device" | "network" as kind:
            _check_profile(document, kind, found)
        case _:
            found += document.problems
            if document.value is not None and not isinstance(document.value, dict):
                hint = "write a 'key: value' a line"
                found.append(document.problem((), "is not a mapping of keys", hint=hint, rule="schema-type"))
            elif document.value is not None:
                message = "is missing" if said is None else f"{shown(said)} is not known"
                hint = f"write one of {', '.join(SCHEMAS)}"
                found.append(document.problem(("schema",), message, hint=hint, rule="schema-unknown"))
    yield from found


def _check_profile(document: Document, kind: str, found: list[Problem]) -> Document:
    """Add the problems of a device's or a network's profile to *found* and return its sound parts."""
    sound = _check_kind_and_shape(document, kind, found)
    told = {problem.path for problem in found}
    found += (problem for problem in check_source(sound) if problem.path not in told)
    return sound


def _check_kind_and_shape(document: Document, kind: str, found: list[Problem]) -> Document:
    """Add the problems of form; of a file of another kind that alone is told."""
    wrong = list(check_kind(document, kind))
    found += wrong
    return Document(document.file, {}, document.lines) if wrong else _check_shape(document, kind, found)


def _check_shape(document: Document, schema: str, found: list[Problem]) -> Document:
    found += document.problems
    if document.value is None:  # missing or unreadable, which is told already
        return Document(document.file, {}, document.lines)
    problems, sound = check_shape(document, _schema_of(document, schema))
    found += problems
    return sound


def _schema_of(document: Document, kind: str) -> str:
    """Return the schema that the document says it follows, when it is of that *kind*; else the newest of the kind."""
    said = document.value.get("schema") if isinstance(document.value, dict) else None
    schema = SCHEMAS.get(said, kind) if isinstance(said, str) else kind
    return schema if schema.partition("-")[0] == kind else kind
