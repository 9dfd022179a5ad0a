"""What a package needs: modules -> distributions -> a lock of exact versions with hashes.

The closure is walked over the metadata of the installed distributions, so that the lock is what the model was made
and tried with, and the same installation gives the same lock. Hashes come from a lock that is already there (a
recipe's) or from the package index, by uv.
"""

from __future__ import annotations

import importlib.metadata
import sys
from typing import TYPE_CHECKING

from modelport.errors import PackError, SetupError
from modelport.package.locks import Pin, canonical_name, lock_text, parse_lock
from modelport.package.modules import Origin, distributions, origin
from modelport.package.tools import run, uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["canonical_name", "closure", "lock", "parse_lock", "requirements_of"]


def requirements_of(modules: Iterable[str]) -> dict[str, str]:
    """Return the distributions that provide *modules*, as canonical name -> installed version.

    Raises:
        PackError: A module is provided by no installed distribution.
    """
    found: dict[str, str] = {}
    for module in sorted(set(modules)):
        match origin(module):
            case Origin.STANDARD | Origin.MODELPORT | Origin.SCRIPT:
                continue
            case Origin.LOCAL | Origin.MISSING:
                top = module.partition(".")[0]
                raise PackError(
                    f"the code imports {top!r}, which no installed distribution provides and no file beside it",
                    hint=f"install what provides {top!r}, or remove the import",
                )
            case Origin.DISTRIBUTION:
                for name in distributions(module):
                    found[canonical_name(name)] = importlib.metadata.version(name)
    return dict(sorted(found.items()))


def closure(requirements: Mapping[str, str]) -> dict[str, str]:
    """Return *requirements* with all they need in turn on this platform, as canonical name -> installed version.

    Raises:
        PackError: Something that is needed is not installed.
    """
    found: dict[str, str] = {}
    waiting: list[tuple[str, str, frozenset[str]]] = [(name, "the model", frozenset()) for name in requirements]
    seen = set(waiting)
    while waiting:
        name, needed_by, extras = waiting.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise PackError(
                f"{needed_by} needs {name}, which is not installed", hint=f"run: pip install {name}"
            ) from error
        found[canonical_name(name)] = distribution.version
        for one in _needed(distribution, extras):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return dict(sorted(found.items()))


def _needed(
    distribution: importlib.metadata.Distribution, extras: frozenset[str]
) -> list[tuple[str, str, frozenset[str]]]:
    """Return what *distribution* needs here: name, who needs it, extras."""
    from packaging.requirements import InvalidRequirement, Requirement

    name, found = distribution.name, []
    for text in distribution.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise PackError(
                f"the installed {name} says that it needs {text!r}, which is no requirement: {error}",
                hint=f"install another version of {name}",
            ) from error
        markers = [{"extra": extra} for extra in ("", *sorted(extras))]
        if requirement.marker is None or any(requirement.marker.evaluate(m) for m in markers):
            found.append((canonical_name(requirement.name), name, frozenset(requirement.extras)))
    return found


def lock(pins: Mapping[str, str], *, known: str = "") -> str:
    """Return a requirements file that pins *pins* with hashes and names no index.

    Args:
        pins: Canonical name -> version, transitive ones too.
        known: The text of a lock whose hashes may be taken where the version is the same.

    Raises:
        PackError: The index has no file of a version.
        FormatError: *known* is no lock.
        SetupError: uv is not installed, or the index cannot be reached.
    """
    hashes = {name: one for (name, version), one in parse_lock(known).items() if one and pins.get(name) == version}
    if missing := {name: version for name, version in pins.items() if name not in hashes}:
        hashes |= _hashes_from_index(missing)
    if unknown := [f"{name}=={version}" for name, version in pins.items() if not hashes.get(name)]:
        raise PackError(f"the package index has no hashes of {', '.join(unknown)}", hint="install another version")
    return lock_text(Pin(name, pins[name], hashes[name]) for name in sorted(pins))


def _hashes_from_index(pins: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    wanted = "".join(f"{name}=={version}\n" for name, version in pins.items())
    compiled = uv("pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate")
    done = run([*compiled, "--python", sys.executable, "-"], stdin=wanted)
    if done.returncode:
        offline = "error sending request" in done.stderr or "Failed to fetch" in done.stderr
        raise (SetupError if offline else PackError)(
            f"the requirements cannot be locked: {done.stderr.strip()}",
            hint="the package index must be reachable, and must have every version that is installed here",
        )
    return {name: hashes for (name, _), hashes in parse_lock(done.stdout).items()}
