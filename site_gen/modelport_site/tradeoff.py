"""What a variant costs against what it is worth, on one device, as an SVG plot; the table beside it has the figures.

The names stand in a column of their own at the right, in the order of their dots and as far apart as text needs, each
with a line to its dot: so no text ever lies over another, however close the dots are. What stands across is told in per
cent, so that the plot is as wide as the page lets it be and its text never smaller; where it is narrow, the style sheet
leaves some marks and the sizes out. As in :mod:`modelport_site.plots` the style sheet gives the colours, and here the
margins, too: the plot's own box is between the axes, and names and marks lie beside it.
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

_TOP, _BOTTOM = 26, 44
_LINE, _LETTER = 15, 6.7
"""A line's height and a letter's width at most, in pixels."""
_NAME = 16
_NARROW, _WIDE = 112, 400
"""How many pixels there are at least between the axis and the names, on a phone and on a page."""
_EDGE, _ROOM = 5, 10
"""What is left free at the ends of the axes: per cent across, pixels down."""
_LEAST = 1e-9
_TIMES, _SHARES = 7, 6
"""How many marks an axis has at most."""
_FAR = 8
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
    height = max(210, _TOP + _BOTTOM + _LINE * len(drawn))
    bottom = height - _BOTTOM
    x, times, far = _time_axis([one.seconds for one in drawn])
    y, shares = _share_axis(drawn, bottom - _ROOM, _TOP + _ROOM)
    parts = [
        *(f'<line class="mp-plot__grid" x2="100%" y1="{at}" y2="{at}"/>' for at, _ in shares),
        *(f'<text x="-6" y="{at + 4}" text-anchor="end">{text}</text>' for at, text in shares),
        *(f'<line x1="{at}%" x2="{at}%" y1="{bottom}" y2="{bottom + 4}"/>' for at, _, _ in times),
        *(_under(at, bottom + 17, text, more=more) for at, text, more in times),
        f'<line y1="{_TOP}" y2="{bottom}"/><line x2="100%" y1="{bottom}" y2="{bottom}"/>',
        '<text y="12">accuracy</text>',
        f'<text x="100%" y="{bottom + 36}" text-anchor="end">time of a call{", logarithmic" * far}</text>',
        *_drawn(drawn, x, y),
    ]
    # Texts are escaped; all else are numbers computed here.
    return Markup(  # noqa: S704
        f'<svg class="mp-plot mp-plot--trade" width="100%" height="{height}" role="img"'
        f' aria-labelledby="{escape(id)}-title {escape(id)}-desc">'
        f'<title id="{escape(id)}-title">Accuracy against time on {escape(where)}</title>'
        f'<desc id="{escape(id)}-desc">{escape(_spoken(drawn))}</desc>{"".join(parts)}</svg>'
    )


def _under(at: float, y: float, text: str, *, more: bool) -> str:
    """Return the text of a mark of the time axis; one that is *more* is shown where there is room for it."""
    kind = ' class="mp-trade__more"' if more else ""
    return f'<text{kind} x="{at}%" y="{y}" text-anchor="middle">{text}</text>'


def _drawn(marks: Sequence[Mark], x: Callable[[float], float], y: Callable[[float], float]) -> Iterator[str]:
    """Yield intervals and lines to the names, then dots, the small ones on top, then names: what is read is above."""
    largest = max(one.size for one in marks) or 1
    places = _apart([y(one.accuracy) for one in marks], _TOP + 4)
    for one, place in zip(marks, places, strict=True):
        a, (low, high) = x(one.seconds), (y(end) for end in one.interval)
        yield f'<line class="mp-trade__range" x1="{a}%" x2="{a}%" y1="{low}" y2="{high}"/>'
        yield f'<line class="mp-trade__lead" x1="{a}%" x2="100%" y1="{y(one.accuracy)}" y2="{place}"/>'
    for one in sorted(marks, key=lambda one: -one.size):
        kind = f"mp-trade__dot{' mp-trade__dot--best' if one.best else ''}{' mp-trade__dot--about' * one.estimated}"
        r = round(3 + 4 * math.sqrt(one.size / largest), 1)
        yield f'<circle class="{kind}" cx="{x(one.seconds)}%" cy="{y(one.accuracy)}" r="{r}"/>'
    yield '<svg x="100%" class="mp-trade__names">'
    for one, place in zip(marks, places, strict=True):
        name, _, size = one.label.partition(" ")
        strong = ' class="mp-trade__best"' if one.best else ""
        yield f'<path class="mp-trade__lead" d="M0 {place}h6"/>'
        yield f'<text{strong} x="10" y="{place + 4}">{escape(name)} <tspan>{size}</tspan></text>'
    yield "</svg>"


def _apart(wanted: Sequence[float], top: float) -> list[float]:
    """Return places for lines of text near where they are *wanted* (rising), each below the last."""
    places: list[float] = []
    for at in wanted:
        places.append(max(at, places[-1] + _LINE if places else top))
    lowest = max(top + _LINE * (len(places) - 1), wanted[-1] + 2)
    for number in range(len(places) - 1, -1, -1):
        places[number] = round(min(places[number], lowest - _LINE * (len(places) - 1 - number)), 1)
    return places


def _time_axis(seconds: Sequence[float]) -> tuple[Callable[[float], float], list[tuple[float, str, bool]], bool]:
    """Return where a time stands, the marks, and whether the axis is logarithmic.

    Of each mark its place, its text, and whether it has room on a wide page alone.
    """
    known = [max(one, _LEAST) for one in seconds]
    low, high = min(known), max(known)
    far = high / low > _FAR
    if low == high:
        low, high = low / 2, high * 2
    scale: Callable[[float], float] = math.log if far else float
    step = (100 - 2 * _EDGE) / (scale(high) - scale(low))

    def x(value: float) -> float:
        return round(_EDGE + (scale(max(value, _LEAST)) - scale(low)) * step, 2)

    said = [(x(mark), human_seconds(mark)) for mark in (_decades if far else _round_values)(low, high, _TIMES)]
    wide = _fitting(said, _WIDE)
    narrow = _fitting(wide, _NARROW)
    return x, [(*one, one not in narrow) for one in wide], far


def _fitting(marks: Sequence[tuple[float, str]], width: float) -> list[tuple[float, str]]:
    """Return the *marks* whose texts have room side by side below an axis of so many pixels."""
    shown: list[tuple[float, str]] = []
    for at, text in marks:
        room = (len(text) + len(shown[-1][1])) * _LETTER / 2 + 6 if shown else 0
        if not shown or (at - shown[-1][0]) * width / 100 > room:
            shown.append((at, text))
    return shown


def _decades(low: float, high: float, most: int) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between the ends; of more than *most*, the powers alone."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [part * 10.0**power for power in powers for part in (1, 2, 5)]
    inside = [one for one in every if low <= one <= high]
    return inside if len(inside) <= most else [10.0**power for power in powers if low <= 10.0**power <= high]


def _round_values(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between the ends: at most so many, one at least."""
    power = 10.0 ** math.floor(math.log10(high - low))
    steps = (power * part for part in (0.1, 0.2, 0.5, 1, 2, 5))
    step = next((one for one in steps if math.floor(high / one) - math.ceil(low / one) < most), 10 * power)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)] or [(low + high) / 2]


def _share_axis(
    marks: Sequence[Mark], start: float, end: float
) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    """Return where an accuracy stands between *start* and *end*, in pixels, and the marks."""
    ends = [one for mark in marks for one in (mark.accuracy, *mark.interval)]
    low, high = min(ends), max(ends)
    if high - low < _LEAST:
        low, high = low - 0.05, high + 0.05
    step = (end - start) / (high - low)

    def y(value: float) -> float:
        return round(start + (value - low) * step, 1)

    values = _round_values(low, high, _SHARES)
    digits = max(len(f"{one:.4g}".partition(".")[2]) for one in values)
    return y, [(y(one), f"{one:.{digits}f}") for one in values]


def _spoken(marks: Sequence[Mark]) -> str:
    said = (
        f"{one.name}: accuracy {one.accuracy:.4g}, {human_seconds(one.seconds)}{' (estimated)' * one.estimated}, "
        f"{human_bytes(one.size)}{', in the Pareto set' * one.best}"
        for one in marks
    )
    return f"{'; '.join(said)}. The table has all figures."
