"""What the job that builds hands to the job that pushes: a folder that holds one release, and its evidence.

::

    DIR/
    ├── oci-layout, index.json, blobs/    an OCI image layout with one tag, NAME:VERSION, and what it needs
    └── evidence.json                     how and when it was built

The first job runs contributed code, the second one holds credentials. So the second believes nothing that the folder
says: every byte is hashed, the package must have the digest that the reviewed catalog pins and hold all that the
catalog says of it, the release is derived from it anew, and whatever else lies in the folder is refused. Of the
evidence only the platform is the first job's word.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from modelport.catalog import load_entry
from modelport.errors import FormatError, InputError, IntegrityError, ModelportError, NotFoundError
from modelport.oci import Descriptor, Index, Layout, build_index, reachable
from modelport.oci.manifest import canonical_json
from modelport.oci.media import MANIFEST_LIMIT, REF_NAME
from modelport.package.modelpack import ANNOTATION_NAME, package_manifest
from modelport.publish.claims import check_claims
from modelport.publish.evidence import Reproduction, evidence_document, parse_evidence
from modelport.publish.publishable import check_publishable
from modelport.types import Name, Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.catalog import Entry, ModelVersion
    from modelport.package.store import Kept

__all__ = ["Handover", "find_version", "read_handover", "write_handover"]

_STORES_OWN = (".lock", ".sweep", "ingest", "leases")
"""What a store keeps for itself beside the layout: locks, leases, and how far transfers have come."""

_EVIDENCE = "evidence.json"
_OLDEST_DAYS = 7
_AGAIN = "build it anew (modelport publish build NAME VERSION --out DIR); nothing was pushed"


@dataclass(frozen=True, slots=True)
class Handover:
    """A folder that was verified.

    Attributes:
        entry: The entry of this checkout.
        version: The version of it that the folder holds.
        layout: The layout.
        index: The release.
        manifest: The package's manifest.
        evidence: That it was built, and on which platform; the day is today's.
    """

    entry: Entry
    version: ModelVersion
    layout: Layout
    index: Descriptor
    manifest: Descriptor
    evidence: Mapping[str, Any]


def write_handover(out: Path, name: Name, store: Path, kept: Kept, built: Reproduction) -> None:
    """Write the release *kept* of *store* as the new folder *out*, in one step.

    Raises:
        InputError: *out* is there and is not an empty folder.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise InputError(f"{out} is there and is not an empty folder", hint="give another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        folder = Path(scratch) / "handover"
        source, target = Layout(store), Layout(folder)
        for node in reachable(kept.index, source.read):
            target.put_blob(source.chunks(node), expected=node)
        target.tag(f"{name}:{built.version}", Descriptor.of(source.read(kept.index), media_type=kept.index.media_type))
        _tidy(folder)
        (folder / _EVIDENCE).write_bytes(canonical_json(evidence_document(str(name), [built])) + b"\n")
        if out.exists():
            out.rmdir()
        folder.rename(out)


def read_handover(folder: Path, catalog: Path, *, audience: str = "public") -> Handover:
    """Verify *folder* against the catalog of this checkout, seen by *audience*, and return what it holds.

    Raises:
        InputError: It holds a version that is not to be published.
        NotFoundError: There is no such folder, or the catalog has no such version.
        IntegrityError: It holds anything but what the catalog pins.
        FormatError: It is not such a folder.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise NotFoundError(f"{folder} is not a folder", hint="name the folder that modelport publish build wrote")
    _tidy(folder)
    found = _files(folder)
    layout, tag, root = Layout(folder), *_only_tag(folder)
    name, _, version_text = tag.partition(":")
    entry, version = find_version(catalog, Name.parse(name), Version.parse(version_text))
    check_publishable(entry, version, audience)
    try:
        index, manifest = _release(layout, root, entry, version)
        evidence = _evidence(folder, entry, version)
        extra = found - _verified(layout, index)
    except ModelportError as error:
        raise IntegrityError(error.message, hint=_AGAIN) from error
    if extra:
        raise IntegrityError(f"{folder} holds what no release has: {', '.join(sorted(extra)[:5])}", hint=_AGAIN)
    check_claims(f"{entry.name} {version.version}", version.document, layout, manifest)
    return Handover(entry, version, layout, index, manifest, evidence)


def find_version(catalog: Path, name: Name, version: Version) -> tuple[Entry, ModelVersion]:
    """Return the entry and the version of it, as the catalog of this checkout has them.

    Raises:
        NotFoundError: There is no such entry or version.
    """
    folder = catalog / "models" / str(name)
    if not folder.is_dir():
        raise NotFoundError(f"the catalog has no model {name}", hint="modelport list shows what there is")
    entry = load_entry(folder)
    for one in entry.versions:
        if one.version == version:
            return entry, one
    known = ", ".join(str(one.version) for one in entry.versions) or "none"
    raise NotFoundError(f"{name} has no version {version} in the catalog", hint=f"its versions are: {known}")


def _tidy(folder: Path) -> None:
    """Remove what a store keeps for itself, which an earlier push may have left: nothing of it is to be believed."""
    for name in _STORES_OWN:
        own = folder / name
        if own.is_dir() and not own.is_symlink():
            shutil.rmtree(own)
        else:
            own.unlink(missing_ok=True)


def _files(folder: Path) -> set[str]:
    """Return the paths of all files in *folder*; links, devices and the like are refused."""
    found = set()
    for place, _, names in os.walk(folder, onerror=_refuse):
        for item in os.scandir(place):
            mode = item.stat(follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise IntegrityError(f"{item.path} is neither a file nor a folder", hint=_AGAIN)
        found |= {(Path(place) / name).relative_to(folder).as_posix() for name in names}
    return found


def _refuse(error: OSError) -> None:
    raise error


def _only_tag(folder: Path) -> tuple[str, Descriptor]:
    """Return the layout's only tag, and what it stands for."""
    file = folder / "index.json"
    if not file.is_file() or file.stat().st_size > MANIFEST_LIMIT:
        raise FormatError(f"{folder} is not an OCI image layout", hint=_AGAIN)
    Layout(folder).tags()  # it is a layout of the version that we know
    listed = Index.parse(file.read_bytes()).manifests
    if len(listed) != 1 or set(listed[0].annotations) != {REF_NAME}:
        raise IntegrityError(f"{file} does not list one release, tagged NAME:VERSION", hint=_AGAIN)
    return listed[0].annotations[REF_NAME], listed[0]


def _release(layout: Layout, root: Descriptor, entry: Entry, version: ModelVersion) -> tuple[Descriptor, Descriptor]:
    """Return the release that is derived from the pinned package, and that; the tag must stand for this release."""
    manifest = layout.manifest(package_manifest(layout, root))
    if manifest.descriptor.digest != version.digest:
        raise IntegrityError(
            f"{layout.path} holds {manifest.descriptor.digest}, and the catalog pins {version.digest}"
            f" as {entry.name} {version.version}"
        )
    raw = build_index([manifest.descriptor], annotations={ANNOTATION_NAME: str(entry.name)})
    index = Index.parse(raw).descriptor
    if (index.digest, index.size) != (root.digest, root.size):
        raise IntegrityError(f"{layout.path} has {root.digest} as its release, which is not the package's: {index}")
    return index, manifest.descriptor


def _verified(layout: Layout, index: Descriptor) -> set[str]:
    """Hash all that the release needs and return the names of the files that a handover of it has."""
    names = {"oci-layout", "index.json", _EVIDENCE}
    for node in reachable(index, layout.read):
        layout.locate(node)
        names.add(f"blobs/{node.digest.algorithm}/{node.digest.hex}")
    return names


def _evidence(folder: Path, entry: Entry, version: ModelVersion) -> dict[str, Any]:
    """Return what is to be told of the build: today that it was done, and what the folder says of where.

    Raises:
        FormatError: The folder says anything else, or was built too long ago for that to be told today.
    """
    file = folder / _EVIDENCE
    if not file.is_file():
        raise FormatError(f"{file} is not there")
    with file.open("rb") as opened:
        evidence = parse_evidence(opened.read(MANIFEST_LIMIT + 1), str(file), model=str(entry.name))
    told = [(one["version"], one["digest"], one["outcome"]) for one in evidence["reproduced"]]
    if told != [(str(version.version), str(version.digest), "identical")] or "field" in evidence:
        raise FormatError(f"{file} does not say that {entry.name} {version.version} was built, and nothing else")
    (one,), now = evidence["reproduced"], Reproduction.now(version, "identical")
    if one["python"] != version.document["python"]:
        raise FormatError(f"{file} says Python {one['python']}, and the version Python {version.document['python']}")
    age = (dt.date.fromisoformat(now.date) - dt.date.fromisoformat(one["date"])).days
    if not 0 <= age <= _OLDEST_DAYS:
        raise FormatError(f"{file} tells {one['date']}, and today is {now.date}: it is not of these days")
    return evidence_document(str(entry.name), [replace(now, platform=one["platform"], python=one["python"])])
