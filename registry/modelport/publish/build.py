"""An entry's recipe -> a package in the store, built once for the same recipe, data and Modelport.

A package with the digest that the entry pins is tagged with its version. Training on another CPU may give another
digest: such a rebuild is judged by the published version's golden examples and figures, is tagged
``<version>-rebuilt``, and never changes the entry.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import modelport
from modelport.catalog import load_entry
from modelport.errors import InputError, ModelportError, PackError
from modelport.oci import Layout
from modelport.package.closeness import differences
from modelport.package.recipe import build_from_recipe
from modelport.package.store import Kept, find_package, keep_package, open_package
from modelport.package.trust import vouch_packed_here
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.catalog import Entry, ModelVersion
    from modelport.package import Package
    from modelport.settings import Settings

__all__ = ["Built", "build_entry", "judge_rebuild"]


@dataclass(frozen=True, slots=True)
class Built:
    """A package built from an entry's recipe.

    Attributes:
        kept: Where it is in the store.
        reused: Whether an earlier build of the same recipe served.
        rebuilt: Whether its digest is another than the one that the entry pins.
        note: What a user should know, or nothing.
    """

    kept: Kept
    reused: bool
    rebuilt: bool
    note: str


def build_entry(folder: Path, settings: Settings, *, verify: bool = True, judge: bool = True) -> Built:
    """Build the package of the entry in *folder* into the store, or reuse the one of an equal build.

    Args:
        folder: The entry's folder.
        settings: Where the store, the cache and the user's data lie.
        verify: Whether the package's examples are run in the clean environment of its own lock.
        judge: Whether a build with another digest than the published one must do what that one does; without, it
            becomes a new version.

    Raises:
        InputError: The entry has problems or no recipe.
        PackError: The recipe fails, or a rebuild does not do what the published version does.
    """
    entry = load_entry(folder)
    if not (folder / "recipe.py").is_file():
        raise InputError(f"{folder} has no recipe.py", hint="pull its package instead: modelport pull NAME")
    record = settings.store / "builds" / f"{_key(entry, folder, verify=verify)}.json"
    kept = _recorded(record, entry, settings.store)
    reused = kept is not None
    if kept is None:
        kept = _build(entry, folder, settings, verify=verify)
    settled = _settle(entry, kept, settings, reused=reused, judge=judge)
    if not reused:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({"tag": settled.kept.name, "digest": str(kept.manifest.digest)}), encoding="utf-8")
    return settled


def judge_rebuild(version: Mapping[str, Any], package: Package) -> list[str]:
    """Return where a rebuilt *package* does not do what the published *version* (its document) does.

    The rebuild's own examples were run when it was built; here their answers are held against the published ones, and
    its figures against the published figures, each within its tolerance.
    """
    problems = []
    if package.spec.to_json() != version["signature"]:
        problems.append("its signature is another one")
    answers = {(e["method"], json.dumps(e["input"], sort_keys=True)): e["output"] for e in package.examples}
    for number, example in enumerate(version["examples"], 1):
        answer = answers.get((example["method"], json.dumps(example["input"], sort_keys=True)))
        if answer is None:
            problems.append(f"example {number} of the published version is not among its examples")
        else:
            found = differences(example["output"], answer, example.get("tolerance", 0.0), f"example {number}: output")
            problems += found[:3]
    figures = {(e["data"], e["split"], e["metric"]): e["value"] for e in package.evaluations}
    for one in version["evaluations"]:
        value = figures.get((one["data"], one["split"], one["metric"]))
        if value is None or abs(value - one["value"]) > one.get("tolerance", 0.0):
            problems.append(f"{one['metric']} on {one['data']} ({one['split']}) is {value}, published {one['value']}")
    return problems


def _build(entry: Entry, folder: Path, settings: Settings, *, verify: bool) -> Kept:
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / str(entry.name)
        data = entry.model.get("data", [])
        build_from_recipe(folder, str(entry.name), data, out, settings.cache, verify=verify)
        kept = keep_package(out, settings.store)
    vouch_packed_here(settings.data, kept.manifest.digest)
    return kept


def _settle(entry: Entry, kept: Kept, settings: Settings, *, reused: bool, judge: bool) -> Built:
    """Judge a build and give it its tags: ``latest``, and the version that it is or rebuilds."""
    layout, version = Layout(settings.store), entry.latest
    tag, note = "latest", ""
    if judge and version is not None and kept.manifest.digest == version.digest:
        tag = str(version.version)
    elif judge and version is not None:
        tag, note = f"{version.version}-rebuilt", _judged(entry, version, kept, settings)
    for one in {tag, "latest"}:
        layout.tag(f"{entry.name}:{one}", kept.index)
    return Built(Kept(f"{entry.name}:{tag}", kept.manifest, kept.index), reused, rebuilt=bool(note), note=note)


def _judged(entry: Entry, version: ModelVersion, kept: Kept, settings: Settings) -> str:
    """Return what a user should know of a rebuild; raise PackError when it does not do what was published."""
    problems = judge_rebuild(version.document, open_package(settings.store, kept, settings.cache))
    if problems:
        raise PackError(
            f"{entry.name} was rebuilt and is not what {version.version} was published as: {'; '.join(problems)}",
            hint=f"if the recipe was changed on purpose, make a new version: modelport submit {entry.name} VERSION",
        )
    return (
        f"rebuilt: training here gave {kept.manifest.digest}, not the published {version.digest};"
        " its examples and figures agree within their tolerances"
    )


def _recorded(record: Path, entry: Entry, store: Path) -> Kept | None:
    """Return the package of an equal build, if it is still in the store."""
    try:
        document = json.loads(record.read_text("utf-8"))
        tag, digest = str(document["tag"]).partition(":")[2], Digest.parse(document["digest"])
        return find_package(store, Reference(None, str(entry.name), tag, digest))
    except (FileNotFoundError, ValueError, KeyError, TypeError, ModelportError):
        return None  # no record, or one that cannot be read, or its package is gone: build it again


def _key(entry: Entry, folder: Path, *, verify: bool) -> str:
    """Return a digest of all that a build depends on: recipe, lock, data, and the code that builds."""
    facts = [str(entry.name), entry.model.get("data", []), verify, sys.version_info[:2], platform.machine()]
    hashed = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    code = Path(modelport.__file__).resolve().parent
    builders = sorted([*code.glob("model/**/*.py"), *code.glob("package/**/*.py"), *code.glob("oci/*.py")])
    for file in [folder / "recipe.py", folder / "recipe.lock", *builders]:
        if file.is_file():
            hashed.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return hashed.hexdigest()
