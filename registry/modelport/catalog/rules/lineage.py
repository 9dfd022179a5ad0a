"""Lineage and successors: other models that an entry names, which are there and lead back to it on no way."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from modelport.catalog.document import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from modelport.catalog.document import Document, Path
    from modelport.catalog.problem import Problem

__all__ = ["check_lineage", "check_links", "cycles", "near_name", "origins"]

_WAY_OUT = "name the other model of this catalog as 'model', or say as 'source' where it is elsewhere"


def check_lineage(model: Document) -> Iterator[Problem]:
    """Yield each origin that says both of ``model`` and ``source``, or neither, or is the model itself."""
    for place, origin in enumerate(model.value.get("lineage", ())):
        given = origin.keys() & {"model", "source"}
        if len(given) != 1:
            message = "has both a model and a source" if given else "has neither a model nor a source"
            hint = "keep one of them: " + _WAY_OUT if given else _WAY_OUT
            yield model.problem(("lineage", place), message, hint=hint, rule="lineage-origin")
        elif origin.get("model", "") == model.value.get("name"):
            hint = "an earlier version of it is no origin: remove it"
            yield model.problem(("lineage", place, "model"), "is the model itself", hint=hint, rule="lineage-model")


def origins(model: Document) -> dict[str, Path]:
    """Return the models of the catalog that *model* was made from, and where it says so."""
    return {
        one["model"]: ("lineage", place, "model")
        for place, one in enumerate(model.value.get("lineage", ()))
        if "model" in one and one["model"] != model.value.get("name")
    }


def check_links(
    models: dict[str, Document],
    links_of: Callable[[Document], dict[str, Path]],
    taken: Collection[str],
    far_links: Callable[[str], Iterable[str]],
    *,
    missing: str,
    cycle: str,
) -> Iterator[Problem]:
    """Yield the links of *models* that lead nowhere, and the circles that a model of them lies on.

    Args:
        models: The models that are checked, by name.
        links_of: The names that a model links to, and where.
        taken: All names of the catalog.
        far_links: The names that a model of the catalog links to which is not checked itself.
        missing: The rule for a link to no model.
        cycle: The rule for a circle.
    """
    near = {name: links_of(model) for name, model in models.items()}
    for name, links in near.items():
        for other, path in links.items():
            if other not in taken:
                message = f"{shown(other)} is not in the catalog"
                yield models[name].problem(path, message, hint=near_name(other, taken), rule=missing)
    for circle in cycles(sorted(near), lambda name: near[name] if name in near else far_links(name)):
        first = min((name for name in circle if name in near), default=None)
        if first is not None:
            start = circle.index(first)
            way = [*circle[start:], *circle[:start], first]
            message = f"leads back to the model itself: {' -> '.join(way)}"
            hint = "one of these says it the wrong way round"
            yield models[first].problem(near[first][way[1]], message, hint=hint, rule=cycle)


def cycles(starts: Iterable[str], links: Callable[[str], Iterable[str]]) -> Iterator[list[str]]:
    """Yield circles among what *starts* lead to: at least one wherever there are any; each link is followed once."""
    done: set[str] = set()
    for start in starts:
        way: list[str] = []
        place: dict[str, int] = {}
        doors = [iter([start])]
        while doors:
            name = next(doors[-1], None)
            if name is None:
                doors.pop()
                if way:
                    done.add(way[-1])
                    del place[way.pop()]
            elif name in place:
                yield way[place[name] :]
            elif name not in done:
                place[name] = len(way)
                way.append(name)
                doors.append(iter(links(name)))


def near_name(name: str, taken: Collection[str]) -> str:
    """Return a hint: the name that *name* may mean among those that are *taken*."""
    near = difflib.get_close_matches(name, sorted(taken), n=1)
    return f"did you mean '{near[0]}'?" if near else "name a model of this catalog, or leave the key out"
