"""The quick search for the first candidate in the order of `modelport.edge.select`'s rule.

Most candidates need not be looked at. Those too late for certain are told by one number that no request changes but by
its gamma: the mean with gamma deviations, or less them where something stands by. A `Sieve` keeps these numbers, the
most accurate candidate's first, and the least of them: where none is in time, that shows at once.
"""

from __future__ import annotations

from math import inf, isnan
from typing import TYPE_CHECKING, Final

from modelport.edge.costs import NO_LINK, Cost, Link, Row, Standing, cost_of, least, order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelport.edge.types import Request

__all__ = ["GOOD", "Known"]

GOOD: Final[frozenset[Standing]] = frozenset({"fits", "backed"})
_IN_TIME: Final[frozenset[Standing]] = frozenset({"fits", "inaccurate"})
_TIMED: Final[frozenset[Standing]] = frozenset({"fits", "backed", "inaccurate", "late"})
_GAMMAS: Final = 8
"""For so many of them sieves are kept; applications ask with one or two."""
_SLACK: Final = 1e-12
"""By how much of its terms a sum of floats may be off: what the sieve lets through is judged exactly."""

Line = tuple[float, float, bool, float, Row]
"""The accuracy, what it counts as, whether it is remote, the seconds below which it is late for certain, the row."""


class Known:
    """The candidates, the most accurate first, and what is reckoned of them once; never changed.

    Args:
        rows: What is known of them, the most accurate first.
    """

    __slots__ = ("_local", "_sieves", "rows")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._sieves: dict[float, Sieve] = {}
        self._local: Known | None = None

    @property
    def local(self) -> Known:
        """Those of them that could stand by on the device."""
        if self._local is None:
            self._local = Known([row for row in self.rows if not row.remote and row.stored])
        return self._local

    def renewed(self, place: int, row: Row) -> Known:
        """Return the same candidates, but for the one in *place*, of which *row* is known now."""
        found = list(self.rows)
        old, found[place] = found[place], row
        new = Known(found)
        new._sieves = {gamma: sieve.renewed(place, row, gamma) for gamma, sieve in list(self._sieves.items())}
        if self._local is not None and row.remote:
            new._local = self._local
        elif self._local is not None and old.stored and row.stored:
            new._local = self._local.renewed(self._local.rows.index(old), row)
        return new

    def first(self, request: Request, link: Link, *, duplicates: bool = True) -> tuple[Cost | None, Cost | None]:
        """Return the first in the rule's order, whatever its standing, and what stands by in time on the device.

        Args:
            request: What is asked.
            link: The network as the request meets it.
            duplicates: Whether anything may stand by.
        """
        spare = self.spare(request, link) if duplicates else None
        return self._best(request, link, spare.row if spare else None), spare

    def spare(self, request: Request, link: Link) -> Cost | None:
        """Return what answers in time on the device should the server not."""
        if not link.up or self.local._sieve(request.gamma).here > request.deadline:  # noqa: SLF001
            return None
        cost = self.alone(request)
        return cost if cost is not None and cost.standing in _IN_TIME else None

    def alone(self, request: Request) -> Cost | None:
        """Return the first of those on the device, as if there were no network."""
        return self.local._best(request, NO_LINK, None)  # noqa: SLF001

    def _sieve(self, gamma: float) -> Sieve:
        found = self._sieves.get(gamma)
        if found is None:
            if len(self._sieves) >= _GAMMAS:
                self._sieves = {}  # another thread may still look through the old ones
            found = self._sieves[gamma] = Sieve(self.rows, gamma)
        return found

    def _best(self, request: Request, link: Link, behind: Row | None) -> Cost | None:
        """Return the first in the order, looking no further than to where the accuracies are below the best worth."""
        deadline, accuracy, sieve = request.deadline, least(request), self._sieve(request.gamma)
        away, lines = _soonest(request, link, behind), sieve.lines if behind is None else sieve.backed
        left = _left(deadline, away)
        if sieve.here > deadline and sieve.there > left:
            return self._best_degraded(request, link, behind)
        best: Cost | None = None
        for known, top, remote, soon, row in lines:
            if known < accuracy or (best is not None and top < best.worth):
                break
            if soon > (left if remote else deadline):
                continue
            cost = cost_of(row, request, link, behind)
            if cost.standing in GOOD and (best is None or order(cost, request) < order(best, request)):
                best = cost
        return best or self._best_degraded(request, link, behind)

    def _best_degraded(self, request: Request, link: Link, behind: Row | None) -> Cost | None:
        """Return the first in the order, passing over those that are late and slower than the best so far."""
        deadline, sieve = request.deadline, self._sieve(request.gamma)
        away, lines = _soonest(request, link, behind), sieve.lines if behind is None else sieve.backed
        best, enough = None, max(sieve.sure, deadline)
        left = _left(enough, away)
        for _, _, remote, soon, row in reversed(lines):  # the less accurate are mostly the faster ones
            if soon > (left if remote else enough):
                continue
            cost = cost_of(row, request, link, behind)
            if best is None or order(cost, request) < order(best, request):
                best = cost
                if cost.standing in _TIMED:
                    enough = max(cost.bound, deadline)
                    left = _left(enough, away)
        return best


