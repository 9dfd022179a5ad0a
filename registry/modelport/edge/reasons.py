"""The words for a ranking: why a candidate stands where it stands."""

from __future__ import annotations

from math import inf, isnan
from typing import TYPE_CHECKING

from modelport.edge.costs import order

if TYPE_CHECKING:
    from modelport.edge.costs import Cost, Link
    from modelport.edge.types import Duplicate, Request

__all__ = ["reason", "reasons"]


def reasons(cost: Cost, request: Request, duplicate: Duplicate | None) -> tuple[str, ...]:
    """Return why *cost*'s candidate was chosen, the weightiest first."""
    said = [_chosen(cost, request), *_counted(cost)]
    if duplicate is not None:
        said.append(
            f"may come late: {duplicate.candidate.variant.label} starts on the device at {duplicate.start:.4g} s"
        )
    return tuple(said)


def reason(cost: Cost, best: Cost, request: Request, link: Link) -> str:
    """Return why *cost*'s candidate stands where it does, behind the *best*."""
    match cost.standing:
        case "out":
            return _out(cost, request, link)
        case "unmeasured":
            return "the time of its transfer is not known" if isnan(cost.added) else "its time there was never measured"
        case "late" if cost.row.guess:
            return f"its time there was never measured; at a guess, {_time(cost, request)}"
        case "late":
            return f"too slow: {_time(cost, request)}"
        case "inaccurate":
            return f"{_accuracy(cost)}, {request.min_accuracy:.4g} is asked for"
        case _:
            return _chosen(cost, request) if cost is best else _behind(cost, best, request)


def _chosen(cost: Cost, request: Request) -> str:
    match cost.standing:
        case "fits":
            return _fitting(cost, request)
        case "backed":
            return f"the best on average, {cost.worth:.4g}: {_accuracy(cost)}, {_gamble(cost)}"
        case "inaccurate":
            return f"none in time reaches {request.min_accuracy:.4g}: the most accurate in time, {_accuracy(cost)}"
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
        said.append(f"transfer counted: {cost.added:.4g} s")
    elif not cost.row.stored:
        said.append(f"fetching {cost.row.fetch} bytes counted: {cost.added:.4g} s")
    if not candidate.loaded:
        said.append(f"loading counted: {candidate.load.mean:.4g} s")
    if candidate.estimated:
        said.append("its times are estimated from another device's")
    return said


def _behind(cost: Cost, best: Cost, request: Request) -> str:
    if cost.worth != best.worth:
        if cost.standing == "backed":
            return f"{_gamble(cost)}: {cost.worth:.4g} on average, {best.worth:.4g}"
        if best.standing == "backed":
            return f"fits, but is less accurate than the best on average: {_accuracy(cost)}, {best.worth:.4g}"
        return f"fits, but is less accurate: {_accuracy(cost)}, {_accuracy(best)}"
    words = ("", "", "more energy", "slower", "more bytes to move", "a larger file", "more energy", "less accurate")
    mine, its = order(cost, request), order(best, request)
    word = next((w for w, m, i in zip(words, mine, its, strict=False) if m != i), "later by name")
    return f"fits and ties in accuracy, but {word}: {_time(cost, request)}"


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
    due = "" if request.deadline == inf else f" of {request.deadline:.4g} s"
    return f"{cost.bound:.4g} s{due}"
