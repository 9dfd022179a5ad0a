"""Every file and folder of ``tests/examples`` is a test: a new rule is two files there and no code here.

``positive/`` holds what has no problem. Each example of ``negative/`` has, beside it, ``NAME.expected``: the text
report with file names as seen from ``negative/``. ``pytest --update-goldens`` writes these anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelport.catalog import check_paths, text_report
from modelport.catalog.rules import RULES
from modelport.cli.check import check_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelport.catalog.problem import Problem

EXAMPLES = Path(__file__).parents[1] / "examples"
EXPECTED = ".expected"


def examples(kind: str) -> list[Path]:
    return sorted(p for p in (EXAMPLES / kind).iterdir() if p.suffix != EXPECTED)


def check(example: Path) -> list[Problem]:
    catalog = example if (example / "models").is_dir() else None
    return check_paths([example], catalog, root=example.parent, extra_checks=[check_signature])


def expected_file(example: Path) -> Path:
    return example.with_name(example.name.partition(".")[0] + EXPECTED)


@pytest.mark.parametrize("example", examples("positive"), ids=lambda p: p.name)
def test_positive_examples_have_no_problem(example: Path) -> None:
    assert text_report(check(example)) == ""


@pytest.mark.parametrize("example", examples("negative"), ids=lambda p: p.name)
def test_negative_examples_have_these_problems(example: Path, golden: Callable[[Path, str], None]) -> None:
    report = text_report(check(example))
    assert report
    golden(expected_file(example), report)


def test_every_rule_has_an_example() -> None:
    broken = {problem.rule for example in examples("negative") for problem in check(example)}
    assert broken == set(RULES) | {"signature"}


def test_every_expectation_has_an_example() -> None:
    assert {expected_file(e) for e in examples("negative")} == set((EXAMPLES / "negative").glob(f"*{EXPECTED}"))
