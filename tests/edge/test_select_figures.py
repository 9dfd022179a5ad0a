"""What the published figures may say: no time is judged without its instructions, nothing agrees that has to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.bench.modi_page import PAGE
from tests.bench.modi_words import statements
from tests.bench.variants import judged

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("flags", "said", "value"),
    [
        (["avx2", "avx512_vnni"], "with avx512_vnni", 0.4),
        (["asimddp"], "with asimddp", 0.4),
        (["avx2"], "without VNNI, not judged", None),
        ([], "without VNNI, not judged", None),
    ],
)
def test_a_time_of_integers_is_judged_only_where_the_processor_computes_with_them(
    flags: list[str], said: str, value: float | None
) -> None:
    assert judged(0.4, {"flags": flags}) == (said, value)


def found(drop: float, *, on_campus: float = 0.375, rounded: int = 274) -> dict[str, Any]:
    """Figures as ``make modi`` finds them, with a drop by rounding of which 0.001 is chance."""
    form = {"size": 1000, "download": 930}
    time = {"load": 2.0, "first": 1.0, "warm": 1.0}
    networks = [
        {"id": name, "transfer": 0.1, "server": seconds, "share": 0.667, "in_time": {"server": 1.0, "either": 1.0}}
        for name, seconds in (("campus", on_campus), ("home", 0.5), ("lte", 0.6))
    ]
    names = ("float32", "weight-int8", "dynamic-int8", "int8", "rounded")
    return {
        "machine": {"flags": []},
        "inception": {
            "retrained": form, "variants": dict.fromkeys(names, form), "times": dict.fromkeys(names, time),
            "rounded": {"256": rounded, "128": 274},
        },
        "fashion": {"accuracy": {name: {"drop": drop, "error": 0.0005} for name in names}},
        "networks": networks,
    }  # fmt: skip


def verdict(of: dict[str, Any], words: str) -> str:
    return next(one.verdict for one in statements(of) if words in one.says)


@pytest.mark.parametrize(
    ("drop", "says"),
    [(-0.0005, "not comparable"), (0.0005, "not comparable"), (-0.002, "agrees"), (0.002, "does not agree")],
)
def test_a_gain_within_chance_is_none(drop: float, says: str) -> None:
    assert verdict(found(drop), "rounding gains") == says


def test_what_others_published_and_what_is_so_by_construction_agrees_with_nothing() -> None:
    for of in (found(0.0), found(0.0, on_campus=0.9)):
        told = {
            one.says: one.verdict for one in statements(of) if one.figure == "4" or "retrained model does" in one.says
        }
        assert len(told) == 6
        assert set(told.values()) == {"not comparable"}


def test_the_grid_is_not_chosen_to_fit() -> None:
    assert verdict(found(0.0), "rounding and gzip") == "agrees"
    assert verdict(found(0.0, rounded=350), "rounding and gzip") == "does not agree"


def test_the_page_counts_as_its_table_does() -> None:
    text = PAGE.read_text("utf-8").split("## Statement by statement")[1]
    counts = [sum(f"| {word} |" in line for line in text.splitlines()) for word in ("agrees", "does not agree")]
    assert f"{counts[0]} agree, {counts[1]} do not" in text


def test_the_readme_says_what_is_simulated_and_who_decides() -> None:
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| effective accuracy, 250 ms")]
    assert rows
    for row in rows:
        assert "simulated, the server decides" in row or "simulated, the device decides" in row, row
    assert json.dumps(rows).count("best fixed choice") >= 3
