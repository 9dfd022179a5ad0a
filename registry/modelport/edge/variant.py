"""A parent's package and a file -> the variant: a whole package, which loads, serves and travels as any other.

::

    code/ signature.json model.proto LICENSE    the parent's
    state/                                      the variant's file; the parent's other files, not the one it replaces
    requirements.lock                           what the variant needs (`needs`)
    examples/                                   the parent's calls, with the variant's own answers (`goldens`)
    package.json                                says under ``variant`` of whom it is one, and how it was made

Where the parent's file is a trained object (``.keras``, ``.skops``), the variant's stands in for it by the mechanism of
second forms, which code and loaders know already. Where it is itself an ONNX or LiteRT file, the new one has its place.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.edge.needs import needs_of
from modelport.edge.trial import DISTRIBUTIONS
from modelport.errors import InputError
from modelport.model.spec import canonical_json
from modelport.package import Package
from modelport.package.answer import read_answer
from modelport.package.environment import make_environment
from modelport.package.tiers import DATA_ONLY
from modelport.package.tools import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.package.requirements import Requirements

__all__ = ["Parent", "VariantFile", "parent_of", "write_noting", "write_variant"]

_KINDS = {".keras": "litert", ".tflite": "litert", ".onnx": "onnx", ".skops": "onnx"}
_SUFFIX = {"litert": ".tflite", "onnx": ".onnx"}
_KEPT = ("signature.json", "model.proto", "LICENSE", "code")
_NAMES = {"litert": "LiteRT", "onnx": "ONNX"}


@dataclass(frozen=True, slots=True)
class Parent:
    """A package of which variants are made.

    Attributes:
        package: The package.
        digest: Its manifest's digest.
        path: The path of the file that variants replace.
    """

    package: Package
    digest: str
    path: str

    @property
    def file(self) -> Path:
        """The file that variants replace."""
        return self.package.folder / self.path

    @property
    def is_trained(self) -> bool:
        """Whether that file is a trained object, for which another one stands in, and no graph that a runtime reads."""
        return self.file.suffix not in _SUFFIX.values()

    def path_of(self, runtime: str) -> str:
        """Return where the file of a variant lies that *runtime* runs."""
        return str(PurePosixPath(self.path).with_suffix(_SUFFIX[runtime]))


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFile:
    """A variant's file and what is said of it.

    Attributes:
        name: The variant's name.
        file: The file.
        runtime: What runs it.
        recipe: How it was made.
        tools: The versions of what made it.
        calibration: The sha256 of the calibration inputs, or nothing.
    """

    name: str
    file: Path
    runtime: str
    recipe: Mapping[str, Any]
    tools: Mapping[str, str]
    calibration: str = ""

    def said(self, parent: Parent) -> dict[str, Any]:
        """Return what ``package.json`` says under ``variant``."""
        calibration = {"calibration": self.calibration} if self.calibration else {}
        return {
            "name": self.name, "of": parent.digest, "recipe": dict(self.recipe), **calibration,
            "tools": dict(sorted(self.tools.items())),
        }  # fmt: skip


def parent_of(package: Package, digest: str) -> Parent:
    """Return *package* as one of which variants are made.

    Raises:
        InputError: It is a variant itself, or has not exactly one file of which there are variants.
    """
    if "variant" in package.info:
        said = package.info["variant"]
        raise InputError(f"it is a variant itself ({said['name']})", hint=f"name its parent: {said['of']}")
    files = {one["path"] for one in package.info["state"]} | {
        one["file"] for one in package.info.get("methods", {}).values()
    }
    found = sorted(one for one in files if PurePosixPath(one).suffix in _KINDS)
    if len(found) != 1:
        kinds = ", ".join(_KINDS)
        there = f"has {len(found)} of these: {', '.join(found)}" if found else "has none"
        raise InputError(
            f"variants are made of packages with one trained object or model file ({kinds}), and {package.name} {there}"
        )
    return Parent(package, digest, found[0])


def write_variant(parent: Parent, made: VariantFile, folder: Path, *, cache: Path | None) -> Package:
    """Write the variant that has the file of *made* as the new package folder *folder*, and return it.

    Args:
        parent: Its parent.
        made: Its file.
        folder: Where to.
        cache: Where clean environments are kept, in one of which its examples are answered; without it they are
            answered here, and the package says that it was not verified.

    Raises:
        NotMadeError: It does not load, or does not answer the examples.
        PackError: What it needs cannot be locked.
        SetupError: The clean environment cannot be made.
    """
    source, path = parent.package, parent.path_of(made.runtime)
    needs = needs_of(source, without=_gone(parent), file=path, runtime=made.runtime)
    _copy(parent, made, folder)
    (folder / "requirements.lock").write_text(needs.lock, "utf-8")
    (folder / "evaluations.json").write_text("[]\n", "utf-8")  # the parent's figures are not the variant's
    info = _info(parent, made, needs)
    _write_info(folder, info)
    shutil.copytree(source.folder / "examples", folder / "examples") if source.examples else None
    report = _answers(Package.read(folder), cache)
    _write_examples(folder, report["examples"])
    for one in info.get("alternatives", ()):
        one["agreed"] = report["agreed"]
    _write_info(folder, info | {"rows": report["rows"], "verified": cache is not None})
    return Package.read(folder)


def write_noting(parent: Parent, file: Path, folder: Path) -> None:
    """Write the package of *parent* with *file*, a LiteRT or ONNX file, in the place of its trained object.

    It is for this process's children only, which are to see what the code feeds the file, and has no examples.
    """
    runtime = next(one for one, suffix in _SUFFIX.items() if suffix == file.suffix)
    made = VariantFile(name="noting", file=file, runtime=runtime, recipe={}, tools={})
    _copy(parent, made, folder)
    info = {**parent.package.info, "alternatives": [_standing_in(parent, made)], "variant": made.said(parent)}
    _write_info(folder, info)


def _gone(parent: Parent) -> set[str]:
    """Return the paths of the parent's files that a variant has not: the file itself, and its second form."""
    second = {one["path"] for one in parent.package.info.get("alternatives", ()) if one["of"] == parent.path}
    return {parent.path, *second}


