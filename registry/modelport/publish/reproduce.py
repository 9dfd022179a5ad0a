"""A version, built again from its reviewed recipe: is it what the entry pins?

Nothing of an earlier build serves, no registry is asked and no credentials are looked up; the recipe's data and its
locked distributions are fetched. The newest version is built from the recipe as it lies here. Any other one is built
from the entry as it was when its file came into git: its recipe may have changed since.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelport.catalog.git import git
from modelport.errors import InputError, PackError
from modelport.oci import Layout
from modelport.oci.names import check_names
from modelport.package.store import open_package
from modelport.publish.build import build_entry, judge_rebuild
from modelport.publish.claims import check_claims
from modelport.publish.evidence import Reproduction
from modelport.publish.handover import write_handover
from modelport.publish.publishable import check_publishable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.catalog import Entry, ModelVersion
    from modelport.settings import Settings
    from modelport.types import Digest

__all__ = ["Reproduced", "reproduce"]


@dataclass(frozen=True, slots=True)
class Reproduced:
    """How a version came out.

    Attributes:
        evidence: What is to be recorded.
        digest: What was built.
        identical: Whether that is what the entry pins; else it only does the same, within its tolerances.
    """

    evidence: Reproduction
    digest: Digest
    identical: bool


def reproduce(entry: Entry, version: ModelVersion, settings: Settings, out: Path) -> Reproduced:
    """Build *version* of *entry* from its recipe; write it as the handover *out* if it is what the entry pins.

    Raises:
        InputError: The version is not to be published, the entry has no recipe, or this is another Python than the
            version's.
        IntegrityError: It is the package that the entry pins, and the entry says what is not so of it.
        PackError: The recipe fails, or what it makes does not do what was published.
    """
    check_publishable(entry, version, settings.audience)
    _check_python(version, str(entry.name))
    with TemporaryDirectory() as scratch, _as_released(entry, version) as folder:
        alone = replace(settings, store=Path(scratch) / "store", registry=None, docker_config=Path(scratch) / "none")
        kept = build_entry(folder, alone, judge=False).kept
        digest = kept.manifest.digest
        if digest == version.digest:
            check_claims(f"{entry.name} {version.version}", version.document, Layout(alone.store), kept.index)
            built = Reproduction.now(version, "identical")
            write_handover(out, entry.name, alone.store, kept, built)
            return Reproduced(built, digest, identical=True)
        problems = judge_rebuild(version.document, open_package(alone.store, kept, settings.cache))
    if problems:
        raise PackError(
            f"the recipe of {entry.name} does not make what {version.version} was published as: {'; '.join(problems)}",
            hint=f"if it was changed on purpose, make a new version: modelport submit {entry.name} VERSION",
        )
    return Reproduced(Reproduction.now(version, "within-tolerance"), digest, identical=False)


def _check_python(version: ModelVersion, name: str) -> None:
    """Check that this is the Python that *version* was packed with: another one makes another package.

    Raises:
        InputError: It is another one.
    """
    here, wanted = ".".join(map(str, sys.version_info[:2])), version.document["python"]
    if here != wanted:
        raise InputError(
            f"{name} {version.version} was packed with Python {wanted}, and this is {here}",
            hint=f"run modelport with Python {wanted}",
        )


@contextmanager
def _as_released(entry: Entry, version: ModelVersion) -> Iterator[Path]:
    """Give the entry's folder as it is here, or for an older version as it was when that came into git."""
    if version == entry.versions[0]:
        yield entry.folder
        return
    file = f"versions/{version.version}.yaml"
    # A shallow clone says of every file that its only commit brought it.
    whole = git(entry.folder, "rev-parse", "--is-shallow-repository") == b"false\n"
    # As the branch got it: inside a pull request, the recipe may have changed after the version's file was written.
    commit = git(entry.folder, "log", "--first-parent", "--format=%H", "-1", "--", file).decode().strip()
    if not whole or not commit:
        raise InputError(
            f"git does not say when {entry.name} {version.version} came into the catalog",
            hint="fetch the whole history: git fetch --unshallow (in a workflow: fetch-depth: 0)",
        )
    listed = git(entry.folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", ".")
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    check_names(names)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / str(entry.name)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(git(entry.folder, "show", f"{commit}:./{name}"))
        yield folder
