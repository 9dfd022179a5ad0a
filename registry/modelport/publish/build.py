"""An entry's recipe -> a package in the store, built once for the same recipe, data and Modelport.

A package with the digest that the entry pins is tagged with its version. Training on another CPU may give another
digest: such a rebuild is judged by the published version's golden examples and figures, is tagged
``<version>-rebuilt``, and never changes the entry.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import modelport
from modelport.catalog import load_entry
from modelport.errors import InputError, ModelportError, PackError
from modelport.oci import Layout
from modelport.package.recipe import build_from_recipe
from modelport.package.store import Kept, find_package, keep_package
from modelport.package.verify import differences
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.catalog import Entry
    from modelport.package import Package

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


def build_entry(folder: Path, store: Path, cache: Path, *, verify: bool = True, judge: bool = True) -> Built:
    """Build the package of the entry in *folder* into *store*, or reuse the one of an equal build.

    Args:
        folder: The entry's folder.
        store: The embedded store.
        cache: Where environments and data are kept.
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
    record = store / "builds" / f"{_key(entry, folder, verify=verify)}.json"
    kept = _recorded(record, entry, store)
    reused = kept is not None
    if kept is None:
        kept = _build(entry, folder, store, cache, verify=verify)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({"digest": str(kept.manifest.digest)}) + "\n", encoding="utf-8")
    if not judge:
        return Built(kept, reused, rebuilt=False, note="")
    return _settle(entry, kept, store, cache, reused=reused)


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


def _build(entry: Entry, folder: Path, store: Path, cache: Path, *, verify: bool) -> Kept:
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / str(entry.name)
        build_from_recipe(folder, str(entry.name), entry.model.get("data", []), out, cache, verify=verify)
        return keep_package(out, store, tags=["latest"])


def _settle(entry: Entry, kept: Kept, store: Path, cache: Path, *, reused: bool) -> Built:
    """Tag a build with the version that it is, or that it rebuilds."""
    if not entry.versions:
        return Built(kept, reused, rebuilt=False, note="")
    layout, version = Layout(store), entry.versions[0]
    if kept.manifest.digest == version.digest:
        name = f"{entry.name}:{version.version}"
        layout.tag(name, kept.index)
        return Built(Kept(name, kept.manifest, kept.index), reused, rebuilt=False, note="")
    from modelport.package.store import open_package

    problems = judge_rebuild(version.document, open_package(store, kept, cache))
    if problems:
        raise PackError(
            f"{entry.name} was rebuilt and is not what {version.version} was published as: {'; '.join(problems)}",
            hint=f"if the recipe was changed on purpose, make a new version: modelport submit {entry.name} VERSION",
        )
    name = f"{entry.name}:{version.version}-rebuilt"
    layout.tag(name, kept.index)
    note = (
        f"rebuilt: training here gave {kept.manifest.digest}, not the published {version.digest};"
        " its examples and figures agree within their tolerances"
    )
    return Built(Kept(name, kept.manifest, kept.index), reused, rebuilt=True, note=note)


def _recorded(record: Path, entry: Entry, store: Path) -> Kept | None:
    """Return the package of an equal build, if it is still in the store."""
    try:
        digest = json.loads(record.read_text("utf-8"))["digest"]
    except (FileNotFoundError, ValueError, KeyError):
        return None
    for tag in ["latest", *(str(v.version) for v in entry.versions), *(f"{v.version}-rebuilt" for v in entry.versions)]:
        try:
            kept = find_package(store, Reference(None, str(entry.name), tag))
        except ModelportError:
            return None  # what is in the store cannot be read: build it again
        if kept is not None and str(kept.manifest.digest) == digest:
            Layout(store).tag(f"{entry.name}:latest", kept.index)
            return kept
    return None


def _key(entry: Entry, folder: Path, *, verify: bool) -> str:
    """Return a digest of all that a build depends on: recipe, lock, data, and the code that builds."""
    hashed = hashlib.sha256(json.dumps([str(entry.name), entry.model.get("data", []), verify], sort_keys=True).encode())
    code = Path(modelport.__file__).resolve().parent
    builders = sorted([*code.glob("model/**/*.py"), *code.glob("package/**/*.py"), *code.glob("oci/*.py")])
    for file in [folder / "recipe.py", folder / "recipe.lock", *builders]:
        if file.is_file():
            hashed.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return hashed.hexdigest()
