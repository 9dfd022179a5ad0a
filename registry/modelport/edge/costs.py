"""What a candidate costs a request, how it stands to it, and the order that follows: `modelport.edge.select`'s rule.

A `Row` holds what no request changes; a `Link` is the network as one request meets it; a `Cost` is both together.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf, isfinite, isnan, nan, sqrt
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelport.edge.types import Candidate, Network, Request

__all__ = [
    "NO_LINK",
    "Cost",
    "Link",
    "Row",
    "Standing",
    "at_risk",
    "cost_of",
    "grades",
    "least",
    "link_of",
    "order",
    "rows",
]

Standing = Literal["fits", "inaccurate", "late", "unmeasured", "out"]
"""How a candidate stands to a request; the better ones first."""

_STANDINGS: Final[dict[Standing, int]] = {"fits": 0, "inaccurate": 1, "late": 2, "unmeasured": 3, "out": 4}


class Row(NamedTuple):
    """What is known of a candidate before a request comes."""

    accuracy: float  # -inf: unknown
    grade: int
    remote: bool
    stored: bool
    mean: float  # of inference and, where it is not loaded, of loading
    sd: float
    fetch: int
    size: int
    energy: float  # inf: unknown
    place: int  # by name
    candidate: Candidate


class Link(NamedTuple):
    """The network as one request meets it."""

    up: bool
    transfer: float  # seconds until the server's answer is back, without its inference; NaN: unknown
    moved: int
    rate: float  # bytes a second; NaN: unknown
    turn: float  # seconds there and back for an empty message
    watts: float  # inf: unknown


NO_LINK: Final = Link(up=False, transfer=nan, moved=0, rate=nan, turn=nan, watts=inf)


class Cost(NamedTuple):
    """What a candidate costs a request; *bound* is *expected* and gamma deviations."""

    row: Row
    standing: Standing
    expected: float
    bound: float
    moved: int
    energy: float  # inf: unknown
    added: float  # of *expected*: seconds for the transfer or the fetching


def grades(accuracies: Iterable[tuple[float | None, float]]) -> dict[float | None, int]:
    """Return the grade of each accuracy, 0 the best: those within the interval of a grade's most accurate one tie.

    Args:
        accuracies: Accuracies with half the width of their intervals; None is unknown, and a grade below all others.
    """
    known = sorted(((a, interval) for a, interval in accuracies if a is not None), reverse=True)
    found: dict[float | None, int] = {}
    grade, lowest = -1, inf
    for accuracy, interval in known:
        if accuracy < lowest:
            grade, lowest = grade + 1, accuracy - interval
        found[accuracy] = grade
    return found | {None: grade + 1}


def rows(candidates: Sequence[Candidate]) -> list[Row]:
    """Return what is known of *candidates*, the most accurate first.

    Raises:
        InputError: A candidate is there twice.
    """
    named = sorted(candidates, key=_name)
    for one, following in pairwise(named):
        if _name(one) == _name(following):
            raise InputError(f"{one.label} is among the candidates twice", hint="give each variant once for each place")
    graded = grades((c.variant.known_accuracy, c.variant.interval) for c in candidates)
    found = [_row(candidate, place, graded) for place, candidate in enumerate(named)]
    return sorted(found, key=lambda row: -row.accuracy)


def _name(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.variant.name, candidate.variant.model, candidate.place


def _row(candidate: Candidate, place: int, graded: dict[float | None, int]) -> Row:
    variant, infer = candidate.variant, candidate.infer
    mean, sd = (infer.mean, infer.sd) if infer.known else (nan, 0.0)
    if not candidate.loaded:
        load = candidate.load
        mean, sd = (mean + load.mean, sqrt(sd**2 + load.sd**2)) if load.known else (nan, 0.0)
    accuracy, energy = variant.known_accuracy, candidate.energy
    return Row(
        accuracy=-inf if accuracy is None else accuracy,
        grade=graded[accuracy],
        remote=candidate.place == "server",
        stored=candidate.stored,
        mean=mean,
        sd=sd,
        fetch=variant.fetch_bytes,
        size=variant.size,
        energy=inf if energy is None or isnan(energy) else energy,
        place=place,
        candidate=candidate,
    )


def link_of(request: Request, network: Network | None) -> Link:
    """Return *network* as *request* meets it."""
    if network is None or not network.reachable:
        return NO_LINK
    moved = request.payload + request.answer
    rate = network.bytes_per_second
    return Link(
        up=True,
        transfer=network.seconds(moved),
        moved=moved,
        rate=nan if rate is None else rate,
        turn=2 * network.one_way.mean,
        watts=inf if network.watts is None else network.watts,
    )


def cost_of(row: Row, request: Request, link: Link) -> Cost:
    """Return what *row*'s candidate costs *request* over *link*."""
    if row.remote:
        possible, added, moved = row.stored and link.up, link.transfer, link.moved
        energy = row.energy if link.watts == inf else link.watts * added + (row.energy if row.energy < inf else 0.0)
    elif row.stored:
        possible, added, moved, energy = True, 0.0, 0, row.energy
    else:
        allowed = request.max_bytes is None or row.fetch <= request.max_bytes
        possible, added, moved = link.up and allowed, link.turn + _wire(row.fetch, link.rate), row.fetch
        energy = row.energy + (link.watts * added if link.watts < inf else 0.0)
    expected = added + row.mean
    bound = expected + request.gamma * row.sd
    if not possible or inf in (added, bound):
        standing: Standing = "out"
    elif isnan(bound):
        standing = "unmeasured"
    elif bound > request.deadline:
        standing = "late"
    else:
        standing = "fits" if row.accuracy >= least(request) else "inaccurate"
    return Cost(row, standing, expected, bound, moved, inf if isnan(energy) else energy, added)


def _wire(count: int, rate: float) -> float:
    if not count:
        return 0.0
    return count / rate if rate > 0 or isnan(rate) else inf


def least(request: Request) -> float:
    """Return the least accuracy that will do; nothing asked is content with an unknown one, too."""
    return request.min_accuracy if request.min_accuracy > 0 else -inf


def order(cost: Cost, request: Request) -> tuple[float, ...]:
    """Return what candidates are sorted by, the best first; no two have the same."""
    row, standing = cost.row, cost.standing
    low = cost.energy if request.battery_low else 0.0
    last = (cost.moved, row.size, cost.energy, -row.accuracy, row.place)
    if standing in ("fits", "inaccurate"):
        return (_STANDINGS[standing], row.grade, low, cost.bound, *last)
    if standing == "late":
        return (_STANDINGS[standing], cost.bound, row.grade, low, *last)
    return (_STANDINGS[standing], *last)


def at_risk(cost: Cost, request: Request, network: Network) -> bool:
    """Whether a remote answer may come late: messages get lost, or a slow transfer would not fit."""
    if not isfinite(request.deadline):
        return False
    slow = cost.bound + request.gamma * 2 * network.one_way.sd
    return network.loss > 0 or not slow <= request.deadline
