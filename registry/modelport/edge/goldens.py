"""What a variant answers to its parent's golden examples: ``python -m modelport.edge.goldens FOLDER``.

Run in the variant's own clean environment, it shows that the variant needs nothing that it does not say. Prints one
JSON document, ``{"examples": [...], "agreed": N, "rows": {...}}``, or ``{"error": ...}``.

The parent judges how well its variant agrees with it: where all numbers of an answer are within half of the tolerance
of the parent's, the example stays as it is. Where they are not, it says what the variant itself answers, so that
whoever runs it elsewhere can tell whether it works there. Then the tolerance is the parent's where the variant keeps to
it; else it computes in fewer bits, which other processors may round otherwise, and numbers may differ by 2 % of the
largest one. They are written with no more digits than the tolerance is worth: the last ones differ from processor to
processor, and what a package says, and with it its digest, is to be the same wherever it is built.

A variant whose answers to the examples are far from its parent's is none: see `far_off`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from math import floor, isfinite, log10, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modelport.edge.distance import TOO_FAR
from modelport.edge.interface import NotMadeError
from modelport.errors import ModelportError
from modelport.package.answer import keep_stdout
from modelport.package.closeness import alike, differences
from modelport.package.load import load_package
from modelport.package.rows import row_independence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelport.model import Example, Model

__all__ = ["COARSE", "FINE", "answered", "far_off", "main"]

COARSE = 0.02
"""By which part of the largest number an answer in fewer bits may differ elsewhere."""
FINE = 1e-5
"""By which part of it any answer may: kernels differ in the last digits, also where an example has no tolerance."""

_Answer = TypeVar("_Answer")


def answered(model: Model) -> tuple[list[Example], int]:
    """Return the examples of *model* with its own answers, and how many of them are the ones that were there.

    Raises:
        ModelError: A method fails.
    """
    found, agreed = [], 0
    for example in model.examples:
        answer = model.replay(example)
        agreed += alike(example.output, answer, example.tolerance)
        found.append(_told(example, answer))
    return found, agreed


def _told(example: Example, answer: dict[str, Any]) -> Example:
    tolerance = example.tolerance or _short(FINE * _largest(example.output))
    if not differences(example.output, answer, tolerance / 2, ""):
        return replace(example, tolerance=tolerance)
    if not alike(example.output, answer, tolerance):
        tolerance = max(tolerance, _short(COARSE * _largest(answer)))
    return replace(example, output=_rounded(answer, tolerance), tolerance=tolerance)


def _short(number: float) -> float:
    return float(f"{number:.1g}")


def _rounded(answer: _Answer, tolerance: float) -> _Answer:
    """Return an answer whose floats are off by an eighth of *tolerance* at most; as it is where that is 0."""
    return _cut(answer, -floor(log10(tolerance / 4))) if tolerance else answer


def _cut(answer: Any, digits: int) -> Any:  # noqa: ANN401 - JSON
    if isinstance(answer, float):
        return round(answer, digits) + 0.0  # which makes -0.0 nothing else than 0
    if isinstance(answer, dict):
        return {key: _cut(one, digits) for key, one in answer.items()}
    return [_cut(one, digits) for one in answer] if isinstance(answer, list | tuple) else answer


def far_off(parents: Sequence[Example], answers: Sequence[Any]) -> float:
    """Return the difference of the floats of *answers* to the parent's, root of the mean square, over that of those.

    0 where there are none, or where an answer has another number of them than the parent's.
    """
    difference = size = 0.0
    for example, answer in zip(parents, answers, strict=True):
        its, mine = [*_floats(example.output)], [*_floats(answer)]
        for one, other in zip(mine, its, strict=True) if len(mine) == len(its) else ():
            if isfinite(one) and isfinite(other):
                difference += (one - other) ** 2
                size += other**2
    return sqrt(difference / size) if size else 0.0


def _largest(answer: object) -> float:
    """Return the largest size of a float in an answer, 0 where it has none."""
    return max((abs(one) for one in _floats(answer) if isfinite(one)), default=0.0)


def _floats(answer: object) -> Iterator[float]:
    if isinstance(answer, float):
        yield answer
    elif isinstance(answer, dict | list):
        for one in [answer[key] for key in sorted(answer)] if isinstance(answer, dict) else answer:
            yield from _floats(one)


def _check_near(parents: Sequence[Example], own: Sequence[Example]) -> None:
    if (far := far_off(parents, [one.output for one in own])) > TOO_FAR:
        raise NotMadeError(
            f"its answers to its parent's examples are {far:.0%} off",
            hint="was it made with calibration inputs that are like those it will be asked?",
        )


def main(folder: str) -> int:
    """Answer the examples of the variant in *folder* and report on stdout; what its code prints goes to stderr."""
    report: dict[str, Any]
    with keep_stdout() as answer:
        try:
            model = load_package(Path(folder)).model
            examples, agreed = answered(model)
            _check_near(model.examples, examples)
            model.examples[:] = examples
            rows = row_independence(model)
            report = {"examples": [asdict(one) for one in examples], "agreed": agreed, "rows": rows}
        except ModelportError as error:
            report = {"error": error.message, "hint": error.hint}
        answer.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
