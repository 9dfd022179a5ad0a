"""What a candidate costs a request, how it stands to it, and the order that follows: `modelport.edge.select`'s rule.

A `Row` holds what no request changes; a `Link` is the network as one request meets it; a `Cost` is both together.
"""

from __future__ import annotations

from itertools import pairwise
from math import erfc, inf, isfinite, isnan, nan, sqrt
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
    "guessed",
    "least",
    "link_of",
    "order",
    "renewed",
    "rows",
]

Standing = Literal["fits", "backed", "inaccurate", "late", "unmeasured", "out"]
"""How a candidate stands to a request; the better ones first, but the first two alike."""

_STANDINGS: Final[dict[Standing, int]] = {
    "fits": 0,
    "backed": 0,
    "inaccurate": 1,
    "late": 2,
    "unmeasured": 3,
    "out": 4,
}
_LATE: Final = _STANDINGS["late"]
_ROOT_OF_2: Final = sqrt(2)
_UNKNOWN: Final = 10.0
"""How many times as long as the slowest known variant of its model one may take that nobody has timed, to be tried."""


class Row(NamedTuple):
    """What is known of a candidate before a request comes."""

    accuracy: float  # -inf: unknown
    grade: int
    top: float  # the best accuracy of its grade: what it counts as
    remote: bool
    stored: bool
    mean: float  # of inference and, where it is not loaded, of loading; NaN: unknown
    sd: float
    fetch: int
    size: int
    energy: float  # inf: unknown
    place: int  # by name
    candidate: Candidate
    guess: bool = False  # whether *mean* is one


class Link(NamedTuple):
    """The network as one request meets it."""

    up: bool
    transfer: float  # seconds until the server's answer is back, without its inference; NaN: unknown
    sd: float  # of the delay there and back
    loss: float
    moved: int
    rate: float  # bytes a second; NaN: unknown
    turn: float  # seconds there and back for an empty message
    watts: float  # inf: unknown


NO_LINK: Final = Link(up=False, transfer=nan, sd=0.0, loss=0.0, moved=0, rate=nan, turn=nan, watts=inf)


class Cost(NamedTuple):
    """What a candidate costs a request; *bound* is *expected* and gamma deviations of all that varies."""

    row: Row
    standing: Standing
    expected: float
    bound: float
    moved: int
    energy: float  # inf: unknown
    added: float  # of *expected*: seconds for the transfer or the fetching
    share: float  # of the answers that are in time; 1 for what fits and loses no message
    worth: float  # the mean accuracy of what answers in time, *behind* included
    behind: Row | None  # what answers on the device otherwise, where that counts


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
    tops: dict[int, float] = {}
    for accuracy, grade in graded.items():
        tops[grade] = max(tops.get(grade, -inf), -inf if accuracy is None else accuracy)
    found = [_row(candidate, place, graded, tops) for place, candidate in enumerate(named)]
    return sorted(found, key=lambda row: -row.accuracy)


def renewed(row: Row, candidate: Candidate) -> Row:
    """Return *row* with what is known now of its candidate, which is the same variant at the same place."""
    mean, sd = _seconds(candidate)
    return row._replace(
        stored=candidate.stored, mean=mean, sd=sd, energy=_joules(candidate), candidate=candidate, guess=False
    )


def guessed(known: Sequence[Row]) -> list[Row]:
    """Return the rows, with a guess for each time on the device that nobody knows, where there is anything to go by."""
    slowest: dict[str, float] = {}
    for row in known:
        candidate = row.candidate
        if not row.remote and candidate.infer.known:
            load = candidate.load.mean if candidate.load.known else 0.0
            model = candidate.variant.model
            slowest[model] = max(slowest.get(model, 0.0), candidate.infer.mean + load)
    return [_guess(row, slowest) if not row.remote and row.stored and isnan(row.mean) else row for row in known]


def _guess(row: Row, slowest: dict[str, float]) -> Row:
    least_known = slowest.get(row.candidate.variant.model)
    return row if least_known is None else row._replace(mean=_UNKNOWN * least_known, sd=0.0, guess=True)


