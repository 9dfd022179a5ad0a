"""Evaluations: figures that can be true."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.catalog.document import Document, Path
    from modelport.catalog.problem import Problem

__all__ = ["check_evaluations"]

_SHARES = re.compile(
    r"(?:.*[ _-])?(?:accuracy|precision|recall|f1|auc|auroc|iou|map|specificity|sensitivity)(?:[ _@-].*)?"
)
_ERRORS = re.compile(r"(?:.*[ _-])?(?:mae|mse|rmse|mape|perplexity|wer|cer)(?:[ _@-].*)?")


def check_evaluations(version: Document) -> Iterator[Problem]:
    """Yield the figures that lie outside their interval or outside what their metric can be, or are given again."""
    seen: set[tuple[str, ...]] = set()
    for place, evaluation in enumerate(version.value.get("evaluations", ())):
        yield from _check_interval(version, place, evaluation)
        yield from _check_range(version, place, evaluation)
        key = tuple(evaluation[part] for part in ("data", "split", "metric", "measured_by"))
        if key in seen:
            message = f"gives {evaluation['metric']} on the same data again"
            yield version.problem(("evaluations", place), message, hint="keep one", rule="evaluation-twice")
        seen.add(key)


def _check_interval(version: Document, place: int, evaluation: Mapping[str, object]) -> Iterator[Problem]:
    match evaluation:
        case {"interval": [float() | int() as low, float() | int() as high], "value": float() | int() as value}:
            path = ("evaluations", place, "interval")
            if low > high:
                message = f"ends, at {high}, before it begins, at {low}"
                yield version.problem(path, message, hint="write [low, high]", rule="evaluation-figures")
            elif not low <= value <= high:
                message = f"[{low}, {high}] does not hold the value, {value}"
                hint = "the interval is where the true figure lies with 95 % confidence"
                yield version.problem(path, message, hint=hint, rule="evaluation-figures")


def _check_range(version: Document, place: int, evaluation: Mapping[str, object]) -> Iterator[Problem]:
    metric = str(evaluation["metric"]).lower()
    if _SHARES.fullmatch(metric):
        top, words, hint = 1.0, "0 to 1", "write a share: 0.98, not 98"
    elif _ERRORS.fullmatch(metric):
        top, words, hint = math.inf, "0 or more", ""
    else:
        return
    figures: dict[Path, object] = {("value",): evaluation["value"]}
    interval = evaluation.get("interval", [])
    figures |= {("interval", i): figure for i, figure in enumerate(interval)} if isinstance(interval, list) else {}
    for path, figure in figures.items():
        if isinstance(figure, int | float) and not 0 <= figure <= top:
            message = f"is {figure}; {metric} is {words}"
            yield version.problem(("evaluations", place, *path), message, hint=hint, rule="evaluation-figures")
