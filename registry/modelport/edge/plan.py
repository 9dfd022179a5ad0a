"""Which variants a device keeps under a storage budget, for all its applications and all the networks it meets.

MODI left this open (section 3.2.2: "which versions of models to store on a mobile device?"). A *need* is one
application's demand for a task in one scenario: on one network, or without any. What a variant is worth to a need
follows the rule of `modelport.edge.select`: its accuracy if it `fits`; if it is late, that times the chance that it is
in time after all; nothing if it is not accurate enough. Accuracies of one grade are worth the same, since nobody knows
which is better, and where nobody measured any, all are. The edge server may serve a need better. The plan is the set
whose needs, weighted by demand and by the scenario's share, are served best, in the fewest bytes. A variant serves all
applications that ask for its task, and its bytes count once.

Every task keeps at least one variant, however small its gain: the day without a network must find the device able.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import erfc, inf, sqrt
from typing import TYPE_CHECKING, Final

from modelport.edge.budget import Items, exact, greedy
from modelport.edge.costs import cost_of, grades, link_of, rows
from modelport.edge.types import Request
from modelport.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport.edge.costs import Cost
    from modelport.edge.types import Candidate, Network, Variant

__all__ = ["EXACT", "OFFLINE", "Application", "Need", "Plan", "Scenario", "plan"]

EXACT: Final = 25
"""Up to how many variants the plan is the best one; beyond, it is a good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What one application on the device asks for.

    Args:
        name: Its name.
        demand: How much it asks for each task, such as inferences a day; only the ratios count.
        request: The deadline, accuracy and payload of its requests.
    """

    name: str
    demand: Mapping[str, float]
    request: Request = field(default_factory=Request)

    def __post_init__(self) -> None:
        for task, weight in self.demand.items():
            if not 0 <= weight < float("inf"):
                raise InputError(f"application {self.name}: the demand for {task} is {weight}, not 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Where the device is for a share of its time; without a *network* it is on its own."""

    name: str
    share: float = 1.0
    network: Network | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share < float("inf"):
            raise InputError(f"scenario {self.name}: its share is {self.share}, not 0 or more")


