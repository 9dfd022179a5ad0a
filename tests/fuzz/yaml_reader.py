"""A coverage-guided fuzzer of the YAML reader: ``python -m tests.fuzz.yaml_reader CORPUS [-max_total_time=60 ...]``.

Atheris feeds it inputs, mutated from the files of the folder CORPUS towards code not reached before; where one breaks
a law it raises, and libFuzzer, the engine below, ends the process and keeps the input. The laws:

* Whatever a file holds, reading it and checking it gives problems by known rules, each on one printable line.
* That takes less than a second of computing, although the watching slows it down several times.
* What the quick reader takes, the reader proper reads without a problem, and as the same value.
"""

from __future__ import annotations

import json
import sys
import time

import atheris  # type: ignore[import-untyped]  # it ships no types

with atheris.instrument_imports(include=["modelport.catalog", "yaml"], enable_loader_override=False):
    from modelport.catalog import Problem, read_yaml
    from modelport.catalog.quick import DOUBT, quick_value
    from modelport.catalog.reader import _decode, _read_with_lines
    from modelport.catalog.rules import RULES
    from modelport.catalog.single import check_document
from modelport.cli.check import check_signature

KNOWN = {*RULES, "signature"}


def check_laws(content: bytes) -> None:
    """Raise AssertionError when *content* breaks a law, and let through whatever a defect raises."""
    start = time.process_time()
    document = read_yaml(content, "x.yaml")
    assert document.value is not None or document.problems
    for problem in (*document.problems, *check_document(document, [check_signature])):
        assert isinstance(problem, Problem)
        assert problem.rule in KNOWN, problem.rule
        assert str(problem).isprintable(), problem
    assert time.process_time() - start < 10
    text, unreadable = _decode(content, "x.yaml")
    if not unreadable:
        _check_same(text)


def _check_same(text: str) -> None:
    quick = quick_value(text)
    if quick is not DOUBT:
        proper = _read_with_lines(text, "x.yaml")
        assert proper.problems == (), proper.problems
        assert json.dumps(quick) == json.dumps(proper.value), (quick, proper.value)


if __name__ == "__main__":
    atheris.Setup(sys.argv, check_laws)
    atheris.Fuzz()
