"""What a device's applications ask for, and what serves it: by the rule of `modelport.edge.select`, of what is kept.

A *need* is one application's demand for a task in one scenario: on one network, or without any. What a set of variants
is worth to a need is what the rule's choice from it is worth, the edge server's variants among them. Where the choice
is degraded it is the accuracy times the chance that it is in time after all, and never more than what serves the need
is worth: the rule chooses nothing late where something fits. Accuracies of one grade are worth the same, since nobody
knows which is better; where nobody measured any, all are. Of a task of which somebody measured some, what nobody
measured is worth half of the least known one: more than no answer, less than any known. Grades are made of all variants
of a task, kept or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import erfc, inf, isnan, sqrt
from typing import TYPE_CHECKING, Final

from modelport.edge.costs import cost_of, least, link_of, order, rows
from modelport.edge.select import first_of
from modelport.edge.types import Request
from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from modelport.edge.costs import Cost, Link, Row, Standing
    from modelport.edge.types import Candidate, Network

__all__ = ["OFFLINE", "Application", "Need", "OpenNeed", "Scenario", "Would", "open_needs"]

_GOOD: Final = ("fits", "backed")


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
class Would:
    """What would serve a need that nothing of what is kept serves as asked.

    Args:
        kept: It would, if the device kept it; None: nothing does, however much is kept.
        in_time: The most accurate of all that answer in time and that the budget can hold: it would, were no more
            accuracy asked for than its own.
        accurate: The quickest of all that are accurate enough: it would, were the answer due after *seconds*. One that
            the budget can hold, where there is one.
        seconds: The bound of its time; NaN where it is unknown, or there is none.
        is_too_large: Whether the budget would have to hold *accurate* besides.
    """

    kept: Candidate | None
    in_time: Candidate | None
    accurate: Candidate | None
    seconds: float
    is_too_large: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How an application's demand for a task is served in a scenario.

    Args:
        application: Whose.
        task: For what.
        scenario: In which.
        weight: Demand times share.
        accuracy: What it is served with, on average where an answer may come late; 0 where nothing is in time and
            accurate enough; None where it is served, and nobody measured how accurately.
        by: Who serves it; None: nobody does as it asks, and it gets a degraded answer.
        would: Who would, where nobody does.
    """

    application: str
    task: str
    scenario: str
    weight: float
    accuracy: float | None = 0.0
    by: Candidate | None = None
    would: Would | None = None


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """A need before anything is kept.

    Args:
        need: The need.
        worth: What the server alone is worth to it.
        worths: What each variant on the device is worth to it, together with the server's.
    """

    need: Need
    worth: float
    worths: tuple[float, ...]
    _request: Request
    _link: Link
    _items: Mapping[int, Row]
    _server: tuple[Row, ...]

    def served(self, kept: Iterable[int], room: Collection[int]) -> Need:
        """Return how it is served.

        Args:
            kept: The variants that are kept, by their places.
            room: Those that the budget can hold, be it instead of these.
        """
        cost = self._first(self._items[item] for item in kept if item in self._items)
        if cost is None or cost.standing not in _GOOD:
            return replace(self.need, would=self._would(room))
        accuracy = cost.worth if cost.standing == "backed" else cost.row.accuracy
        return replace(self.need, accuracy=accuracy if accuracy > -inf else None, by=cost.row.candidate)

    def preferred(self) -> list[int]:
        """Return the places of the device's variants that fit, as the rule prefers them."""
        return self._in_order("fits")

    def degraded(self, kept: Iterable[int]) -> list[int]:
        """Return those in time that are too inaccurate, as the rule prefers them; nothing where the *kept* serve."""
        cost = self._first(self._items[item] for item in kept if item in self._items)
        return [] if cost is not None and cost.standing in _GOOD else self._in_order("inaccurate")

    def _in_order(self, standing: Standing) -> list[int]:
        costs = {item: cost_of(row, self._request, self._link) for item, row in self._items.items()}
        return sorted(
            (item for item, cost in costs.items() if cost.standing == standing),
            key=lambda item: order(costs[item], self._request),
        )

    def _first(self, kept: Iterable[Row]) -> Cost | None:
        return _first((*kept, *self._server), self._request, self._link)

    def _would(self, room: Collection[int]) -> Would:
        first = self._first(self._items.values())
        fitting = [row for item, row in self._items.items() if item in room]
        costs = [cost_of(row, self._request, self._link) for row in (*fitting, *self._server)]
        in_time = min(
            (c for c in costs if c.standing in ("fits", "inaccurate")),
            # By its own figure: what ties with it within the interval would not reach as much.
            key=lambda c: (-c.row.accuracy, order(c, self._request)),
            default=None,
        )
        accurate = self._quickest(costs)
        other = None
        if accurate is None:
            large = [cost_of(row, self._request, self._link) for row in self._items.values()]
            other = self._quickest(large)
        found = accurate or other
        return Would(
            kept=first.row.candidate if first is not None and first.standing in _GOOD else None,
            in_time=in_time and in_time.row.candidate,
            accurate=found and found.row.candidate,
            seconds=found.bound if found is not None else float("nan"),
            is_too_large=other is not None,
        )

    def _quickest(self, costs: Iterable[Cost]) -> Cost | None:
        """Return the quickest of those that are accurate enough; of unknown times what the rule prefers in the end."""
        whenever = replace(self._request, deadline=inf)
        return min(
            (c for c in costs if c.standing != "out" and c.row.accuracy >= least(self._request)),
            key=lambda c: (
                isnan(c.bound),
                0.0 if isnan(c.bound) else c.bound,
                order(cost_of(c.row, whenever, self._link), whenever),
            ),
            default=None,
        )


