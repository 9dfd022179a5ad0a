"""Whether a second form of a trained object answers as the first does, on rows that are made up.

The rows are of many sizes, and stand on the very numbers at which trees part: of the ONNX files that a converter has of
one forest, some round otherwise there. What happens to numbers before they come to a tree is not known, so such places
are also looked for from outside: between two rows whose answers differ, halving the way until only the jump is left.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.package.closeness import close
from modelport.package.files.refusals import REFUSED
from modelport.package.files.rows import strange
from modelport.package.state.conversion import NotConvertedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Ask", "MadeUpRows", "Rows", "first_that_agrees"]

_LOG = logging.getLogger(__name__)

_HALVES = 48
"""How often a way between two rows is halved at most."""
_NEAR = 2.0**-36
"""How near two rows are, by their size, when halving ends: nearer than 32-bit floats are, but not by rounding."""

Rows: TypeAlias = dict[str, Any]
"""Arguments: a list or an array for each field."""
Ask: TypeAlias = "Callable[[Rows], dict[str, Any] | None]"
"""What asks a form: its answers by field, None where it refuses the rows, and nothing where it fails."""


def first_that_agrees(
    forms: Iterable[bytes], file: Path, tried: Callable[[], dict[str, Any]], *, none: str
) -> dict[str, Any]:
    """Write the first of *forms* that agrees to *file*; return what *tried* says of it.

    Raises:
        NotConvertedError: There is none, for the reason *none*, or for the last one's; no file is left.
    """
    why = none
    for content in forms:
        file.write_bytes(content)
        try:
            return tried()
        except NotConvertedError as error:
            why = str(error)
            _LOG.info("%s is no second form: %s", file.name, why)
    file.unlink(missing_ok=True)
    raise NotConvertedError(why)


class MadeUpRows:
    """The first of *candidates* that the first form answers, which *ask* asks, and rows where its answers jump.

    Attributes:
        count: How many rows there are: 0 where none could be made up that it answers.
    """

    def __init__(self, ask: Ask, candidates: Iterable[Rows]) -> None:
        self._ask = ask
        self._rows = [next((rows for rows in candidates if ask(rows)), {})]
        if self._rows[0]:
            self._rows += _at_jumps(ask, self._rows[0])
        self.count = sum(len(next(iter(rows.values()))) for rows in self._rows if rows)

    def refusals(self, other: Ask) -> list[str]:
        """Return which strange numbers the form that *other* asks has to refuse: the first does, or answers otherwise.

        Raises:
            NotConvertedError: It gives other answers.
        """
        if not self.count:
            return []
        if not all(self._agree(other, rows) for rows in self._rows):
            raise NotConvertedError("it gives other answers to rows that were made up")
        found = []
        for kind, strangers in strange(self._rows[0]).items():
            if self._agree(other, strangers):
                continue
            if kind not in REFUSED:
                raise NotConvertedError("it gives other answers to values that were not trained on")
            found.append(kind)
        return found

    def _agree(self, other: Ask, rows: Rows) -> bool:
        mine, its = self._ask(rows), other(rows)
        return mine is its is None or bool(mine and its and _same(mine, its))


def _at_jumps(ask: Ask, rows: Rows) -> Iterator[Rows]:
    """Return rows on both sides of places where the numbers that a form gives jump, and others where they do not."""
    import numpy as np

    parts = [np.array(value) for value in rows.values() if np.asarray(value).dtype.kind == "f"]
    start = _numbers(ask(rows))
    if not parts or start is None:
        return
    here = np.hstack([part.reshape(len(part), -1) for part in parts]).astype(float)
    there = np.roll(here, 1, axis=0)
    for _ in range(_HALVES):
        middle = here + 0.45 * (there - here)  # halfway between two neighbours it is a matter of rounding which is near
        found = _numbers(ask(_with(rows, middle)))
        if found is None or found.shape != start.shape:
            return
        alike = close(start, found).all(axis=1, keepdims=True)
        apart = np.abs(here - there).max(axis=1, keepdims=True) > _NEAR * np.abs(here).max(axis=1, keepdims=True)
        here, there = np.where(apart & alike, middle, here), np.where(apart & ~alike, middle, there)
    yield _with(rows, here)
    yield _with(rows, there)


def _with(rows: Rows, numbers: Any) -> Rows:
    """Return *rows* with the columns of *numbers* in the places of all floats, one after the other."""
    import numpy as np

    changed, first = dict(rows), 0
    for name, value in rows.items():
        array = np.asarray(value)
        if array.dtype.kind == "f":
            width = array.reshape(len(array), -1).shape[1]
            new = numbers[:, first : first + width].reshape(array.shape).astype(array.dtype)
            changed[name], first = new if isinstance(value, np.ndarray) else new.tolist(), first + width
    return changed


def _numbers(answers: Mapping[str, Any] | None) -> Any:
    """Return the numbers of an answer, a row for each row: None where there are none."""
    import numpy as np

    arrays = [np.asarray(one) for one in (answers or {}).values()]
    columns = [one.reshape(len(one), -1) for one in arrays if one.dtype.kind == "f" and one.ndim]
    return np.hstack(columns) if columns else None


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether all *other* answers are alike; between labels that are as probable either is right."""
    import numpy as np

    decided: Any = slice(None)
    if "probabilities" in one and one["probabilities"].ndim == 2 and one["probabilities"].shape[1] > 1:  # noqa: PLR2004 - rows of chances
        best = np.sort(one["probabilities"], axis=1)
        decided = ~close(best[:, -1], best[:, -2])
    for name, second in other.items():
        mine, its = np.asarray(one[name]), np.asarray(second)
        if mine.shape != its.shape or mine.dtype.kind != its.dtype.kind:
            return False
        if mine.dtype.kind == "f":
            if not close(mine, its).all():
                return False
        elif not (mine[decided] == its[decided]).all():
            return False
    return True
