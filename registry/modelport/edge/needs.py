"""What a variant needs of all that its parent does: its requirements, and a lock cut to them.

A LiteRT variant of a Keras model must not need TensorFlow. What only files need that the variant has not goes, with all
that only this needs in turn; what runs the variant's own file comes. The parent's versions stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.edge.trial import DISTRIBUTIONS
from modelport.package.changes import Changes
from modelport.package.locks import read_pins
from modelport.package.requirements import Requirements, closure, lock, requirements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelport.package import Package

__all__ = ["needs_of"]


def needs_of(parent: Package, *, without: Iterable[str], file: str, runtime: str) -> Requirements:
    """Return what the variant of *parent* needs that has *file*, which *runtime* runs, and not the files *without*.

    Raises:
        PackError: Something that is needed is not installed here, or the index has no hashes of it.
        SetupError: The index must be asked, and cannot be.
    """
    gone = {*without} - {file}
    needed_by = _kept(parent.info.get("needed_by", {}), gone)
    for name in requirements_of([DISTRIBUTIONS[runtime][1], "numpy"]):
        needed_by[name] = sorted({*needed_by.get(name, []), file})
    locked = {pin.name: pin.version for pin in read_pins(parent.lock)}
    pins = closure(sorted(needed_by), Changes(add=tuple(f"{name}=={version}" for name, version in locked.items())))
    return Requirements(
        direct={name: pins[name] for name in sorted(needed_by)},
        needed_by=dict(sorted(needed_by.items())),
        changed={},
        lock=lock(pins, known=parent.lock),
    )


def _kept(needed_by: Mapping[str, list[str]], gone: set[str]) -> dict[str, list[str]]:
    """Return what is needed by files that stay, or was added by the user."""
    found = {name: [one for one in files if one not in gone] for name, files in needed_by.items()}
    return {name: files for name, files in found.items() if files or not needed_by[name]}
