"""Which variants a device keeps under a storage budget, for all its applications and all the networks it meets.

MODI left this open (section 3.2.2: "which versions of models to store on a mobile device?"). The plan is the set whose
needs (`modelport.edge.demand`), weighted by demand and by the scenario's share, are served best by the rule of
`modelport.edge.select`, the edge server helping. Of sets that are worth the same it is the one in the fewest bytes; but
where bytes are left over, each variant gives its place to the one that the rule prefers of those that serve as well,
the heaviest need first; and then, where nothing serves a need, to the one that it prefers of those that are in time,
however inaccurate. A variant serves all applications that ask for its task, and its bytes count once.

Every task keeps at least one variant, however small its gain: the day without a network must find the device able.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from modelport.edge.budget import Items, exact, greedy
from modelport.edge.demand import OFFLINE, Application, Need, Scenario, Would, open_needs
from modelport.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.edge.demand import OpenNeed
    from modelport.edge.types import Candidate, Variant

__all__ = ["EXACT", "OFFLINE", "Application", "Need", "Plan", "Scenario", "Would", "plan"]

EXACT: Final = 25
"""Up to how many variants the plan is the best one; beyond, it is a good one."""

_LITTLE: Final = 1e-12
"""A value that is less by this is so by a sum's rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a device keeps.

    Args:
        kept: The variants, by their labels.
        size: Bytes they take together.
        budget: Bytes there are.
        worth: The mean accuracy that the needs are served with, by weight; those that nobody serves as asked count
            with 0. Left out are those whose accuracy nobody measured, with these variants or with all of them.
        most: The same, of the same needs, if the device kept everything.
        known: Of the needs' weight the share that both means are of.
        exact: Whether no other set under the budget is worth more; else it may be.
        needs: How each need is served.
    """

    kept: tuple[Variant, ...]
    size: int
    budget: int
    worth: float
    most: float
    known: float
    exact: bool
    needs: tuple[Need, ...]


def plan(
    candidates: Iterable[Candidate],
    applications: Sequence[Application],
    budget: int,
    *,
    scenarios: Sequence[Scenario] = (OFFLINE,),
) -> Plan:
    """Return which of the variants on the device among *candidates* to keep.

    Args:
        candidates: Variants at their places: those at the device could be kept, those at the server serve meanwhile.
        applications: What the device's applications ask for.
        budget: Bytes that the kept variants' files may take together.
        scenarios: Where the device is, for which shares of its time.

    Raises:
        NotFoundError: No variant for the device serves a task that is asked for.
        InputError: The budget cannot hold one variant of every task; nothing is asked for; a candidate is there twice.
    """
    tasks = sorted({task for application in applications for task, weight in application.demand.items() if weight})
    if not tasks or not any(scenario.share for scenario in scenarios):
        raise InputError("a plan is made for demand: no application asks for a task, or no scenario has a share")
    asked = [candidate for candidate in candidates if candidate.variant.purpose in tasks]
    server = [candidate for candidate in asked if candidate.place == "server"]
    local = [replace(candidate, stored=True) for candidate in asked if candidate.place == "device"]
    local.sort(key=lambda candidate: candidate.label)
    opened = open_needs(local, server, applications, scenarios)
    items = _items(local, opened, tasks, budget)
    _check_budget(items, local)
    kept, proved = exact(items) if len(local) <= EXACT else (greedy(items), False)
    everything = frozenset(range(len(local)))
    proved = proved or items.value(kept) >= items.value(everything)
    kept = _preferred(items, kept, opened)
    room = items.room()
    needs = [need.served(kept, room) for need in opened]
    worth, most, known = _means(needs, [need.served(everything, room) for need in opened])
    return Plan(
        kept=tuple(local[item].variant for item in sorted(kept)),
        size=items.bytes(kept),
        budget=budget,
        worth=worth,
        most=most,
        known=known,
        exact=proved,
        needs=tuple(needs),
    )


def _items(local: Sequence[Candidate], opened: Sequence[OpenNeed], tasks: Sequence[str], budget: int) -> Items:
    for task in tasks:
        if all(candidate.variant.purpose != task for candidate in local):
            raise NotFoundError(
                f"no variant for the device serves the task {task!r}",
                hint="build and measure one, or leave the task out of what the applications ask for",
            )
    columns = _gains(opened)
    return Items(
        sizes=tuple(candidate.variant.size for candidate in local),
        gains=tuple(tuple(column[item] for column in columns) for item in range(len(local))),
        groups=tuple(tasks.index(candidate.variant.purpose) for candidate in local),
        budget=budget,
    )


def _gains(opened: Sequence[OpenNeed]) -> list[tuple[float, ...]]:
    """Return what each item adds to each need; needs that all items serve alike are one, for the search's sake."""
    total = sum(one.need.weight for one in opened)
    weights: dict[tuple[float, ...], float] = {}
    for one in opened:
        column = tuple(max(0.0, worth - one.worth) for worth in one.worths)
        weights[column] = weights.get(column, 0.0) + one.need.weight / total
    return [tuple(weight * gain for gain in column) for column, weight in weights.items()]


