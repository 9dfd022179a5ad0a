"""Run a package's golden examples: ``python -m modelport.package.verify FOLDER`` inside the clean environment.

Prints one JSON document, ``{"examples": N, "problems": [...]}``, and ends with 0 when there are no problems.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from modelport.errors import ModelportError
from modelport.package.load import load_package

__all__ = ["differences", "main", "run_examples"]


def run_examples(folder: Path) -> tuple[int, list[str]]:
    """Load the package in *folder*; return how many examples it has and what is wrong with their answers."""
    loaded = load_package(folder)
    problems = []
    for number, example in enumerate(loaded.model.examples, 1):
        answer = loaded.model.call(example.method, example.input)
        found = differences(example.output, answer, example.tolerance, "output")
        problems += [f"example {number} of {example.method}: {one}" for one in found[:5]]
    return len(loaded.model.examples), problems


def differences(expected: object, answer: object, tolerance: float, path: str) -> list[str]:
    """Return where *answer* is not *expected*; numbers may differ by *tolerance*."""
    if isinstance(expected, dict) and isinstance(answer, dict) and expected.keys() == answer.keys():
        return [d for key in expected for d in differences(expected[key], answer[key], tolerance, f"{path}.{key}")]
    if isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        pairs = enumerate(zip(expected, answer, strict=True))
        return [d for i, (one, other) in pairs for d in differences(one, other, tolerance, f"{path}[{i}]")]
    if _numbers(expected, answer) and math.isclose(expected, answer, rel_tol=0, abs_tol=tolerance):  # type: ignore[arg-type]
        return []
    return [] if type(expected) is type(answer) and expected == answer else [f"{path} is {answer!r}, not {expected!r}"]


def _numbers(*values: object) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def main(folder: str) -> int:
    """Run the examples of the package in *folder* and report on stdout."""
    try:
        count, problems = run_examples(Path(folder))
    except ModelportError as error:
        count, problems = 0, [str(error)]
    sys.stdout.write(json.dumps({"examples": count, "problems": problems}) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
