"""What a way of deciding is worth on a network: requests one by one, with their luck, the same for every way.

As MDInference's authors simulate it (Ogden and Guo, IC2E 2020): a request's upload takes a time drawn from the
network's, and its answer takes as long to come back; an inference takes a time drawn from its own. Draws are normal and
stay positive. An answer that comes late counts as a wrong one: that is the *effective* accuracy.

Who decides sees the network as this request met it (``one_way`` is the upload's time, without a deviation): what an
edge server knows when a request is there. A way of deciding that knows only the estimate ignores it. Such a way is the
same for every request, a fixed choice: on average it is worth what the best of these is, and never more. What is above
that is only for who sees something of the single request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from modelport.edge.costs import cost_of, link_of, rows
from modelport.edge.types import Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.edge.costs import Link, Row
    from modelport.edge.types import Candidate, Choice, Duplicate, Network, Request

__all__ = ["Decide", "Outcome", "simulate"]

Decide: TypeAlias = "Callable[[Network], Choice]"
"""From the network as one request met it to what is run for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of many requests; all but their number are shares.

    Args:
        requests: How many.
        accuracy: The effective accuracy.
        in_time: Answered in time.
        possible: Those for which some candidate would have been in time.
        kept: Of the possible ones, answered in time.
        remote: Answered by the server.
    """

    requests: int
    accuracy: float
    in_time: float
    possible: float
    kept: float
    remote: float


def simulate(
    decide: Decide,
    candidates: Iterable[Candidate],
    network: Network,
    request: Request,
    *,
    standby: Duplicate | None = None,
    requests: int = 20_000,
    seed: int = 0,
) -> Outcome:
    """Return what comes of deciding by *decide* for *requests* like *request*.

    Args:
        decide: The way of deciding; it chooses among *candidates*.
        candidates: Variants at their places, measured and with accuracies.
        network: What the uploads' times are drawn from.
        request: The request, again and again.
        standby: What starts on the device in its time unless the server has answered; also when the choice had none.
        requests: How many.
        seed: The same seed is the same luck, whoever decides.
    """
    known = {row.candidate: row for row in rows(tuple(candidates))}
    luck = Random(seed)  # noqa: S311 - a simulation, repeatable
    right, in_time, possible, kept, remote = 0.0, 0, 0, 0, 0
    for _ in range(requests):
        met = replace(network, one_way=Spread(_positive(luck, network.one_way), 0.0, 1))
        fates = {True: luck.gauss(0, 1), False: luck.gauss(0, 1)}
        link, choice = link_of(request, met), decide(met)
        some = any(_seconds(row, request, link, fates) <= request.deadline for row in known.values())
        answer = choice.candidate
        took = _seconds(known[answer], request, link, fates)
        if took > request.deadline and answer.place == "server" and standby is not None:
            answer = standby.candidate
            took = standby.start + _seconds(known[answer], request, link, fates)
        good = took <= request.deadline
        right += (answer.variant.accuracy or 0.0) if good else 0.0
        in_time, possible, kept = in_time + good, possible + some, kept + (good and some)
        remote += good and answer.place == "server"
    return Outcome(
        requests=requests,
        accuracy=right / requests,
        in_time=in_time / requests,
        possible=possible / requests,
        kept=kept / possible if possible else 1.0,
        remote=remote / requests,
    )


def _positive(luck: Random, spread: Spread) -> float:
    drawn = luck.gauss(spread.mean, spread.sd)
    while drawn <= 0 < spread.sd:
        drawn = luck.gauss(spread.mean, spread.sd)
    return drawn


def _seconds(row: Row, request: Request, link: Link, fates: dict[bool, float]) -> float:
    """Return what the candidate really takes: each place is as lucky with all its variants."""
    cost = cost_of(row, request, link)
    return cost.added + max(0.0, row.mean + fates[row.remote] * row.sd)