def _name(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.variant.name, candidate.variant.model, candidate.place


def _row(candidate: Candidate, place: int, graded: dict[float | None, int], tops: dict[int, float]) -> Row:
    variant, accuracy = candidate.variant, candidate.variant.known_accuracy
    mean, sd = _seconds(candidate)
    return Row(
        accuracy=-inf if accuracy is None else accuracy,
        grade=graded[accuracy],
        top=tops[graded[accuracy]],
        remote=candidate.place == "server",
        stored=candidate.stored,
        mean=mean,
        sd=sd,
        fetch=variant.fetch_bytes,
        size=variant.size,
        energy=_joules(candidate),
        place=place,
        candidate=candidate,
    )


def _seconds(candidate: Candidate) -> tuple[float, float]:
    infer, load = candidate.infer, candidate.load
    if not infer.known or not (candidate.loaded or load.known):
        return nan, 0.0
    return (infer.mean, infer.sd) if candidate.loaded else (infer.mean + load.mean, sqrt(infer.sd**2 + load.sd**2))


def _joules(candidate: Candidate) -> float:
    return inf if candidate.energy is None or isnan(candidate.energy) else candidate.energy


def link_of(request: Request, network: Network | None) -> Link:
    """Return *network* as *request* meets it."""
    if network is None or not network.reachable:
        return NO_LINK
    moved = request.payload + request.answer
    rate = network.bytes_per_second
    return Link(
        up=True,
        transfer=network.seconds(moved),
        sd=2 * network.one_way.sd,  # an answer takes the way that its request took
        loss=network.loss,
        moved=moved,
        rate=nan if rate is None else rate,
        turn=2 * network.one_way.mean,
        watts=inf if network.watts is None else network.watts,
    )


def cost_of(row: Row, request: Request, link: Link, behind: Row | None = None) -> Cost:
    """Return what *row*'s candidate costs *request* over *link*.

    Args:
        row: What is known of it.
        request: What is asked.
        link: The network as the request meets it.
        behind: What is in time on the device should the server not be; None: nothing stands by.
    """
    if row.stored and not row.remote:  # most are, and nothing else varies
        bound = row.mean + request.gamma * row.sd
        standing: Standing = "out" if bound == inf else _standing(row, request, bound)
        return Cost(row, standing, row.mean, bound, 0, row.energy, 0.0, 1.0, row.top, None)
    possible, added, moved, energy = _way(row, request, link)
    sd = sqrt(row.sd**2 + link.sd**2) if link.sd else row.sd
    expected = added + row.mean
    bound = expected + request.gamma * sd
    standing, share, worth = _standing(row, request, bound), 1.0, row.top
    if not possible or inf in (added, bound):
        standing = "out"
    elif row.remote and behind is not None and row.top > behind.top and standing != "unmeasured":
        late = bound > request.deadline
        if late and expected - request.gamma * sd <= request.deadline:
            share = erfc((expected - request.deadline) / sd / _ROOT_OF_2) / 2
            standing = "backed" if min(row.accuracy, behind.accuracy) >= least(request) else "inaccurate"
        if standing != "late":
            share *= 1 - link.loss
            worth = max(0.0, behind.top) + share * (row.top - max(0.0, behind.top))
    waiting = behind if share < 1 else None
    return Cost(row, standing, expected, bound, moved, inf if isnan(energy) else energy, added, share, worth, waiting)


def _way(row: Row, request: Request, link: Link) -> tuple[bool, float, int, float]:
    """Return whether the candidate can answer, the seconds and bytes of its transfer or fetching, and its energy.

    It is on the server, or not yet on the device.
    """
    if row.remote:
        added = link.transfer
        energy = row.energy if link.watts == inf else link.watts * added + (row.energy if row.energy < inf else 0.0)
        return row.stored and link.up, added, link.moved, energy
    added = link.turn + _wire(row.fetch, link.rate)
    allowed = request.max_bytes is None or row.fetch <= request.max_bytes
    return link.up and allowed, added, row.fetch, row.energy + (link.watts * added if link.watts < inf else 0.0)


def _standing(row: Row, request: Request, bound: float) -> Standing:
    """Return how it stands by itself; where there is no deadline, a time that nobody knows is in time."""
    if bound > request.deadline:
        return "late"
    if isnan(bound) and request.deadline < inf:
        return "unmeasured"
    return "fits" if row.accuracy >= least(request) else "inaccurate"


def _wire(count: int, rate: float) -> float:
    if not count:
        return 0.0
    return count / rate if rate > 0 or isnan(rate) else inf


def least(request: Request) -> float:
    """Return the least accuracy that will do; nothing asked is content with an unknown one, too."""
    return request.min_accuracy if request.min_accuracy > 0 else -inf


def order(cost: Cost, request: Request) -> tuple[float, ...]:
    """Return what candidates are sorted by, the best first; no two have the same."""
    row, standing, energy = cost.row, cost.standing, cost.energy
    low = energy if request.battery_low else 0.0
    # The last ones are always the same: written out, for this is what a decision spends most of its time on.
    if standing == "late":
        return (_LATE, cost.bound, row.grade, low, cost.moved, row.size, energy, -row.accuracy, row.place)
    first = _STANDINGS[standing]
    if first > _LATE:
        return (first, cost.moved, row.size, energy, -row.accuracy, row.place)
    bound = inf if isnan(cost.bound) else cost.bound
    return (first, -cost.worth, low, bound, cost.moved, row.size, energy, -row.accuracy, row.place)


def at_risk(cost: Cost, request: Request, link: Link) -> bool:
    """Whether a remote answer may come late: messages get lost, or it would not fit gamma deviations above the mean."""
    return isfinite(request.deadline) and (link.loss > 0 or not cost.bound <= request.deadline)