class Sieve:
    """The lines of all candidates for one gamma; never changed.

    Attributes:
        lines: With the mean and gamma deviations.
        backed: The same, but for the remote ones with the mean less gamma deviations.
        here: The least of those not remote; minus infinity where one is not a number.
        there: The same of the remote ones of *backed*.
        sure: The least among what is stored on the device, whose time is that for certain.
    """

    __slots__ = ("backed", "here", "lines", "sure", "there")

    def __init__(self, rows: Sequence[Row], gamma: float) -> None:
        self.lines, self.backed = [_line(row, gamma) for row in rows], [_backed(row, gamma) for row in rows]
        self.here, self.there, self.sure = (min(self._all(of), default=inf) for of in (_here, _there, _sure))

    def renewed(self, place: int, row: Row, gamma: float) -> Sieve:
        """Return the same sieve with another *row* in *place*; *gamma* is its own."""
        new = Sieve.__new__(Sieve)
        new.lines, new.backed = self.lines.copy(), self.backed.copy()
        new.here, new.there, new.sure = self.here, self.there, self.sure
        new.lines[place] = new.backed[place] = _line(row, gamma)
        if row.remote:
            new.backed[place] = _backed(row, gamma)
            new.there = self._renewed(new, place, _there, self.there)
        else:
            new.here = self._renewed(new, place, _here, self.here)
            new.sure = self._renewed(new, place, _sure, self.sure)
        return new

    def _renewed(self, new: Sieve, place: int, of: Callable[[Line, Line], float], lowest: float) -> float:
        """Return the least of all, looking through them only where the least one has risen."""
        after = of(new.lines[place], new.backed[place])
        if after <= lowest:
            return after
        return lowest if of(self.lines[place], self.backed[place]) > lowest else min(new._all(of))

    def _all(self, of: Callable[[Line, Line], float]) -> list[float]:
        return [of(*both) for both in zip(self.lines, self.backed, strict=True)]


def _here(line: Line, _: Line) -> float:
    remote, soon = line[2:4]
    return inf if remote else -inf if isnan(soon) else soon


def _there(_: Line, backed: Line) -> float:
    remote, soon = backed[2:4]
    return -inf if remote and isnan(soon) else soon if remote else inf


def _sure(line: Line, _: Line) -> float:
    remote, soon, row = line[2:]
    return inf if remote or not row.stored or isnan(soon) else soon


def _line(row: Row, gamma: float) -> Line:
    return row.accuracy, row.top, row.remote, row.mean + gamma * row.sd, row


def _backed(row: Row, gamma: float) -> Line:
    return row.accuracy, row.top, row.remote, row.mean + (-gamma if row.remote else gamma) * row.sd, row


def _soonest(request: Request, link: Link, behind: Row | None) -> float:
    """Return the seconds that the way to the server and back takes at least, where something is *behind* or not."""
    return link.transfer if behind is None else link.transfer - request.gamma * link.sd


def _left(seconds: float, away: float) -> float:
    """Return what is left of *seconds* for the server's own time, and what sums of floats may be off."""
    return seconds - away + _SLACK * (abs(seconds) + abs(away))
