"""Which variant answers a request, and where: one rule with two faces, both pure functions.

The rule is MDInference's (Ogden and Guo, IC2E 2020), with MODI's two places. What remains of the deadline after the
transfer is the time budget. A candidate's time is the mean of its inference, and of its loading where it is not loaded
and its fetching where it is not stored, plus gamma standard deviations. Every candidate has a standing:

1. ``fits``: in time, and as accurate as was asked for. The most accurate first.
2. ``inaccurate``: in time only. The most accurate first, and the choice is *degraded*.
3. ``late``: not in time. The fastest first, degraded.
4. ``unmeasured``: it can answer, but nobody knows when. The one that moves the fewest bytes first, degraded.
5. ``out``: it cannot answer this request: out of reach, not held by the server, too many bytes to fetch.

The best standing wins. Accuracies that differ by less than they are known to tie: the most accurate variant and all
within its interval are one *grade*, the most accurate of the others begins the next. Grades are made of all candidates,
whatever a request asks, so that a longer deadline never leads to a lower grade. Inside a grade the order is energy
(when the battery is low), time, bytes to move, bytes of the file, energy, accuracy, name: a total one.

A remote choice is at risk when messages get lost, or when it would be late if the transfer, too, took gamma deviations
more than its mean. The best candidate on the device is then to start when only its own time is left of the deadline;
since nothing stands behind it, that time is counted with twice gamma deviations.

`Selector` does once what no request changes; its `choose` is the quick face, its `explain` the one with all reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Final

from modelport.edge.costs import NO_LINK, Cost, Link, Row, Standing, at_risk, cost_of, least, link_of, order, rows
from modelport.edge.reasons import reason, reasons
from modelport.edge.types import Choice, Duplicate
from modelport.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.edge.types import Candidate, Network, Request

__all__ = ["Explanation", "Ranked", "Selector", "Standing", "choose", "explain"]

_TIMED: Final[frozenset[Standing]] = frozenset({"fits", "inaccurate", "late"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate in its place of the ranking, and why it stands there.

    Args:
        candidate: Which variant, where.
        standing: How it stands to the request.
        expected: The mean seconds until its answer; NaN when unknown.
        bound: The seconds held against the deadline.
        energy: Joules off the battery; None when unknown.
        reason: In words.
    """

    candidate: Candidate
    standing: Standing
    expected: float
    bound: float
    energy: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole ranking, best first; *choice* is None when nothing in it can answer."""

    choice: Choice | None
    ranking: tuple[Ranked, ...]


class Selector:
    """Chooses among candidates: made once for them, asked for each request.

    Args:
        candidates: Variants at their places, in any order; each at most once.

    Raises:
        InputError: A candidate is there twice.
    """

    __slots__ = ("_local", "_rows")

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._rows = rows(tuple(candidates))
        self._local = [row for row in self._rows if not row.remote and row.stored]

    def choose(self, request: Request, network: Network | None = None) -> Choice:
        """Return what to run for *request*: the quick face.

        Args:
            request: What is asked.
            network: The way to the server as it is estimated now; None: there is none.

        Raises:
            NotFoundError: No candidate can answer at all; the message says of each why.
        """
        cost = _best(self._rows, request, link_of(request, network))
        if cost is None or cost.standing == "out":
            raise _nothing(self.explain(request, network).ranking)
        return self._choice(cost, request, network)

    def explain(self, request: Request, network: Network | None = None) -> Explanation:
        """Return the choice that `choose` makes, and every candidate in its order with the reason for its place."""
        link = link_of(request, network)
        costs = sorted((cost_of(row, request, link) for row in self._rows), key=lambda cost: order(cost, request))
        choice = self._choice(costs[0], request, network) if costs and costs[0].standing != "out" else None
        ranking = (_ranked(cost, reason(cost, costs[0], request, link)) for cost in costs)
        return Explanation(choice, tuple(ranking))

    def standby(self, request: Request) -> Duplicate | None:
        """Return what would answer *request* on the device should the server not, and when it must start for that.

        None where nothing is stored on the device. It is the duplicate of every remote choice at risk.
        """
        cost = _best(self._local, request, NO_LINK)
        if cost is None:
            return None
        start = request.deadline - (cost.expected + 2 * request.gamma * cost.row.sd)
        return Duplicate(cost.row.candidate, start if start > 0 else 0.0)

    def _choice(self, cost: Cost, request: Request, network: Network | None) -> Choice:
        duplicate = None
        if cost.row.remote and network is not None and at_risk(cost, request, network):
            duplicate = self.standby(request)
        return Choice(
            candidate=cost.row.candidate,
            expected=cost.expected,
            bound=cost.bound,
            degraded=cost.standing != "fits",
            duplicate=duplicate,
            reasons=reasons(cost, request, duplicate),
        )


def choose(candidates: Iterable[Candidate], network: Network | None, request: Request) -> Choice:
    """Return `Selector`'s choice, for a single request.

    Raises:
        InputError: A candidate is there twice.
        NotFoundError: No candidate can answer at all.
    """
    return Selector(candidates).choose(request, network)


def explain(candidates: Iterable[Candidate], network: Network | None, request: Request) -> Explanation:
    """Return `Selector`'s ranking, for a single request.

    Raises:
        InputError: A candidate is there twice.
    """
    return Selector(candidates).explain(request, network)


def _best(among: Sequence[Row], request: Request, link: Link) -> Cost | None:
    """Return the first in the order, looking no further than the first grade in which one fits."""
    deadline, accuracy, gamma = request.deadline, least(request), request.gamma
    best: Cost | None = None
    for row in among:
        if row.accuracy < accuracy or (best is not None and row.grade != best.row.grade):
            break
        if (link.transfer if row.remote else 0.0) + row.mean + gamma * row.sd > deadline:
            continue
        cost = cost_of(row, request, link)
        if cost.standing == "fits" and (best is None or order(cost, request) < order(best, request)):
            best = cost
    return best or _best_degraded(among, request, link)


def _best_degraded(among: Sequence[Row], request: Request, link: Link) -> Cost | None:
    """Return the first in the order, passing over those that are late and slower than the best so far."""
    gamma, best, enough = request.gamma, None, inf
    for row in reversed(among):  # the less accurate are mostly the faster ones
        if (link.transfer if row.remote else 0.0) + row.mean + gamma * row.sd > enough:
            continue
        cost = cost_of(row, request, link)
        if best is None or order(cost, request) < order(best, request):
            best = cost
            enough = max(cost.bound, request.deadline) if cost.standing in _TIMED else inf
    return best


def _ranked(cost: Cost, why: str) -> Ranked:
    return Ranked(
        candidate=cost.row.candidate,
        standing=cost.standing,
        expected=cost.expected,
        bound=cost.bound,
        energy=cost.energy if isfinite(cost.energy) else None,
        reason=why,
    )


def _nothing(ranking: Sequence[Ranked]) -> NotFoundError:
    if not ranking:
        return NotFoundError("there is no variant to choose from", hint="build variants, or keep one on the device")
    why = "; ".join(f"{ranked.candidate.label}: {ranked.reason}" for ranked in ranking)
    return NotFoundError(f"no variant can answer: {why}", hint="keep at least one variant on the device")
