"""Which variant answers a request, and where: one rule with two faces, both pure functions.

The rule is MDInference's (Ogden and Guo, IC2E 2020), with MODI's two places. A candidate's time is the mean of its
inference, and of its loading where it is not loaded, of its fetching where it is not stored and of the transfer where
it is on the server, plus gamma standard deviations of all that varies: the network's delay, too. Every candidate has a
standing:

1. ``fits``: in time, and as accurate as was asked for.
   ``backed``: on the server, and it may be late; but it may be in time, and something less accurate on the device
   stands by that is in time for certain. It may be: so it is with gamma deviations less than the mean.
2. ``inaccurate``: as one of these, but not as accurate as was asked for. The choice is *degraded*.
3. ``late``: not in time. The fastest first, degraded.
4. ``unmeasured``: it can answer, but nobody knows when, and there is a deadline. The one that moves the fewest bytes
   first, degraded. Without a deadline a time that nobody knows is in time.
5. ``out``: it cannot answer this request: out of reach, not held by the server, too many bytes to fetch.

The best standing wins. In the first two that of the greatest *worth* comes first: the accuracy; of one on the server
that may not be in time P x accuracy + (1 - P) x the standby's accuracy, with P the share of its answers that are. What
fits counts as in time, and of the messages the share that gets lost does not. Times are taken for normal.

Accuracies that differ by less than they are known to tie: the most accurate variant and all within its interval are one
*grade* and count alike, the most accurate of the others begins the next. Grades are made of all candidates, whatever a
request asks, so that a longer deadline never leads to a lower grade. Where the worth is the same the order is energy
(when the battery is low), time, bytes to move, bytes of the file, energy, accuracy, name: a total one.

A remote choice is at risk when messages get lost, or when it does not fit. The best candidate on the device, the
standby, is then to start when only its own time is left of the deadline; since nothing stands behind it, that time is
counted with twice gamma deviations.

`Selector` does once what no request changes; its `choose` is the quick face, its `explain` the one with all reasons.
Kept, it is told what changes by `update`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, isnan
from threading import Lock
from typing import TYPE_CHECKING, Final

from modelport.edge.costs import (
    NO_LINK,
    Cost,
    Link,
    Row,
    Standing,
    at_risk,
    cost_of,
    guessed,
    least,
    link_of,
    order,
    renewed,
    rows,
)
from modelport.edge.reasons import ranking_reasons, reasons
from modelport.edge.types import Choice, Duplicate
from modelport.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.edge.types import Candidate, Network, Request

__all__ = ["Explanation", "Ranked", "Selector", "Standing", "choose", "explain", "first_of"]

_TIMED: Final[frozenset[Standing]] = frozenset({"fits", "backed", "inaccurate", "late"})
_GOOD: Final[frozenset[Standing]] = frozenset({"fits", "backed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate in its place of the ranking, and why it stands there.

    Args:
        candidate: Which variant, where.
        standing: How it stands to the request.
        expected: The mean seconds until its answer; NaN when unknown.
        bound: The seconds held against the deadline.
        worth: The mean accuracy of what answers in time, the standby's included; what ties with a better accuracy
            counts as that; minus infinity when unknown.
        energy: Joules off the battery; None when unknown.
        reason: In words.
    """

    candidate: Candidate
    standing: Standing
    expected: float
    bound: float
    worth: float
    energy: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole ranking, best first; *choice* is None when nothing in it can answer."""

    choice: Choice | None
    ranking: tuple[Ranked, ...]


class Selector:
    """Chooses among candidates: made once for them, asked for each request; safe for any number of threads.

    Args:
        candidates: Variants at their places, in any order; each at most once.
        duplicates: Whether the device may begin a second inference while it waits for the server's.
        explore: Whether a variant on the device whose time nobody knows is tried where there is ample time: ten times
            that of the slowest known one of its model. Once it has answered, its time is known.

    Raises:
        InputError: A candidate is there twice.
    """

    __slots__ = ("_changing", "_duplicates", "_explore", "_is_unknown", "_local", "_places", "_rows")

    def __init__(self, candidates: Iterable[Candidate], *, duplicates: bool = True, explore: bool = False) -> None:
        found = rows(tuple(candidates))
        self._places = {_key(row.candidate): place for place, row in enumerate(found)}
        self._duplicates, self._explore, self._changing = duplicates, explore, Lock()
        self._take(found)

    def _take(self, found: list[Row]) -> None:
        self._is_unknown = self._explore and any(isnan(row.mean) for row in found)
        known = guessed(found) if self._is_unknown else found
        self._local = [row for row in known if not row.remote and row.stored]
        self._rows = known  # never changed: a thread that looks through it sees one state

    def update(self, candidate: Candidate) -> None:
        """Take what is known now of a variant at its place: its times, its energy, whether it is loaded or stored.

        It costs some microseconds. Who makes *candidate* of what it measured sees to it that no older one comes later.

        Raises:
            InputError: There is no such variant among the candidates, or it has become another one: another accuracy
                makes other grades, and needs a new selector.
        """
        place = self._places.get(_key(candidate))
        if place is None or candidate.variant != self._rows[place].candidate.variant:
            raise InputError(f"{candidate.label} is not among the candidates", hint="make a new selector")
        with self._changing:
            found = self._rows.copy()
            found[place] = new = renewed(found[place], candidate)
            if self._is_unknown or isnan(new.mean):
                self._take([renewed(row, row.candidate) if row.guess else row for row in found])
                return
            if not new.remote:
                self._local = [row for row in found if not row.remote and row.stored]
            self._rows = found

    def choose(self, request: Request, network: Network | None = None) -> Choice:
        """Return what to run for *request*: the quick face.

        Args:
            request: What is asked.
            network: The way to the server as it is estimated now; None: there is none.

        Raises:
            NotFoundError: No candidate can answer at all; the message says of each why.
        """
        link = link_of(request, network)
        spare = _spare(self._local if self._duplicates else (), request, link)
        cost = _best(self._rows, request, link, spare and spare.row)
        if cost is None or cost.standing == "out":
            raise _nothing(self.explain(request, network).ranking)
        return self._choice(cost, request, link, spare)

    def explain(self, request: Request, network: Network | None = None) -> Explanation:
        """Return the choice that `choose` makes, and every candidate in its order with the reason for its place."""
        link = link_of(request, network)
        spare = _spare(self._local if self._duplicates else (), request, link)
        behind = spare and spare.row
        costs = sorted((cost_of(row, request, link, behind) for row in self._rows), key=lambda one: order(one, request))
        can = bool(costs) and costs[0].standing != "out"
        choice = self._choice(costs[0], request, link, spare) if can else None
        said = ranking_reasons(costs, request, link)
        return Explanation(choice, tuple(_ranked(cost, why) for cost, why in zip(costs, said, strict=True)))

    def standby(self, request: Request) -> Duplicate | None:
        """Return what would answer *request* on the device should the server not, and when it must start for that.

        None where nothing is stored on the device. It is the duplicate of every remote choice at risk.
        """
        return _duplicate(_best(self._local, request, NO_LINK, None), request)

    def _choice(self, cost: Cost, request: Request, link: Link, spare: Cost | None) -> Choice:
        duplicate = None
        if cost.row.remote and self._duplicates and at_risk(cost, request, link):
            duplicate = _duplicate(spare, request) if spare else self.standby(request)
        return Choice(
            candidate=cost.row.candidate,
            expected=cost.expected,
            bound=cost.bound,
            degraded=cost.standing not in _GOOD,
            duplicate=duplicate,
            reasons=reasons(cost, request, duplicate),
        )


def _key(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.variant.name, candidate.variant.model, candidate.place


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


def first_of(among: Sequence[Row], local: Sequence[Row], request: Request, link: Link) -> Cost | None:
    """Return the first in the rule's order, whatever its standing; None where there is nothing.

    Args:
        among: The candidates, the most accurate first.
        local: Those of them, in the same order, that could stand by on the device.
        request: What is asked.
        link: The network as the request meets it.
    """
    spare = _spare(local, request, link)
    return _best(among, request, link, spare and spare.row)


def _spare(local: Sequence[Row], request: Request, link: Link) -> Cost | None:
    """Return what answers in time on the device should the server not."""
    deadline, gamma = request.deadline, request.gamma
    if not link.up:
        return None
    for row in local:
        if not row.mean + gamma * row.sd > deadline:  # not so where one is not a number
            break
    else:
        return None
    cost = _best(local, request, NO_LINK, None)
    return cost if cost is not None and cost.standing in ("fits", "inaccurate") else None


def _best(among: Sequence[Row], request: Request, link: Link, behind: Row | None) -> Cost | None:
    """Return the first in the order, looking no further than to where nothing can be worth as much as the best."""
    deadline, wanted = request.deadline, least(request)
    gamma, (away, surely) = request.gamma, _soonest(request, link, behind)
    best, worth = None, -inf
    nothing = -inf if behind is None else 0.0  # what is late is worth no less, where something stands by
    for row in among:
        if row.accuracy < wanted or (row.top < worth and nothing < worth):
            break
        if (away + row.mean + surely * row.sd if row.remote else row.mean + gamma * row.sd) > deadline:
            continue
        cost = cost_of(row, request, link, behind)
        if cost.standing in _GOOD and (best is None or order(cost, request) < order(best, request)):
            best, worth = cost, cost.worth
    return best or _best_degraded(among, request, link, behind)


def _best_degraded(among: Sequence[Row], request: Request, link: Link, behind: Row | None) -> Cost | None:
    """Return the first in the order, passing over those that are late and slower than the best so far."""
    gamma, (away, surely) = request.gamma, _soonest(request, link, behind)
    best, enough = None, inf
    for row in reversed(among):  # the less accurate are mostly the faster ones
        if (away + row.mean + surely * row.sd if row.remote else row.mean + gamma * row.sd) > enough:
            continue
        cost = cost_of(row, request, link, behind)
        if best is None or order(cost, request) < order(best, request):
            best = cost
            enough = max(cost.bound, request.deadline) if cost.standing in _TIMED else inf
    return best


def _soonest(request: Request, link: Link, behind: Row | None) -> tuple[float, float]:
    """Return what makes of a remote candidate's mean and deviation a time below which it is late for certain.

    That is quick to reckon: no more than its bound, or where it may be backed than what that must not be beyond.
    """
    if behind is None:
        return link.transfer, request.gamma
    return link.transfer - request.gamma * link.sd, -request.gamma


def _duplicate(cost: Cost | None, request: Request) -> Duplicate | None:
    if cost is None:
        return None
    start = request.deadline - (cost.expected + 2 * request.gamma * cost.row.sd)
    return Duplicate(cost.row.candidate, inf if request.deadline == inf else start if start > 0 else 0.0)


def _ranked(cost: Cost, why: str) -> Ranked:
    return Ranked(
        candidate=cost.row.candidate,
        standing=cost.standing,
        expected=cost.expected,
        bound=cost.bound,
        worth=cost.worth,
        energy=cost.energy if isfinite(cost.energy) else None,
        reason=why,
    )


def _nothing(ranking: Sequence[Ranked]) -> NotFoundError:
    if not ranking:
        return NotFoundError("there is no variant to choose from", hint="build variants, or keep one on the device")
    why = "; ".join(f"{ranked.candidate.label}: {ranked.reason}" for ranked in ranking)
    return NotFoundError(f"no variant can answer: {why}", hint="keep at least one variant on the device")
