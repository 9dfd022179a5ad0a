"""Confidence intervals drawn as small SVG plots; the table beside them says the same in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["interval_plot"]

_WIDTH, _HEIGHT, _EDGE = 160, 20, 6


def interval_plot(evaluation: Mapping[str, Any]) -> Markup | None:
    """Return a plot of a share between 0 and 1 with its interval; None where that would say nothing."""
    value, interval = evaluation["value"], evaluation.get("interval")
    if not interval or not 0 <= interval[0] <= value <= interval[1] <= 1:
        return None
    low, middle, high = (round(_EDGE + x * (_WIDTH - 2 * _EDGE), 1) for x in (interval[0], value, interval[1]))
    y = _HEIGHT // 2
    ticks = "".join(
        f'<path d="M{round(_EDGE + x * (_WIDTH - 2 * _EDGE), 1)} {y - 3}v6"/>' for x in (0, 0.25, 0.5, 0.75, 1)
    )
    # Only numbers computed here are put in.
    return Markup(  # noqa: S704
        f'<svg class="mp-plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" aria-hidden="true">'
        f'<g class="mp-plot__axis"><path d="M{_EDGE} {y}H{_WIDTH - _EDGE}"/>{ticks}</g>'
        f'<path class="mp-plot__range" d="M{low} {y}H{high}M{low} {y - 5}v10M{high} {y - 5}v10"/>'
        f'<circle class="mp-plot__value" cx="{middle}" cy="{y}" r="3.4"/></svg>'
    )
