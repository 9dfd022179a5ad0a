"""MODI's figure 2(a) with our figures, as a small SVG: two bars for each form of the network, MODI's words as rings.

Colours are those of the site's style sheet, for light and for dark; the table below the plot says the same in numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Bar", "plot"]

Bar = tuple[str, float, float]
"""A form's name, and its file and its download as shares of the float32 file."""

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 480, 122, 62, 24, 42
_SPAN = _WIDTH - _LEFT - _RIGHT
_MARKS = (0, 25, 50, 75, 100)


def plot(bars: Sequence[Bar], reported: Mapping[str, tuple[float | None, float | None]]) -> str:
    """Return the plot in one line of HTML.

    Args:
        bars: The forms, from above.
        reported: What MODI reports of a form: its file and its download, as such shares.
    """
    height = _TOP + _ROW * len(bars) + 26
    parts = [_grid(mark, height - 26) for mark in _MARKS]
    for number, (name, file, download) in enumerate(bars):
        top = _TOP + number * _ROW + 6
        parts.append(f'<text x="{_LEFT - 8}" y="{top + 19}" text-anchor="end">{name}</text>')
        for at, share, look in ((top, file, _FILE), (top + 15, download, _DOWNLOAD)):
            parts.append(f'<rect x="{_LEFT}" y="{at}" width="{share * _SPAN:.1f}" height="12" {look}/>')
        for at, said in zip((top + 6, top + 21), reported.get(name, (None, None)), strict=True):
            if said is not None:
                parts.append(f'<circle cx="{_x(said)}" cy="{at}" r="4.5" {_RING}/>')
        parts += [
            f'<text x="{_WIDTH}" y="{at}" text-anchor="end">{100 * share:.1f} %</text>'
            for at, share in ((top + 10, file), (top + 25, download))
        ]
    spoken = ", ".join(f"{name}: {100 * file:.1f} and {100 * download:.1f}" for name, file, download in bars)
    label = f"File and download after gzip in percent of the float32 file. {spoken}. The table has all figures."
    return (
        f'<svg class="mp-plot mp-plot--series" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">'
        f"{''.join(parts)}{_legend(height)}</svg>"
    )


_FILE = 'fill="currentColor" fill-opacity="0.45"'
_DOWNLOAD = 'class="mp-plot__value"'
_RING = 'fill="var(--mp-sheet)" stroke="currentColor" stroke-width="2"'


def _x(share: float) -> float:
    return round(_LEFT + share * _SPAN, 1)


def _grid(mark: int, bottom: int) -> str:
    at = _x(mark / 100)
    return (
        f'<path class="mp-plot__grid" d="M{at} {_TOP - 6}V{bottom}"/>'
        f'<text x="{at}" y="{_TOP - 11}" text-anchor="middle">{mark}</text>'
    )


def _legend(height: int) -> str:
    y, third = height - 8, (_WIDTH - 40) / 3
    signs = (
        f'<rect x="40" y="{y - 9}" width="14" height="10" {_FILE}/>',
        f'<rect x="{40 + third:.0f}" y="{y - 9}" width="14" height="10" {_DOWNLOAD}/>',
        f'<circle cx="{47 + 2 * third:.0f}" cy="{y - 4}" r="4.5" {_RING}/>',
    )
    words = ("file", "after gzip", "MODI's words")
    return "".join(
        f'{sign}<text x="{60 + number * third:.0f}" y="{y}">{word}</text>'
        for number, (sign, word) in enumerate(zip(signs, words, strict=True))
    )