OFFLINE: Final = Scenario(name="offline")
"""The day without a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How an application's demand for a task is served in a scenario.

    Args:
        application: Whose.
        task: For what.
        scenario: In which.
        weight: Demand times share.
        accuracy: What it is served with; 0 where nothing is in time and accurate enough.
        by: Who serves it; None: nobody does as it asks, and it gets a degraded answer.
    """

    application: str
    task: str
    scenario: str
    weight: float
    accuracy: float
    by: Candidate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a device keeps.

    Args:
        kept: The variants, by their labels.
        size: Bytes they take together.
        budget: Bytes there are.
        worth: The mean accuracy that the needs are served with, by weight.
        most: The same if the device kept everything.
        exact: Whether no other set under the budget is worth more; else it may be.
        needs: How each need is served.
    """

    kept: tuple[Variant, ...]
    size: int
    budget: int
    worth: float
    most: float
    exact: bool
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class _Open:
    """A need before anything is kept: what the server and each local candidate serve it with, and are worth to it."""

    need: Need
    local: tuple[float, ...]
    worth: float
    worths: tuple[float, ...]


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
    opened = _needs(local, server, applications, scenarios)
    items = _items(local, opened, tasks, budget)
    _check_budget(items, local)
    kept, proved = exact(items) if len(local) <= EXACT else (greedy(items), False)
    everything = frozenset(range(len(local)))
    proved = proved or items.value(kept) >= items.value(everything)
    needs = [_served(need, local, kept) for need in opened]
    return Plan(
        kept=tuple(local[item].variant for item in sorted(kept)),
        size=items.bytes(kept),
        budget=budget,
        worth=_mean(needs),
        most=_mean([_served(need, local, everything) for need in opened]),
        exact=proved,
        needs=tuple(needs),
    )


def _needs(
    local: Sequence[Candidate],
    server: Sequence[Candidate],
    applications: Sequence[Application],
    scenarios: Sequence[Scenario],
) -> list[_Open]:
    """Return every need with its weight, the server's part in it, and each local candidate's."""
    found, graded = [], _graded((*local, *server))
    for application in applications:
        alone = _parts(local, graded, application.request, None)
        for scenario in scenarios:
            served = _parts(server, graded, application.request, scenario.network)
            for task, demand in sorted(application.demand.items()):
                mine = [(*served[c], c) for c in server if c.variant.purpose == task]
                fitting = [(accuracy, c) for accuracy, _, c in mine if accuracy > 0]
                accuracy, by = max(fitting, key=lambda pair: (pair[0], pair[1].label), default=(0.0, None))
                need = Need(
                    application=application.name,
                    task=task,
                    scenario=scenario.name,
                    weight=demand * scenario.share,
                    accuracy=accuracy,
                    by=by,
                )
                own = [alone[c] if c.variant.purpose == task else (0.0, 0.0) for c in local]
                worth = max((worth for _, worth, _ in mine), default=0.0)
                found.append(_Open(need, tuple(a for a, _ in own), worth, tuple(w for _, w in own)))
    return [opened for opened in found if opened.need.weight]


def _graded(candidates: Sequence[Candidate]) -> dict[Candidate, float]:
    """Return the accuracy that each counts with: the best of its grade among those of its task."""
    found: dict[Candidate, float] = {}
    for task in {candidate.variant.purpose for candidate in candidates}:
        mine = [candidate for candidate in candidates if candidate.variant.purpose == task]
        known = {c: c.variant.known_accuracy for c in mine}
        grade = grades((accuracy, c.variant.interval) for c, accuracy in known.items())
        best: dict[int, float] = {}
        for accuracy in known.values():
            if accuracy is not None:
                best[grade[accuracy]] = max(accuracy, best.get(grade[accuracy], 0.0))
        unknown = 0.0 if best else 1.0
        found |= {c: unknown if accuracy is None else best[grade[accuracy]] for c, accuracy in known.items()}
    return found


def _parts(
    candidates: Sequence[Candidate], graded: Mapping[Candidate, float], request: Request, network: Network | None
) -> dict[Candidate, tuple[float, float]]:
    """Return the accuracy that each candidate serves the request with, 0 if it does not, and what it is worth to it."""
    link = link_of(request, network)
    costs = [cost_of(row, request, link) for row in rows(candidates)]
    return {
        c.row.candidate: (
            c.row.accuracy if c.standing == "fits" and c.row.accuracy > 0 else 0.0,
            _chance(c, request) * graded[c.row.candidate],
        )
        for c in costs
    }


def _chance(cost: Cost, request: Request) -> float:
    """Return how surely a candidate answers in time and accurately enough, by the normal distribution."""
    if cost.standing == "fits":
        return 1.0
    accurate = cost.row.accuracy >= request.min_accuracy or request.min_accuracy <= 0
    if cost.standing != "late" or not accurate or not 0 < cost.row.sd < inf:
        return 0.0
    return erfc((cost.expected - request.deadline) / (cost.row.sd * sqrt(2))) / 2


def _items(local: Sequence[Candidate], opened: Sequence[_Open], tasks: Sequence[str], budget: int) -> Items:
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


def _gains(opened: Sequence[_Open]) -> list[tuple[float, ...]]:
    """Return what each item adds to each need; needs that all items serve alike are one, for the search's sake."""
    total = sum(one.need.weight for one in opened)
    weights: dict[tuple[float, ...], float] = {}
    for one in opened:
        column = tuple(max(0.0, worth - one.worth) for worth in one.worths)
        weights[column] = weights.get(column, 0.0) + one.need.weight / total
    return [tuple(weight * gain for gain in column) for column, weight in weights.items()]


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


def _served(opened: _Open, local: Sequence[Candidate], kept: Iterable[int]) -> Need:
    """Return how a need is served when so much is kept: by the server, unless one of these is worth more to it."""
    need = opened.need
    fitting = [item for item in kept if opened.local[item] > 0]
    if not fitting:
        return need
    best = max(fitting, key=lambda item: (opened.worths[item], -local[item].infer.mean, -item))
    better = need.by is None or opened.worths[best] > opened.worth
    return replace(need, accuracy=opened.local[best], by=local[best]) if better else need


def _mean(needs: Sequence[Need]) -> float:
    return sum(need.weight * need.accuracy for need in needs) / sum(need.weight for need in needs)
