"""Which of a package's locked distributions an image needs, for the form of the trained objects that it runs.

A package may hold a trained object in two forms: the framework's own, and a second one that another runtime reads. An
image runs one of them, so it does without what only the files of the other form need, and without what only that needs
in turn. What needs what is read from the wheels' own metadata (``Requires-Dist``), as an installer would.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from modelport.errors import SetupError
from modelport.package.locks import canonical_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from packaging.markers import Marker

    from modelport.image.distributions import Distribution, Needs
    from modelport.image.wheels import Target
    from modelport.package import Package
    from modelport.package.locks import Pin

__all__ = [
    "Runtime", "applying", "check_service", "chosen_runtime", "markers", "unneeded", "unused_roots",
]  # fmt: skip

_PATCHES = 100


class Runtime(StrEnum):
    """Which form of the trained objects is run, as ``modelport serve --runtime`` names it."""

    AUTO = "auto"
    FRAMEWORK = "framework"
    CONVERTED = "converted"


def chosen_runtime(package: Package, wished: Runtime) -> Runtime:
    """Return the form that an image of *package* runs: the second one where there is one, unless wished otherwise."""
    if wished is not Runtime.AUTO:
        return wished
    return Runtime.CONVERTED if package.info.get("alternatives") else Runtime.FRAMEWORK


def unused_roots(package: Package, runtime: Runtime) -> set[str]:
    """Return the distributions that only files need which are not run."""
    second = package.info.get("alternatives", ())
    not_run = {one["of"] if runtime is Runtime.CONVERTED else one["path"] for one in second}
    needed_by: Mapping[str, list[str]] = package.info.get("needed_by", {})
    return {canonical_name(name) for name, files in needed_by.items() if files and not_run.issuperset(files)}


def unneeded(
    roots: Collection[str],
    unused: Collection[str],
    needs: Needs,
    environment: Mapping[str, str],
    pinned: Collection[str] = (),
) -> set[str]:
    """Return the distributions that only *unused* of all *roots* lead to.

    Args:
        roots: What the package needs directly, with extras.
        unused: The names of those of them that it can do without.
        needs: What each needs in turn.
        environment: The markers of the image's platform and Python (PEP 508).
        pinned: What the lock has. Of what is there without metadata nobody knows what it needs: then all of it stays.
    """
    used = [one for one in roots if _name(one) not in unused]
    kept = _reached(used, needs, environment)
    if kept.intersection(pinned) - needs.keys():
        return set()
    return _reached(roots, needs, environment) - kept


def applying(pins: Iterable[Pin], environment: Mapping[str, str]) -> list[Pin]:
    """Return which *pins* are installed where *environment* holds."""
    from packaging.markers import Marker

    return [pin for pin in pins if not pin.marker or _holds(Marker(pin.marker), environment, ())]


def check_service(
    service: Iterable[Distribution], package: Iterable[Distribution], environment: Mapping[str, str]
) -> None:
    """Compare what the distributions of the service need with what a package has pinned itself.

    Raises:
        SetupError: The package's version of something is not one that the service can be run with.
    """
    from packaging.requirements import Requirement

    pinned, problems = {one.name: one.version for one in package}, []
    for one in service:
        for needed in map(Requirement, one.needs):
            version = pinned.get(canonical_name(needed.name))
            if version is None or not _holds(needed.marker, environment, ()):
                continue
            if not needed.specifier.contains(version, prereleases=True):
                problems.append((one.name, f"{needed.name}{needed.specifier}", version))
    if problems:
        said = "; ".join(f"the service needs {what} (by {who}), and the package pins {v}" for who, what, v in problems)
        wanted = " ".join(sorted({f"'{what}'" for _, what, _ in problems}))
        raise SetupError(said, hint=f"pack the model anew with {wanted} among what is installed")


def _reached(roots: Iterable[str], needs: Needs, environment: Mapping[str, str]) -> set[str]:
    from packaging.requirements import Requirement

    waiting: list[tuple[str, frozenset[str]]] = [
        (canonical_name(one.name), frozenset(one.extras)) for one in map(Requirement, roots)
    ]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        for text in needs.get(name, ()):
            one = Requirement(text)
            if _holds(one.marker, environment, extras):
                found = canonical_name(one.name), frozenset(one.extras)
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return {name for name, _ in seen}


def _holds(marker: Marker | None, environment: Mapping[str, str], extras: Iterable[str]) -> bool:
    """Tell whether a marker holds, with none or any of *extras*, for any patch release of the base's Python."""
    if marker is None:
        return True
    patches = range(_PATCHES) if "_full_version" in str(marker) or "implementation_version" in str(marker) else (0,)
    versions = (f"{environment['python_version']}.{patch}" for patch in patches)
    return any(
        marker.evaluate(
            {**environment, "extra": extra, "python_full_version": version, "implementation_version": version}
        )
        for version in versions
        for extra in ("", *extras)
    )


def _name(requirement: str) -> str:
    from packaging.requirements import Requirement

    return canonical_name(Requirement(requirement).name)


def markers(target: Target, python: str) -> dict[str, str]:
    """Return the values of markers on the image's platform (PEP 508); its Python's patch release stands for any."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": target.markers,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
