"""What a version says of its package, held against the package. Nothing of it is run.

A reviewer sees the version's file alone, so all that it says must be what the package that it pins holds: else a
figure, a tier or an example could be invented. How much memory it takes cannot be read off a package.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.errors import IntegrityError
from modelport.oci import Manifest
from modelport.package.modelpack import file_records, package_manifest, unpack
from modelport.package.selection import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.oci import Descriptor, Layout
    from modelport.package import Package

__all__ = ["check_claims", "false_claims", "independent_rows", "package_size"]


def check_claims(who: str, version: Mapping[str, Any], layout: Layout, root: Descriptor) -> None:
    """Check that all that *version* (its document) says is so of the package under *root* in *layout*.

    Raises:
        IntegrityError: It is not; *who* names the version in the message.
        FormatError: There is no package.
    """
    with TemporaryDirectory() as scratch:
        package = unpack(layout, root, Path(scratch) / "package")
        wrong = [f"{key} {told}" for key, told in false_claims(version, package, package_size(layout, root))]
    if wrong:
        raise IntegrityError(
            f"the catalog says of {who} what its package does not hold: {'; '.join(wrong)}",
            hint="yank it; then write the file of a new version with modelport submit, and leave it as it is",
        )


def false_claims(version: Mapping[str, Any], package: Package, size: int) -> Iterator[tuple[str, str]]:
    """Yield the keys of *version* whose values are not what *package* holds, and where they differ."""
    there = {
        "size": size,
        "tier": package.info["tier"]["level"],
        "python": package.info.get("python"),
        "requirements": package.info.get("requirements"),
        "files": file_records(package),
        "signature": package.spec.to_json(),
        "examples": package.examples,
        "evaluations": package.evaluations,
    }
    if "row_independent" in version:  # older versions say nothing of it
        there["row_independent"] = independent_rows(package)
    for key, value in there.items():
        said = version[key]
        if said != value:
            yield key, f"is not what the package holds{_where(key, said, value)}"


def independent_rows(package: Package) -> list[dict[str, Any]]:
    """Return the methods whose rows are independent, each with the number of rows that showed it."""
    rows: Mapping[str, Mapping[str, Any]] = package.info.get("rows", {})
    return [{"method": method, "rows": said["tested"]} for method, said in rows.items() if said["independent"]]


def package_size(layout: Layout, root: Descriptor) -> int:
    """Return what a version tells as its size: the bytes of all blobs of the package under *root* but data sets."""
    manifest = layout.manifest(package_manifest(layout, root))
    blobs = manifest.children if isinstance(manifest, Manifest) else ()
    return sum(blob.size for blob in blobs if kind_of(blob) != "dataset")


def _where(key: str, said: Any, there: Any) -> str:  # noqa: ANN401 - JSON
    """Return where two values of a version differ, in a few words."""
    if key == "files":
        one, other = _by_path(said), _by_path(there)
        differ = [path for path in sorted(one.keys() | other.keys()) if one.get(path) != other.get(path)]
        return f": {', '.join(differ[:3])}{' and more' if len(differ) > 3 else ''}" if differ else ""  # noqa: PLR2004 - a few
    return f": {there!r}" if isinstance(there, str | int) else ""


def _by_path(files: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {file["path"]: file for file in files}
