"""Columns of numbers: in one unit, with three digits, at the right."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["aligned", "milliseconds"]


def milliseconds(seconds: float, *, estimated: bool = False) -> str:
    """Return a time for a column of milliseconds, without an exponent; ``-`` when it is unknown."""
    if not isfinite(seconds):
        return "-"
    number = 1000 * seconds
    digits = 0 if number >= 99.95 or number <= 0 else 2 - floor(log10(number))  # noqa: PLR2004 - three before the point
    return f"{'about ' if estimated else ''}{number:.{digits}f}"


def aligned(rows: Sequence[Sequence[str]], numbers: Collection[str]) -> list[list[str]]:
    """Return *rows* with the *numbers*, called by their headings in the first row, at the right of their columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [head in numbers for head in rows[0]]
    return [
        [cell.rjust(width) if number else cell for cell, width, number in zip(row, widths, right, strict=True)]
        for row in rows
    ]