def _copy(parent: Parent, made: VariantFile, folder: Path) -> None:
    source, gone = parent.package.folder, _gone(parent)
    folder.mkdir(parents=True)
    for name in _KEPT:
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name)
        elif (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    for path in parent.package.files():
        if path.startswith("state/") and path not in gone:
            (folder / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / path, folder / path)
    (folder / "state").mkdir(exist_ok=True)
    shutil.copyfile(made.file, folder / parent.path_of(made.runtime))


def _info(parent: Parent, made: VariantFile, needs: Requirements) -> dict[str, Any]:
    """Return the variant's ``package.json``, before its examples are answered."""
    info, path = dict(parent.package.info), parent.path_of(made.runtime)
    info["requirements"] = [f"{name}=={version}" for name, version in needs.direct.items()]
    info["needed_by"] = needs.needed_by
    for key in ("changed", "data"):
        info.pop(key, None)
    others = [one for one in info["state"] if one["path"] not in _gone(parent)]
    kind = {"litert": "litert", "onnx": "onnx"}[made.runtime]
    info["state"] = sorted([*others, {"path": path, "type": kind}], key=lambda one: str(one["path"]))
    for key in ("alternatives", "without_alternative"):
        left = [one for one in info.pop(key, ()) if one["of"] != parent.path]
        info |= {key: left} if left else {}
    if parent.is_trained:
        info["alternatives"] = [_standing_in(parent, made), *info.get("alternatives", ())]
    if not info["code"]:
        reason = f"it is one {_NAMES[made.runtime]} file, which modelport's own loader runs"
        info["tier"] = {"level": DATA_ONLY, "reason": reason}
    info["verified"] = False
    info["variant"] = made.said(parent)
    return info


def _standing_in(parent: Parent, made: VariantFile) -> dict[str, Any]:
    """Return what is said of the variant's file, which stands in for the parent's; what that refuses, it does, too."""
    before: Mapping[str, Any] = next(
        (one for one in parent.package.info.get("alternatives", ()) if one["of"] == parent.path), {}
    )
    found = sorted({*before.get("refuses", ()), *made.recipe.get("refuses", ())})
    refuses = {"refuses": found} if found else {}
    distribution = DISTRIBUTIONS[made.runtime][0]
    return {"path": parent.path_of(made.runtime), "of": parent.path, "runtime": distribution, "agreed": 0, **refuses}


def _answers(package: Package, cache: Path | None) -> dict[str, Any]:
    """Return what `goldens` reports of *package*."""
    module, folder = "modelport.edge.goldens", str(package.folder.resolve())
    if cache is None:
        done = run([sys.executable, "-P", "-m", module, folder])
    else:
        environment = make_environment(package.lock, cache, python=package.info["python"])
        done = run(environment.command(module, folder), variables=environment.variables(os.environ))
    report = read_answer(done.stdout)
    if report is None:
        said = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise NotMadeError(f"its package ended with status {done.returncode} and without an answer: {''.join(said)}")
    if "error" in report:
        raise NotMadeError(f"its package does not work: {report['error']}", hint=report.get("hint", ""))
    return report


def _write_examples(folder: Path, examples: Sequence[Mapping[str, Any]]) -> None:
    shutil.rmtree(folder / "examples", ignore_errors=True)
    counts: dict[str, int] = {}
    for one in examples:
        method = str(one["method"])
        counts[method] = number = counts.get(method, 0) + 1
        file = folder / "examples" / f"{method}-{number:03d}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(canonical_json(one))


def _write_info(folder: Path, info: Mapping[str, Any]) -> None:
    text = json.dumps(info, indent=1, ensure_ascii=False) + "\n"
    (folder / "package.json").write_text(text, "utf-8")
