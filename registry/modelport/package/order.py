"""Definitions in an order in which they can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Definition", "ordered"]


@dataclass(frozen=True, slots=True)
class Definition:
    """The source that gives a name its meaning.

    Attributes:
        text: The source.
        eager: The names that must be there when it runs.
        late: The names that must be there when what it defines is called.
    """

    text: str
    eager: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()


def ordered(definitions: Mapping[str, Definition]) -> list[str]:
    """Return the sources: each as late as it stands in *definitions*, but behind all that must be there when it runs.

    A function that a definition calls while it runs needs its own names by then, too. Where that goes in circles there
    is no order for certain; what is merely called later gives way.
    """
    done: dict[str, str] = {}
    begun: set[str] = set()

    def put(name: str) -> None:
        if name in begun or name not in definitions:
            return
        begun.add(name)
        for eager in sorted(definitions[name].eager):
            put(eager)
        for needed in _reached(definitions[name].eager, definitions):
            put(needed)
        done[name] = definitions[name].text

    for name in definitions:
        put(name)
    return list(done.values())


def _reached(names: Iterable[str], definitions: Mapping[str, Definition]) -> Iterator[str]:
    seen: set[str] = set()
    waiting = sorted(names, reverse=True)
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in seen:
            seen.add(name)
            yield name
            waiting += sorted(definitions[name].late | definitions[name].eager, reverse=True)
