"""Which of a package's locked distributions an image needs, for the form of the trained objects that it runs.

A package may hold a trained object in two forms: the framework's own, and a second one that another runtime reads. An
image runs one of them, so it does without what only the files of the other form need, and without what only that needs
in turn. What needs what is read from the wheels' own metadata (``Requires-Dist``), as an installer would.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from modelport.package.locks import canonical_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from modelport.image.distributions import Needs
    from modelport.image.wheels import Target
    from modelport.package import Package

__all__ = ["Runtime", "chosen_runtime", "markers", "unneeded", "unused_roots"]


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


def unneeded(roots: Collection[str], unused: Collection[str], needs: Needs, environment: Mapping[str, str]) -> set[str]:
    """Return the distributions that only *unused* of all *roots* lead to.

    Args:
        roots: What the package needs directly.
        unused: Those of them that it can do without.
        needs: What each needs in turn.
        environment: The markers of the image's platform and Python (PEP 508).
    """
    everything = _reached(roots, needs, environment)
    return everything - _reached([one for one in roots if one not in unused], needs, environment)


def _reached(roots: Iterable[str], needs: Needs, environment: Mapping[str, str]) -> set[str]:
    from packaging.requirements import Requirement

    waiting: list[tuple[str, frozenset[str]]] = [(canonical_name(one), frozenset()) for one in roots]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        for text in needs.get(name, ()):
            one = Requirement(text)
            settings = [{**environment, "extra": extra} for extra in ("", *extras)]
            if one.marker is None or any(one.marker.evaluate(each) for each in settings):
                found = canonical_name(one.name), frozenset(one.extras)
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return {name for name, _ in seen}


def markers(target: Target, python: str) -> dict[str, str]:
    """Return the values of markers on the image's platform (PEP 508)."""
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
