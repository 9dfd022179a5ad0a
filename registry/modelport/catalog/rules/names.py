"""Names: the folder's is the model's, every system can hold it, and nobody takes one for another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelport.catalog.document import Document
    from modelport.catalog.problem import Problem

__all__ = ["Names", "are_confusable", "check_folder_name"]

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_SHORT = 4
"""Names of fewer characters are compared letter by letter alone: ``opt`` and ``gpt`` are two names."""


def check_folder_name(model: Document, folder: str) -> Iterator[Problem]:
    """Yield a problem when the folder is not called by the model, or no Windows machine could hold it.

    The reserved names are Microsoft's, "Naming Files, Paths, and Namespaces".
    """
    name = model.value.get("name", folder)
    if name != folder:
        message = f"is {shown(name)}, and the folder is {shown(folder)}"
        yield model.problem(("name",), message, hint="make them the same", rule="name-folder")
    if _RESERVED.fullmatch(name):
        message = f"{shown(name)} is the name of a device on Windows"
        yield model.problem(("name",), message, hint="choose another name", rule="name-reserved")


class Names:
    """Names that are taken, to be asked which of them another name could be taken for.

    Two texts are one edit apart only when they share a text with at most one character left out, so a look-up finds
    all candidates and the catalog may be large.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_part: dict[str, list[str]] = {}
        for name in names:
            for part in _parts(name):
                self._by_part.setdefault(part, []).append(name)

    def confusable_with(self, name: str) -> list[str]:
        """Return the taken names that *name* could be taken for, sorted."""
        candidates = {other for part in _parts(name) for other in self._by_part.get(part, ())}
        return sorted(other for other in candidates if other != name and are_confusable(name, other))


def are_confusable(one: str, other: str) -> bool:
    """Return whether two names look or read alike: the same but for separators, lookalikes, or one typing error.

    A digit instead of another digit makes another name: ``resnet-18`` is not ``resnet-19``.
    """
    if _look(one) == _look(other):
        return True
    a, b = _bare(one), _bare(other)
    return max(len(a), len(b)) >= _SHORT and _is_one_edit(*sorted((a, b), key=len))


def _is_one_edit(short: str, long: str) -> bool:
    """Return whether one letter added, left out, changed or swapped with its neighbour makes one text the other."""
    start = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    a, b = short[start:], long[start:]
    if len(a) < len(b):
        return a == b[1:]
    changed = a[1:] == b[1:] and not (a[:1].isdigit() and b[:1].isdigit())
    return len(a) == len(b) and (changed or (a[:2] == b[1::-1] and a[2:] == b[2:]))


def _bare(name: str) -> str:
    return re.sub(r"[._-]", "", name)


def _look(name: str) -> str:
    """Return a text that names which look alike have in common."""
    text = _bare(name).replace("rn", "m").replace("vv", "w").replace("cl", "d")
    return text.translate(str.maketrans("0l", "o1")).replace("i", "1")


def _parts(name: str) -> set[str]:
    bare = _bare(name)
    return {_look(name), bare, *(bare[:i] + bare[i + 1 :] for i in range(len(bare)))}
