"""What a variant answers to its parent's golden examples: ``python -m modelport.edge.goldens FOLDER``.

Run in the variant's own clean environment, it shows that the variant needs nothing that it does not say. Prints one
JSON document, ``{"examples": [...], "agreed": N, "rows": {...}}``, or ``{"error": ...}``.

The parent judges how well its variant agrees with it; the variant's examples say what the variant itself answers, so
that whoever runs it elsewhere can tell whether it works there. Their tolerance is the parent's where the variant keeps
to it. Where it does not, it computes in fewer bits, which other processors may round otherwise: then numbers may differ
by 2 % of the largest one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelportError
from modelport.package.answer import keep_stdout
from modelport.package.closeness import alike
from modelport.package.load import load_package
from modelport.package.rows import row_independence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.model import Example, Model

__all__ = ["COARSE", "answered", "main"]

COARSE = 0.02
"""By which part of the largest number an answer in fewer bits may differ elsewhere."""


def answered(model: Model) -> tuple[list[Example], int]:
    """Return the examples of *model* with its own answers, and how many of them are the ones that were there.

    Raises:
        ModelError: A method fails.
    """
    found, agreed = [], 0
    for example in model.examples:
        answer = model.replay(example)
        same = alike(example.output, answer, example.tolerance)
        tolerance = example.tolerance if same else max(example.tolerance, COARSE * _largest(answer))
        found.append(replace(example, output=answer, tolerance=float(f"{tolerance:.3g}")))
        agreed += same
    return found, agreed


def _largest(answer: object) -> float:
    """Return the largest size of a float in an answer, 0 where it has none."""
    return max((abs(one) for one in _floats(answer) if abs(one) != float("inf")), default=0.0)


def _floats(answer: object) -> Iterator[float]:
    if isinstance(answer, float):
        yield answer
    elif isinstance(answer, dict | list):
        for one in answer.values() if isinstance(answer, dict) else answer:
            yield from _floats(one)


def main(folder: str) -> int:
    """Answer the examples of the variant in *folder* and report on stdout; what its code prints goes to stderr."""
    report: dict[str, Any]
    with keep_stdout() as answer:
        try:
            model = load_package(Path(folder)).model
            examples, agreed = answered(model)
            model.examples[:] = examples
            rows = row_independence(model)
            report = {"examples": [asdict(one) for one in examples], "agreed": agreed, "rows": rows}
        except ModelportError as error:
            report = {"error": error.message, "hint": error.hint}
        answer.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
