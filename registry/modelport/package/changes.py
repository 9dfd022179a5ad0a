"""What a user changes by hand of the requirements that were found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import PackError
from modelport.package.locks import canonical_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Changes"]

_NAMED = re.compile(
    r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(==(?P<version>[0-9]([A-Za-z0-9]|[.!+_-](?=[A-Za-z0-9]))*))?"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to add to the requirements that were found, to drop, and to replace.

    Attributes:
        add: What is required besides: ``NAME``, in the installed version, or ``NAME==VERSION``.
        drop: What is not required and does not go along, even where a distribution says that it needs it. The name of
            an imported module that nobody provides is understood, too.
        replace: Name -> ``NAME`` or ``NAME==VERSION``, which takes its place wherever it is needed. Where the new one
            is not installed and no version is said, it has the version of the old one.
    """

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    replace: Mapping[str, str] = field(default_factory=dict)

    @property
    def added(self) -> dict[str, str]:
        """Canonical name -> version, or nothing for the installed one, of what is added."""
        return dict(_named(one) for one in self.add)

    @property
    def dropped(self) -> frozenset[str]:
        """The canonical names of what is dropped."""
        return frozenset(_name(one) for one in self.drop)

    @property
    def replaced(self) -> dict[str, tuple[str, str]]:
        """Canonical name -> canonical name and version, or nothing, of what takes its place."""
        return {_name(old): _named(new) for old, new in self.replace.items()}

    def check(self, needed: Iterable[str]) -> None:
        """Refuse changes that contradict each other, or of what is not among *needed*, all distributions.

        Raises:
            PackError: That is so, or a name is none.
        """
        twice = self.dropped & (self.added.keys() | self.replaced.keys() | {name for name, _ in self.replaced.values()})
        if twice:
            raise PackError(f"{min(twice)} is to be dropped, and something else as well", hint="say one of the two")
        if unknown := sorted((self.dropped | self.replaced.keys()) - set(needed)):
            raise PackError(
                f"{', '.join(unknown)} cannot be dropped or replaced: the model does not need it",
                hint=f"it needs {', '.join(sorted(needed)) or 'nothing'}",
            )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Changes:
        """Return the changes that :meth:`to_json` wrote into a package."""
        return cls(
            tuple(document.get("added", ())), tuple(document.get("dropped", ())), dict(document.get("replaced", {}))
        )

    def to_json(self, pins: Mapping[str, str]) -> dict[str, Any]:
        """Return what ``package.json`` says of the changes, with the versions in *pins*; empty where there are none."""

        def pinned(name: str) -> str:
            return f"{name}=={pins[name]}"

        found = {
            "added": sorted(pinned(name) for name in self.added),
            "dropped": sorted(self.dropped),
            "replaced": {old: pinned(new) for old, (new, _) in sorted(self.replaced.items())},
        }
        return {key: value for key, value in found.items() if value}


def _named(text: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(text.strip())
    if match is None:
        raise PackError(f"{text!r} is not a requirement to pin", hint="write NAME or NAME==VERSION")
    return canonical_name(match["name"]), match["version"] or ""


def _name(text: str) -> str:
    name, version = _named(text)
    if version:
        raise PackError(f"{text!r} has a version, where only a name is meant", hint=f"write {name}")
    return name
