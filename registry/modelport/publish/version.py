"""A package -> ``versions/<version>.yaml``: the immutable file that pins it by digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.catalog import load_entry
from modelport.catalog.writer import version_yaml
from modelport.errors import InputError
from modelport.oci import Layout, Manifest
from modelport.package.modelpack import file_records

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.package import Package
    from modelport.package.store import Kept
    from modelport.types import Version

__all__ = ["check_new", "version_document", "write_version"]


def write_version(
    entry: Path, version: Version, kept: Kept, package: Package, store: Path, *, released: str, changes: list[str]
) -> Path:
    """Write ``versions/<version>.yaml`` of the entry in folder *entry* and return it.

    Raises:
        InputError: The version is there already, or is not newer than those that are.
    """
    check_new(entry, version, changes)
    file = entry / "versions" / f"{version}.yaml"
    document = version_document(version, kept, package, store, released=released, changes=changes)
    file.parent.mkdir(exist_ok=True)
    file.write_text(version_yaml(document), encoding="utf-8")
    return file


def check_new(entry: Path, version: Version, changes: list[str]) -> None:
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
    version: Version, kept: Kept, package: Package, store: Path, *, released: str, changes: list[str]
) -> dict[str, Any]:
    """Return the document of a version (``schemas/version.schema.json``)."""
    manifest = Layout(store).manifest(kept.manifest)
    blobs = [manifest.config, *manifest.layers] if isinstance(manifest, Manifest) else []
    kind = "changed" if changes else "added"
    return {
        "schema": "modelport/version/1",
        "version": str(version),
        "released": released,
        "changes": [{"kind": kind, "text": text} for text in changes or ["First version."]],
        "digest": str(kept.manifest.digest),
        "size": sum(blob.size for blob in blobs),
        "tier": package.info["tier"]["level"],
        "python": package.info["python"],
        "requirements": package.info["requirements"],
        "files": file_records(package),
        "signature": package.spec.to_json(),
        "examples": package.examples,
        "evaluations": package.evaluations,
    }
