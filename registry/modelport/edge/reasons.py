"""The words for a ranking: why a candidate stands where it stands. Times are said in milliseconds, all of them."""

from __future__ import annotations

from math import inf, isnan
from typing import TYPE_CHECKING, Final

from modelport.edge.costs import order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelport.edge.costs import Cost, Link
    from modelport.edge.types import Duplicate, Request

__all__ = ["ranking_reasons", "reasons"]

_TIES: Final = ("fits", "backed", "inaccurate")
_WORDS: Final = (
    ("", ""),
    ("", ""),
    ("needs more energy", "it needs less energy than"),
    ("is slower", "it is quicker than"),
    ("moves more bytes", "it moves fewer bytes than"),
    ("is a larger file", "its file is smaller than that of"),
    ("needs more energy", "it needs less energy than"),
    ("has the lower figure", "its figure is higher than that of"),
    ("comes later by name", "by name it comes before"),
)
"""Of each thing that `modelport.edge.costs.order` goes by: why one stands behind, and why another before it."""


def reasons(cost: Cost, request: Request, duplicate: Duplicate | None) -> tuple[str, ...]:
    """Return why *cost*'s candidate was chosen, the weightiest first."""
    said = [_chosen(cost, request), *_counted(cost)]
    if duplicate is not None:
        said.append(
            f"may come late: {duplicate.candidate.variant.label} starts on the device after {_ms(duplicate.start)}"
        )
    return tuple(said)


def ranking_reasons(costs: Sequence[Cost], request: Request, link: Link) -> Iterator[str]:
    """Yield why each candidate stands where it does; *costs* are in their order, the best first."""
    for place, cost in enumerate(costs):
        if cost.standing == "out":
            yield _out(cost, request, link)
        elif place == 0:
            yield f"{_chosen(cost, request)}{_first_of(costs, request)}"
        else:
            yield _second(cost, costs[0], request)


def _first_of(costs: Sequence[Cost], request: Request) -> str:
    """Return what sets the first one apart from those that are worth as much, where there are any."""
    best, *others = costs
    worth = order(best, request)[:2]
    ties = [cost for cost in others if order(cost, request)[:2] == worth] if best.standing in _TIES else []
    if not ties:
        return ""
    _, why = _difference(best, ties[0], request)
    one, next_one = best.row.candidate, ties[0].row.candidate
    label = next_one.variant.name if one.variant.model == next_one.variant.model else next_one.variant.label
    label = next_one.label if one.variant == next_one.variant else label
    if len(ties) == 1:
        return f"; {label} ties with it within the accuracy's interval, and {why} that"
    return f"; {len(ties)} others tie with it within the accuracy's interval, and {why} the next, {label}"


def _difference(best: Cost, other: Cost, request: Request) -> tuple[str, str]:
    pairs = zip(_WORDS, order(best, request), order(other, request), strict=True)
    return next(words for words, mine, its in pairs if mine != its)


def _second(cost: Cost, best: Cost, request: Request) -> str:
    match cost.standing:
        case "unmeasured":
            return "the time of its transfer is not known" if isnan(cost.added) else "its time there was never measured"
        case "late" if cost.row.guess:
            return f"its time there was never measured; at a guess, {_time(cost, request)}"
        case "late":
            return f"too slow: {_time(cost, request)}"
        case "inaccurate":
            return f"{_accuracy(cost)}, {request.min_accuracy:.4g} is asked for"
        case _:
            return _behind(cost, best, request)


def _chosen(cost: Cost, request: Request) -> str:
    match cost.standing:
        case "fits":
            return _fitting(cost, request)
        case "backed":
            return f"the best on average, {cost.worth:.4g}: {_accuracy(cost)}, {_gamble(cost)}"
        case "inaccurate":
            # What ties with it may have a higher figure.
            least = cost.row.top > cost.row.accuracy
            which = "none in time is known to be more accurate" if least else "the most accurate in time"
            return f"none in time reaches {request.min_accuracy:.4g}: {which}, {_accuracy(cost)}"
        case "late":
            return f"none is in time: the fastest, {_time(cost, request)}"
        case _:
            return "no time is known: the one that moves the fewest bytes"


def _fitting(cost: Cost, request: Request) -> str:
    if not cost.row.guess and not isnan(cost.bound):
        return f"the most accurate that fits: {_accuracy(cost)}, {_time(cost, request)}"
    if request.deadline == inf:
        return f"the most accurate there is: {_accuracy(cost)}, its time is not known"
    guess = f"at a guess {_time(cost, request)}"
    return f"its time is not known, and there is time to try it: {_accuracy(cost)}, {guess}"


def _counted(cost: Cost) -> list[str]:
    candidate, said = cost.row.candidate, []
    if cost.row.remote:
        said.append(_reckoned("transfer", cost.added))
    elif not cost.row.stored:
        said.append(_reckoned(f"fetching {cost.row.fetch} bytes", cost.added))
    if not candidate.loaded:
        said.append(_reckoned("loading", candidate.load.mean))
    if candidate.estimated:
        said.append("its times are estimated from another device's")
    return said


def _reckoned(what: str, seconds: float) -> str:
    return (
        f"{what} not counted: how long that takes is not known" if isnan(seconds) else f"{what} counted: {_ms(seconds)}"
    )


def _behind(cost: Cost, best: Cost, request: Request) -> str:
    if cost.worth != best.worth:
        if cost.standing == "backed":
            return f"{_gamble(cost)}: {cost.worth:.4g} on average, {best.worth:.4g}"
        if best.standing == "backed":
            return f"fits, but is less accurate than the best on average: {_accuracy(cost)}, {best.worth:.4g}"
        return f"fits, but is less accurate: {_accuracy(cost)}, {_accuracy(best)}"
    why, _ = _difference(best, cost, request)
    return f"ties in accuracy, but {why}"


def _gamble(cost: Cost) -> str:
    behind = f", else {cost.behind.candidate.variant.label} answers" if cost.behind is not None else ""
    return f"in time with {100 * cost.share:.0f} %{behind}"


def _out(cost: Cost, request: Request, link: Link) -> str:
    row = cost.row
    if row.remote and not row.stored:
        return "the server does not hold it"
    if not link.up:
        return "the server cannot be reached" if row.remote else "it is not stored, and there is no network to fetch it"
    if not row.remote and request.max_bytes is not None and row.fetch > request.max_bytes:
        return f"fetching it takes {row.fetch} bytes, {request.max_bytes} are allowed"
    return "its bytes never arrive: the network has no bandwidth"


def _accuracy(cost: Cost) -> str:
    return f"accuracy {cost.row.accuracy:.4g}" if cost.row.accuracy > -inf else "an accuracy that nobody measured"


def _time(cost: Cost, request: Request) -> str:
    if isnan(cost.bound):
        return "its time is not known"
    return _ms(cost.bound) if request.deadline == inf else f"{_ms(cost.bound)} of {_ms(request.deadline)}"


def _ms(seconds: float) -> str:
    """Return a time with three digits, and without an exponent where it is long."""
    number = 1000 * seconds
    return f"{number:.3g} ms" if number < 999.5 else f"{number:.0f} ms"  # noqa: PLR2004 - what rounds to 1,000