def _preferred(items: Items, kept: frozenset[int], opened: Sequence[OpenNeed]) -> frozenset[int]:
    """Return a set worth as much as *kept*, with what the rule prefers of all that serve as well and fit the budget."""
    parts = {group: items.part(group, range(len(items.sizes))) for group in set(items.groups)}
    found, settled = set(kept), set[int]()
    heaviest = sorted(opened, key=lambda one: -one.need.weight)
    served, unserved = (one.preferred() for one in heaviest), (one.degraded(found) for one in heaviest)
    for preferred in chain(served, unserved):  # the latter by what is found by then
        for item in preferred:
            gone = None if item in found else _replaced(items, found, settled, item, parts[items.groups[item]])
            if item in found or gone is not None:
                found = (found | {item}) - {gone}
                settled.add(item)
                break
    return frozenset(found)


def _replaced(items: Items, kept: set[int], settled: set[int], item: int, part: tuple[list[int], Items]) -> int | None:
    """Return which of the *kept* ones, but the *settled*, *item* can take the place of without any loss."""
    members, own = part
    places = {member: place for place, member in enumerate(members)}
    mine = {one for one in kept if one in places}
    value = own.value(places[one] for one in mine)
    left = items.budget - items.bytes(kept) - items.sizes[item]
    for one in sorted(mine - settled):
        others = (mine - {one}) | {item}
        if items.sizes[one] + left >= 0 and own.value(places[other] for other in others) >= value - _LITTLE:
            return one
    return None


def _check_budget(items: Items, local: Sequence[Candidate]) -> None:
    smallest = items.smallest()
    least = items.bytes(smallest)
    if least > items.budget:
        named = ", ".join(
            f"{local[item].variant.purpose}: {local[item].variant.label} {items.sizes[item]}"
            for item in sorted(smallest)
        )
        raise InputError(
            f"a budget of {items.budget} bytes cannot hold one variant of every task; the smallest ones take {least} "
            f"({named})",
            hint=f"give at least {least} bytes, build smaller variants, or plan for fewer tasks",
        )


def _means(needs: Sequence[Need], whole: Sequence[Need]) -> tuple[float, float, float]:
    """Return the mean accuracies of *needs* and of the *whole*, where both are known, and which share that is."""
    known = [
        (one.weight, one.accuracy, other.accuracy)
        for one, other in zip(needs, whole, strict=True)
        if one.accuracy is not None and other.accuracy is not None
    ]
    total = sum(weight for weight, _, _ in known)
    share = 1.0 if len(known) == len(needs) else total / sum(need.weight for need in needs)
    mine, other = (sum(one[0] * one[place] for one in known) / (total or 1.0) for place in (1, 2))
    return mine, other, share
