"""What `variants measure` prints: every heading is explained, and what failed stands in the table with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.cli.measured_lines import Run, show
from modelport.edge.measure import Figures, Measured

if TYPE_CHECKING:
    import pytest

TIMES = {"min": 0.001, "p50": 0.0011, "p95": 0.002, "mean": 0.0012, "sd": 0.0001}
TAKEN = {"load": {"mean": 0.01, "sd": 0.0}, "first": 0.005, "infer": TIMES}


def test_headings_are_explained_and_what_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    taken = TAKEN | {"modes": [{"threads": 2, "infer": TIMES}, {"threads": 1, "xnnpack": False, "message": "it ends"}]}
    good = {"name": "int8", "status": "ok", "size": 1000, "download": 800, "measured": {"here": taken}}
    bad = {"name": "int4", "status": "failed", "message": "it cannot be measured: it does not load"}
    measured = Measured({"int8": Figures("", TAKEN, 1.5), "int4": Figures("it does not load")}, {"a": [0.1, 0.1]}, {})
    show(Run("here", [good, bad], measured, None), json_wanted=False)
    said = capsys.readouterr().out
    lines = said.splitlines()
    (failed,) = [line for line in lines if line.startswith("int4")]
    assert failed.endswith("failed: it cannot be measured: it does not load")
    assert lines[1].startswith("int8")
    assert lines[1].endswith(" yes")
    assert next(line for line in lines if "without XNNPACK" in line).endswith("failed: it ends")
    legend = said.rpartition("\n\n")[2]
    explained = {word.strip() for line in legend.splitlines() for word in line.partition(":")[0].split(",")}
    for head in ("load", "first", "min", "p50", "p95", "x anchor", "open", "call", "as parent", "best"):
        assert head in lines[0]
        assert head in explained, head
