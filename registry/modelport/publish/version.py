"""A package -> ``versions/<version>.yaml``: the immutable file that pins it by digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.catalog import load_entry
from modelport.catalog.writer import version_yaml
from modelport.errors import InputError
from modelport.oci import Layout
from modelport.package.modelpack import file_records
from modelport.publish.claims import independent_rows, package_size
from modelport.publish.resources import measure_resources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.package import Package
    from modelport.package.store import Kept
    from modelport.settings import Settings
    from modelport.types import Version

__all__ = ["KINDS", "check_new", "read_change", "version_document", "write_version"]

KINDS = ("added", "changed", "fixed", "removed", "security")
"""The kinds of changes (``schemas/version.schema.json``)."""


def write_version(
    entry: Path,
    version: Version,
    kept: Kept,
    package: Package,
    settings: Settings,
    *,
    released: str,
    changes: Sequence[Mapping[str, str]],
) -> Path:
    """Measure the package, write ``versions/<version>.yaml`` of the entry in folder *entry*, and return it.

    Raises:
        InputError: The version is there already, or is not newer than those that are.
        PackError: The package does not do what its examples say.
    """
    check_new(entry, version, changes)
    resources = measure_resources(package, settings.cache)
    file = entry / "versions" / f"{version}.yaml"
    document = version_document(
        version, kept, package, settings.store, released=released, changes=changes, resources=resources
    )
    file.parent.mkdir(exist_ok=True)
    file.write_text(version_yaml(document), encoding="utf-8")
    return file


def read_change(text: str) -> dict[str, str]:
    """Return what changed, as a version says it: ``fixed: TEXT`` names its kind, anything else is ``changed``."""
    kind, colon, rest = text.partition(":")
    if colon and kind.strip() in KINDS:
        return {"kind": kind.strip(), "text": rest.strip()}
    return {"kind": "changed", "text": text.strip()}


def check_new(entry: Path, version: Version, changes: Sequence[object]) -> None:
    """Check that *version* may become the entry's next one, and that a later one says its *changes*.

    Raises:
        InputError: It is there already, or is not newer than those that are.
        FormatError: The entry has problems.
    """
    file = entry / "versions" / f"{version}.yaml"
    known = [one.version for one in load_entry(entry).versions]
    if version in known or file.exists():
        raise InputError(f"{file} is there: a version never changes", hint="take the next version")
    if known and version < max(known):
        raise InputError(f"{version} is older than {max(known)}", hint="take a version after it")
    if known and not changes:
        raise InputError(f"nobody says what changed since {max(known)}", hint="add --change TEXT")


def version_document(
    version: Version,
    kept: Kept,
    package: Package,
    store: Path,
    *,
    released: str,
    changes: Sequence[Mapping[str, str]],
    resources: Mapping[str, int],
) -> dict[str, Any]:
    """Return the document of a version (``schemas/version.schema.json``)."""
    independent = independent_rows(package)
    return {
        "schema": "modelport/version/2",
        "version": str(version),
        "released": released,
        "changes": [dict(one) for one in changes] or [{"kind": "added", "text": "First version."}],
        "digest": str(kept.manifest.digest),
        "size": package_size(Layout(store), kept.manifest),
        "resources": dict(resources),
        "tier": package.info["tier"]["level"],
        "python": package.info["python"],
        "requirements": package.info["requirements"],
        "files": file_records(package),
        "signature": package.spec.to_json(),
        "examples": package.examples,
        "evaluations": package.evaluations,
        **({"row_independent": independent} if independent else {}),
    }