def open_needs(
    local: Sequence[Candidate],
    server: Sequence[Candidate],
    applications: Sequence[Application],
    scenarios: Sequence[Scenario],
) -> list[OpenNeed]:
    """Return every need that has a weight.

    Args:
        local: What could be kept on the device; a place among them is what kept ones are called by.
        server: What the edge server answers with.
        applications: What is asked for.
        scenarios: Where the device is, for which shares of its time.

    Raises:
        InputError: A candidate is there twice.
    """
    tasks = sorted({task for application in applications for task in application.demand})
    known = {task: _Task(task, local, server) for task in tasks}
    return [
        known[task].opened(application, scenario, demand * scenario.share)
        for application in applications
        for scenario in scenarios
        for task, demand in sorted(application.demand.items())
        if demand * scenario.share
    ]


class _Task:
    """The variants of a task, at both places."""

    def __init__(self, task: str, local: Sequence[Candidate], server: Sequence[Candidate]) -> None:
        mine = {c: place for place, c in enumerate(local) if c.variant.purpose == task}
        found = rows([*mine, *(c for c in server if c.variant.purpose == task)])
        self._task, self._count = task, len(local)
        self._items = {mine[row.candidate]: row for row in found if not row.remote}
        self._server = tuple(row for row in found if row.remote)
        known = [row.accuracy for row in found if row.accuracy > -inf]
        # An answer in time is worth more than none, and less than any that is known to be good for something.
        self._unknown = min((one for one in known if one > 0), default=0.0) / 2 if known else 1.0

    def opened(self, application: Application, scenario: Scenario, weight: float) -> OpenNeed:
        request, link = application.request, link_of(application.request, scenario.network)
        alone, sure = self._worth((), request, link)
        with_each = {item: self._worth((row,), request, link) for item, row in self._items.items()}
        # What is late is never worth more than what serves: the rule takes the latter.
        most = min((worth for worth, good in (*with_each.values(), (alone, sure)) if good), default=inf)
        worths = [0.0] * self._count
        for item, (worth, good) in with_each.items():
            worths[item] = worth if good else min(worth, most)
        return OpenNeed(
            need=Need(application=application.name, task=self._task, scenario=scenario.name, weight=weight),
            worth=alone if sure else min(alone, most),
            worths=tuple(worths),
            _request=request,
            _link=link,
            _items=self._items,
            _server=self._server,
        )

    def _worth(self, kept: tuple[Row, ...], request: Request, link: Link) -> tuple[float, bool]:
        """Return what the rule's choice is worth, and whether it serves as asked."""
        among = (*kept, *self._server)
        cost = _first(among, request, link)
        if cost is not None and cost.standing in _GOOD:
            return self._known(cost.worth), True
        chances = (_chance(cost_of(row, request, link), request, link) * self._known(row.top) for row in among)
        return max(chances, default=0.0), False

    def _known(self, accuracy: float) -> float:
        return max(accuracy, 0.0) if accuracy > -inf else self._unknown


def _first(among: Sequence[Row], request: Request, link: Link) -> Cost | None:
    ranked = sorted(among, key=lambda row: -row.accuracy)
    return first_of(ranked, [row for row in ranked if not row.remote], request, link)


def _chance(cost: Cost, request: Request, link: Link) -> float:
    """Return how surely a late candidate answers in time and accurately enough, by the normal distribution."""
    sd = sqrt(cost.row.sd**2 + link.sd**2) if cost.row.remote else cost.row.sd
    if cost.standing != "late" or cost.row.accuracy < least(request) or not 0 < sd < inf:
        return 0.0
    return erfc((cost.expected - request.deadline) / (sd * sqrt(2))) / 2
