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
from typing import TYPE_CHECKING

from modelport.edge.costs import Cost, Link, Row, Standing, at_risk, cost_of, guessed, link_of, order, renewed, rows
from modelport.edge.reasons import ranking_reasons, reasons
from modelport.edge.search import GOOD, Known
from modelport.edge.types import Choice, Duplicate
from modelport.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.edge.types import Candidate, Network, Request, Variant

__all__ = ["Explanation", "Ranked", "Selector", "Standing", "choose", "explain"]


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

    __slots__ = ("_changing", "_duplicates", "_explore", "_is_unknown", "_known", "_places")

    def __init__(self, candidates: Iterable[Candidate], *, duplicates: bool = True, explore: bool = False) -> None:
        found = rows(tuple(candidates))
        self._places = {_key(row.candidate): place for place, row in enumerate(found)}
        self._duplicates, self._explore, self._changing = duplicates, explore, Lock()
        self._take(found)

    def _take(self, found: list[Row]) -> None:
        self._is_unknown = self._explore and any(isnan(row.mean) for row in found)
        # Never changed, only put in another's place: a thread that looks through it sees one state.
        self._known = Known(guessed(found) if self._is_unknown else found)

    def update(self, candidate: Candidate) -> None:
        """Take what is known now of a variant at its place: its times, its energy, whether it is loaded or stored.

        It costs some microseconds. Who makes *candidate* of what it measured sees to it that no older one comes later.

        Raises:
            InputError: There is no such variant among the candidates, or it has become another one: another accuracy
                makes other grades, and needs a new selector.
        """
        place = self._places.get(_key(candidate))
        if place is None or not _is_same(candidate.variant, self._known.rows[place].candidate.variant):
            raise InputError(f"{candidate.label} is not among the candidates", hint="make a new selector")
        with self._changing:
            new = renewed(self._known.rows[place], candidate)
            known = self._known.renewed(place, new)
            if self._is_unknown or isnan(new.mean):
                self._take([renewed(row, row.candidate) if row.guess else row for row in known.rows])
            else:
                self._known = known

    def choose(self, request: Request, network: Network | None = None) -> Choice:
        """Return what to run for *request*: the quick face.

        Args:
            request: What is asked.
            network: The way to the server as it is estimated now; None: there is none.

        Raises:
            NotFoundError: No candidate can answer at all; the message says of each why.
        """
        link, known = link_of(request, network), self._known
        cost, spare = known.first(request, link, duplicates=self._duplicates)
        if cost is None or cost.standing == "out":
            raise _nothing(self.explain(request, network).ranking)
        return self._choice(cost, request, link, spare or known)

    def explain(self, request: Request, network: Network | None = None) -> Explanation:
        """Return the choice that `choose` makes, and every candidate in its order with the reason for its place."""
        link, known = link_of(request, network), self._known
        spare = known.spare(request, link) if self._duplicates else None
        behind = spare.row if spare else None
        costs = sorted((cost_of(row, request, link, behind) for row in known.rows), key=lambda one: order(one, request))
        choice = self._choice(costs[0], request, link, known) if costs and costs[0].standing != "out" else None
        said = ranking_reasons(costs, request, link)
        return Explanation(choice, tuple(_ranked(cost, why) for cost, why in zip(costs, said, strict=True)))

    def standby(self, request: Request) -> Duplicate | None:
        """Return what would answer *request* on the device should the server not, and when it must start for that.

        None where nothing is stored on the device. It is the duplicate of every remote choice at risk.
        """
        return _duplicate(self._known.alone(request), request)

    def _choice(self, cost: Cost, request: Request, link: Link, spare: Cost | Known) -> Choice:
        duplicate = None
        if cost.row.remote and self._duplicates and at_risk(cost, request, link):
            duplicate = _duplicate(spare.alone(request) if isinstance(spare, Known) else spare, request)
        return Choice(
            candidate=cost.row.candidate,
            expected=cost.expected,
            bound=cost.bound,
            degraded=cost.standing not in GOOD,
            duplicate=duplicate,
            reasons=reasons(cost, request, duplicate),
        )


def _is_same(one: Variant, other: Variant) -> bool:
    return one is other or one == other  # to compare costs as much as the rest of an update


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
