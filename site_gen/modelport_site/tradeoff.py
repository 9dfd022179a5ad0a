"""What a variant costs against what it is worth, on one device, as an SVG plot; the table beside it has the figures.

The names stand in a column of their own at the right, in the order of their dots and as far apart as text needs, each
with a line to its dot: so no text ever lies over another, however close the dots are. As in :mod:`modelport_site.plots`
the style sheet gives the colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from modelport_site.shorten import human_bytes, human_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Mark", "tradeoff_plot"]

_Axis = tuple["Callable[[float], float]", list[tuple[float, str]]]
"""Where a value stands, and the marks: the place and the text of each."""

_WIDTH, _LEFT, _TOP, _BOTTOM = 336, 40, 24, 42
_LINE, _LETTER, _GAP = 14, 6.7, 16
"""A line's height, a letter's width at most, and what is between dots and names."""
_NAME = 16
_EDGE = 10
_LEAST = 1e-9
_TIMES, _SHARES = 4, 5
"""How many marks an axis has at most."""
_WIDE = 8
"""From how many times the shortest time on the axis is logarithmic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A variant to draw: seconds of one inference, accuracy and its 95 % interval, bytes of its file."""

    name: str
    seconds: float
    accuracy: float
    interval: tuple[float, float]
    size: int
    best: bool
    estimated: bool

    @property
    def label(self) -> str:
        """The name, cut where it is long, and the size."""
        name = self.name if len(self.name) <= _NAME else f"{self.name[: _NAME - 1]}…"
        return f"{name} {human_bytes(self.size)}"


def tradeoff_plot(marks: Sequence[Mark], *, id: str, where: str) -> Markup:  # noqa: A002 - an element's id
    """Return the plot of at least one variant.

    Args:
        marks: The variants, in any order.
        id: What the ids of its parts begin with; no other plot of the page may have it.
        where: The device's title.
    """
    drawn = sorted(marks, key=lambda one: (-one.accuracy, one.seconds, one.name))
    right = round(_WIDTH - _GAP - _LETTER * max(len(one.label) for one in drawn))
    height = max(190, _TOP + _BOTTOM + _LINE * len(drawn))
    bottom = height - _BOTTOM
    x, times = _time_axis([one.seconds for one in drawn], _LEFT + _EDGE, right - _EDGE)
    y, shares = _share_axis(drawn, bottom - _EDGE, _TOP + _EDGE)
    parts = [
        *(f'<path class="mp-plot__grid" d="M{_LEFT} {at}H{right}"/>' for at, _ in shares),
        *(f'<text x="{_LEFT - 5}" y="{at + 4}" text-anchor="end">{text}</text>' for at, text in shares),
        *(f'<path d="M{at} {bottom}v4"/>' for at, _ in times),
        *(f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{text}</text>' for at, text in times),
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}"/>',
        '<text x="0" y="12">accuracy</text>',
        f'<text x="{right}" y="{bottom + 34}" text-anchor="end">time of one inference</text>',
        *_drawn(drawn, x, y, right),
    ]
    # Texts are escaped; all else are numbers computed here.
    return Markup(  # noqa: S704
        f'<svg class="mp-plot mp-plot--trade" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-labelledby="{escape(id)}-title {escape(id)}-desc">'
        f'<title id="{escape(id)}-title">Accuracy against time on {escape(where)}</title>'
        f'<desc id="{escape(id)}-desc">{escape(_spoken(drawn))}</desc>{"".join(parts)}</svg>'
    )


def _drawn(
    marks: Sequence[Mark], x: Callable[[float], float], y: Callable[[float], float], right: int
) -> Iterator[str]:
    """Yield intervals and lines to the names first, then dots, then names: what is read lies on top."""
    largest = max(one.size for one in marks) or 1
    spots = [(x(one.seconds), y(one.accuracy), round(3 + 4 * math.sqrt(one.size / largest), 1)) for one in marks]
    places = _apart([at for _, at, _ in spots], _TOP + 4)
    for one, (a, b, r), place in zip(marks, spots, places, strict=True):
        low, high = (y(end) for end in one.interval)
        yield f'<path class="mp-trade__range" d="M{a} {low}V{high}"/>'
        yield f'<path class="mp-trade__lead" d="M{a + r} {b}L{right + 4} {place}h6"/>'
    for one, (a, b, r) in zip(marks, spots, strict=True):
        kind = f"mp-trade__dot{' mp-trade__dot--best' if one.best else ''}{' mp-trade__dot--about' * one.estimated}"
        yield f'<circle class="{kind}" cx="{a}" cy="{b}" r="{r}"/>'
    for one, place in zip(marks, places, strict=True):
        name, _, size = one.label.partition(" ")
        strong = ' class="mp-trade__best"' if one.best else ""
        yield f'<text{strong} x="{right + _GAP - 2}" y="{place + 4}">{escape(name)} <tspan>{size}</tspan></text>'


def _apart(wanted: Sequence[float], top: float) -> list[float]:
    """Return places for lines of text near where they are *wanted* (rising), each below the last."""
    places: list[float] = []
    for at in wanted:
        places.append(max(at, places[-1] + _LINE if places else top))
    lowest = max(top + _LINE * (len(places) - 1), wanted[-1] + 2)
    for number in range(len(places) - 1, -1, -1):
        places[number] = round(min(places[number], lowest - _LINE * (len(places) - 1 - number)), 1)
    return places


def _time_axis(seconds: Sequence[float], start: float, end: float) -> _Axis:
    """Return where a time stands between *start* and *end*, and the marks that have room below the axis."""
    known = [max(one, _LEAST) for one in seconds]
    low, high = min(known), max(known)
    wide = high / low > _WIDE
    if low == high:
        low, high = low / 2, high * 2
    scale: Callable[[float], float] = math.log if wide else float
    step = (end - start) / (scale(high) - scale(low))

    def x(value: float) -> float:
        return round(start + (scale(max(value, _LEAST)) - scale(low)) * step, 1)

    marks = _decades(low, high) if wide else _round_values(low, high, _TIMES)
    shown: list[tuple[float, str]] = []
    for mark in marks:
        text = human_seconds(mark)
        half = len(text) * _LETTER / 2
        if not shown or x(mark) - half > shown[-1][0] + len(shown[-1][1]) * _LETTER / 2 + 4:
            shown.append((x(mark), text))
    return x, shown


def _decades(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between the ends; of many, the powers alone."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [part * 10.0**power for power in powers for part in (1, 2, 5)]
    inside = [one for one in every if low <= one <= high]
    tens = [10.0**power for power in powers if low <= 10.0**power <= high]
    return tens if len(tens) > 2 else inside  # noqa: PLR2004 - an axis needs two marks and one more


def _round_values(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between the ends: at most so many, one at least."""
    power = 10.0 ** math.floor(math.log10(high - low))
    steps = (power * part for part in (0.1, 0.2, 0.5, 1, 2, 5))
    step = next((one for one in steps if math.floor(high / one) - math.ceil(low / one) < most), 10 * power)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)] or [(low + high) / 2]


def _share_axis(marks: Sequence[Mark], start: float, end: float) -> _Axis:
    ends = [one for mark in marks for one in (mark.accuracy, *mark.interval)]
    low, high = min(ends), max(ends)
    if high - low < _LEAST:
        low, high = low - 0.05, high + 0.05
    step = (end - start) / (high - low)

    def y(value: float) -> float:
        return round(start + (value - low) * step, 1)

    shown: list[tuple[float, str]] = []
    for mark in _round_values(low, high, _SHARES):
        if not shown or abs(y(mark) - shown[-1][0]) >= _LINE:
            shown.append((y(mark), f"{mark:.4g}"))
    return y, shown


def _spoken(marks: Sequence[Mark]) -> str:
    said = (
        f"{one.name}: accuracy {one.accuracy:.4g}, {human_seconds(one.seconds)}{' (estimated)' * one.estimated}, "
        f"{human_bytes(one.size)}{', in the Pareto set' * one.best}"
        for one in marks
    )
    return f"{'; '.join(said)}. The table has all figures."
