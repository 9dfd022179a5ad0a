"""What a package needs: modules -> distributions -> a lock of exact versions with hashes.

The closure is walked over the metadata of the installed distributions, so that the lock is what the model was made
and tried with, and the same installation gives the same lock. Hashes come from a lock that is already there (a
recipe's) or from the package index, by uv. What the user changes by hand (`changes`) takes effect on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import PackError
from modelport.package.changes import Changes
from modelport.package.index import hashes_from_index, resolved
from modelport.package.locks import Pin, canonical_name, lock_text, parse_lock
from modelport.package.modules import Origin, distributions, installed, origin

if TYPE_CHECKING:
    import importlib.metadata
    from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "Changes",
    "Requirements",
    "canonical_name",
    "closure",
    "find_requirements",
    "lock",
    "parse_lock",
    "requirements_of",
]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a package needs.

    Attributes:
        direct: Canonical name -> version of what its own files need.
        needed_by: Canonical name -> those files' paths, sorted; none for what the user added.
        changed: What the user changed, as ``package.json`` says it; empty where that is nothing.
        lock: The requirements file with all that is needed in turn, pinned and with hashes.
    """

    direct: dict[str, str]
    needed_by: dict[str, list[str]]
    changed: dict[str, Any]
    lock: str


def find_requirements(
    needs: Mapping[str, Iterable[str]], changes: Changes | None = None, *, known: str = ""
) -> Requirements:
    """Return what a package requires whose files import *needs*: module -> the files' paths in the package.

    Args:
        needs: The modules.
        changes: What to change of what is found.
        known: The text of a lock whose hashes may be taken where the version is the same.

    Raises:
        PackError: Nobody provides a module, something that is needed is not installed, or a change makes no sense.
        FormatError: *known* is no lock.
        SetupError: uv is not installed, or the index cannot be reached.
    """
    changes = changes or Changes()
    found: dict[str, set[str]] = {}
    for module, files in needs.items():
        for name in requirements_of([module], without=changes.dropped):
            found.setdefault(name, set()).update(files)
    unprovided = {canonical_name(module.partition(".")[0]) for module in needs} & changes.dropped
    pins = closure([*found, *changes.added], changes, met=unprovided)
    places: dict[str, set[str]] = {name: set() for name in changes.added}
    for name, files in found.items():
        places.setdefault(changes.replaced.get(name, (name, ""))[0], set()).update(files)
    direct = sorted(places.keys() - changes.dropped)
    return Requirements(
        direct={name: pins[name] for name in direct},
        needed_by={name: sorted(places[name]) for name in direct},
        changed=changes.to_json(pins),
        lock=lock(pins, known=known),
    )


def requirements_of(modules: Iterable[str], *, without: Collection[str] = ()) -> dict[str, str]:
    """Return the distributions that provide *modules*, as canonical name -> installed version.

    Args:
        modules: Their dotted names.
        without: The names of modules that nobody need provide.

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
                if canonical_name(top) in without:
                    continue
                raise PackError(
                    f"the code imports {top!r}, which no installed distribution provides and no file beside it",
                    hint=f"install what provides {top!r}, or remove the import",
                )
            case Origin.DISTRIBUTION:
                for name in distributions(module):
                    if distribution := installed(name):
                        found[canonical_name(name)] = distribution.version
    return dict(sorted(found.items()))


def closure(
    requirements: Iterable[str], changes: Changes | None = None, *, met: Collection[str] = ()
) -> dict[str, str]:
    """Return *requirements* with all they need in turn on this platform, as canonical name -> version.

    Args:
        requirements: Canonical names.
        changes: What to leave out and to replace, and versions that are not installed.
        met: Names that *changes* may drop, too: those of modules that nobody provides.

    Raises:
        PackError: Something that is needed is not installed, or a change is of what is not needed.
    """
    changes = changes or Changes()
    walk = _Walk(changes)
    walk.run(requirements)
    found, needed = walk.found, {*walk.met, *met}
    if walk.foreign:
        others = resolved(walk.foreign, walk.found)
        needed |= others.keys()
        found |= {n: v for n, v in others.items() if n not in changes.dropped and n not in changes.replaced}
    changes.check(needed)
    return dict(sorted(found.items()))


@dataclass(slots=True)
class _Walk:
    """A walk over the metadata of what is installed.

    Attributes:
        changes: What is left out and replaced.
        found: Name -> installed version.
        foreign: Name -> version of what is not installed in the version that the user said.
        met: Every name that was met, those that were left out, too.
    """

    changes: Changes
    found: dict[str, str] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    def run(self, requirements: Iterable[str]) -> None:
        said = _said_versions(self.changes)
        waiting: list[tuple[str, str, frozenset[str]]] = [(name, "the model", frozenset()) for name in requirements]
        seen = set(waiting)
        while waiting:
            met, needed_by, extras = waiting.pop()
            self.met.add(met)
            name = self.changes.replaced.get(met, (met, ""))[0]
            if name in self.changes.dropped:
                continue
            distribution = installed(name)
            if name in said and (distribution is None or distribution.version != said[name]):
                self.foreign[name] = said[name]
                continue
            if distribution is None:
                raise PackError(f"{needed_by} needs {name}, which is not installed", hint=f"run: pip install {name}")
            self.found[name] = distribution.version
            for one in _needed(distribution, extras):
                if one not in seen:
                    seen.add(one)
                    waiting.append(one)


def _said_versions(changes: Changes) -> dict[str, str]:
    """Return the versions that the user said, and those of replacements that are not installed."""
    said = {name: version for name, version in changes.added.items() if version}
    for old, (new, version) in changes.replaced.items():
        replaced = installed(old)
        if version:
            said[new] = version
        elif installed(new) is None and replaced is not None:
            said[new] = replaced.version
    for name in changes.added.keys() - said.keys():
        if installed(name) is None:
            raise PackError(f"{name} is to be added and is not installed", hint=f"say which: {name}==VERSION")
    return said


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
        hashes |= hashes_from_index(missing)
    if unknown := [f"{name}=={version}" for name, version in pins.items() if not hashes.get(name)]:
        raise PackError(f"the package index has no hashes of {', '.join(unknown)}", hint="install another version")
    return lock_text(Pin(name, pins[name], hashes[name]) for name in sorted(pins))
