"""Metrics over versions, as small SVG plots made here; the table below each says the same in numbers.

The plots carry no colours and no style: the page's style sheet gives them, for light and for dark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Point", "Series", "metric_series", "series_plot"]

_WIDTH, _HEIGHT = 480, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 12, 26
_DRAWABLE = 1e-300, 1e300
_LABELS = 8
"""How many versions are named below a plot; of more, only some are."""


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured of one version."""

    version: str
    value: float
    interval: tuple[float, float] | None
    n: int
    measured_by: str


@dataclass(frozen=True, slots=True)
class Series:
    """One metric on the same data and split, from the oldest version that has it to the newest."""

    metric: str
    data: str
    split: str
    points: tuple[Point, ...]

    @property
    def plot(self) -> Markup | None:
        """The series as a plot; None where the figures are too far apart, or too close, to be drawn."""
        low, high = _range(self.points)
        return series_plot(self) if _DRAWABLE[0] < high - low < _DRAWABLE[1] else None


def metric_series(versions: Sequence[Mapping[str, Any]]) -> tuple[Series, ...]:
    """Return the metrics that at least two of the *versions* (newest first) have."""
    found: dict[tuple[str, str, str], dict[str, Point]] = {}
    for version in reversed(versions):
        for one in version["evaluations"]:
            key = one["metric"], one["data"], one["split"]
            low_high = tuple(one["interval"]) if "interval" in one else None
            point = Point(version["version"], one["value"], low_high, one["n"], one["measured_by"])
            found.setdefault(key, {}).setdefault(version["version"], point)
    return tuple(Series(*key, tuple(points.values())) for key, points in found.items() if len(points) > 1)


def series_plot(series: Series) -> Markup:
    """Return the plot of a series: a dot for each version, a bar for its interval, a line from dot to dot."""
    low, high = _range(series.points)
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(series.points) - 1)

    def x(number: int) -> float:
        return round(_LEFT + number * step, 1)

    def y(value: float) -> float:
        return round(_TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)

    marks = _marks(low, high)
    every = -(-len(series.points) // _LABELS)
    parts = [
        *(f'<path class="mp-plot__grid" d="M{_LEFT - 8} {y(value)}H{_WIDTH}"/>' for value in marks),
        *(f'<text x="{_LEFT - 12}" y="{y(value) + 3.5}" text-anchor="end">{value:.6g}</text>' for value in marks),
    ]
    dots = []
    for number, point in enumerate(series.points):
        if point.interval:
            bottom, top = (y(end) for end in point.interval)
            parts.append(
                f'<path class="mp-plot__range" d="M{x(number)} {bottom}V{top}m-4 0h8M{x(number) - 4} {bottom}h8"/>'
            )
        if number % every == 0:
            parts.append(_label(x(number), point.version, number, len(series.points)))
        dots.append((x(number), y(point.value)))
    line = " ".join(f"{a},{b}" for a, b in dots)
    parts.append(f'<polyline class="mp-plot__line" points="{line}"/>')
    parts += [f'<circle class="mp-plot__value" cx="{a}" cy="{b}" r="4"/>' for a, b in dots]
    # Texts are escaped; all else are numbers computed here.
    return Markup(  # noqa: S704
        f'<svg class="mp-plot mp-plot--series" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="'
        f'{escape(_spoken(series))}">{"".join(parts)}</svg>'
    )


def _range(points: Sequence[Point]) -> tuple[float, float]:
    """Return the ends of the value axis: what is measured with some room, and no more than 0 to 1 for shares."""
    ends = [end for point in points for end in (point.value, *(point.interval or ()))]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.15 or abs(high) * 0.1 or 1.0
    share = low >= 0 and high <= 1
    return (max(0.0, low - room), min(1.0, high + room)) if share and low < high else (low - room, high + room)


def _marks(low: float, high: float) -> list[float]:
    """Return two to five round values between the ends."""
    step = 10.0 ** math.floor(math.log10(high - low))
    step *= next((part for part in (1, 0.5, 0.2, 0.1) if (high - low) / (step * part) >= 2), 0.1)  # noqa: PLR2004 - two
    first = math.ceil(low / step)
    marks = [(first + number) * step for number in range(6)]
    return [mark for mark in marks if mark <= high]


def _label(x: float, version: str, number: int, count: int) -> str:
    anchor = "middle" if 0 < number < count - 1 else "start" if number == 0 else "end"
    at = x - 8 if anchor == "start" else x + 8 if anchor == "end" else x
    return f'<text x="{at}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{escape(version)}</text>'


def _spoken(series: Series) -> str:
    values = ", ".join(f"{point.version}: {point.value:.4g}" for point in series.points)
    return f"{series.metric} on {series.data} over versions. {values}. The table has all figures."
