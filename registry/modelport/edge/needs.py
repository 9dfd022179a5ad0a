"""What a variant needs of all that its parent does: its requirements, and a lock cut to them.

A LiteRT variant of a Keras model must not need TensorFlow. What only files need that the variant has not goes, with all
that only this needs in turn; what runs the variant's own file comes. The parent's versions stay, and so does what its
maker has dropped or replaced by hand.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from modelport.edge.trial import DISTRIBUTIONS
from modelport.package.changes import Changes
from modelport.package.locks import canonical_name, read_pins
from modelport.package.requirements import Requirements, closure, lock, requirements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.package import Package

__all__ = ["needs_of"]

_FRAMEWORKS = {".keras": {"keras", "tensorflow", "tensorflow-cpu"}, ".skops": {"scikit-learn", "skops"}}
_IMPORTS = re.compile(rb"\b(?:import|from)\s+(?:keras|tensorflow|sklearn|skops)\b")


def needs_of(parent: Package, *, without: Iterable[str], file: str, runtime: str) -> Requirements:
    """Return what the variant of *parent* needs that has *file*, which *runtime* runs, and not the files *without*.

    Raises:
        PackError: Something that is needed is not installed here, or the index has no hashes of it.
        SetupError: The index must be asked, and cannot be.
    """
    needed_by = _kept(_needed_by(parent), {*without} - {file})
    runs = requirements_of([DISTRIBUTIONS[runtime][1], "numpy"])
    for name in runs:
        needed_by[name] = sorted({*needed_by.get(name, []), file})
    pins = _pins(parent, needed_by, runs)
    return Requirements(
        direct={name: pins[name] for name in sorted(needed_by)},
        needed_by=dict(sorted(needed_by.items())),
        changed={},
        lock=lock(pins, known=parent.lock),
    )


def _needed_by(parent: Package) -> Mapping[str, list[str]]:
    """Return which files need each requirement; of older packages, which do not say it, what is likely."""
    if said := parent.info.get("needed_by"):
        return dict(said)
    trained = [one["path"] for one in parent.info["state"]]
    frameworks = {name for path in trained for name in _FRAMEWORKS.get(PurePosixPath(path).suffix, ())}
    code = list(parent.info["code"])
    if any(_IMPORTS.search((parent.folder / path).read_bytes()) for path in code):
        frameworks = set()
    names = [canonical_name(one.partition("==")[0]) for one in parent.info["requirements"]]
    return {name: trained if name in frameworks or not code else code for name in names}


def _kept(needed_by: Mapping[str, list[str]], gone: set[str]) -> dict[str, list[str]]:
    """Return what is needed by files that stay, or was added by the user."""
    found = {name: [one for one in files if one not in gone] for name, files in needed_by.items()}
    return {name: files for name, files in found.items() if files or not needed_by[name]}


def _pins(parent: Package, roots: Iterable[str], runs: Iterable[str]) -> dict[str, str]:
    """Return *roots* with all they need in turn, in the parent's versions where it has one."""
    locked = {pin.name: pin.version for pin in read_pins(parent.lock)}
    versions = Changes(add=tuple(f"{name}=={version}" for name, version in locked.items()))
    found = closure(roots, versions)
    allowed = locked.keys() | closure(runs, versions).keys()
    replaced = Changes.from_json(parent.info.get("changed", {})).replaced
    if instead := {new for old, (new, _) in replaced.items() if old in found.keys() - allowed and new in locked}:
        found |= closure(instead, versions)
    return {name: version for name, version in sorted(found.items()) if name in allowed}
