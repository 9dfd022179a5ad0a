"""Row independence: found where it holds, and refused for its own reason wherever it does not."""

from __future__ import annotations

import itertools
import json
import math
import random
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.package import onnx_files

from modelport import Frame, Model, Tensor
from modelport.errors import PackError
from modelport.package import load_package, model_from_file, pack
from modelport.package.files.onnx import OnnxModel
from modelport.package.packing import verify_clean
from modelport.package.rows import row_independence
from modelport.package.verify import false_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Matrix = Annotated[np.ndarray, Tensor("float64", "n", 2)]
Vector = Annotated[np.ndarray, Tensor("float64", "n")]
Square = Annotated[np.ndarray, Tensor("float64", "n", "n")]
Single = Annotated[np.ndarray, Tensor("float32", 1, 2)]
Free = Annotated[np.ndarray, Tensor("float32", None, 2)]
Flowers = Annotated[pd.DataFrame, Frame(length=float, species=str)]


class Flower(NamedTuple):
    length: float
    name: str


def tried(function: Callable[..., Any], *examples: dict[str, Any], tolerance: float = 0.0) -> dict[str, Any]:
    model = Model(f=function)
    for one in examples:
        model.add_example("f", one, tolerance=tolerance)
    return row_independence(model)["f"]


# Where it holds


def doubled(x: list[float]) -> list[float]:
    return [2 * one for one in x]


def named(x: list[float], sign: list[str]) -> list[Flower]:
    return [Flower(one, two) for one, two in zip(x, sign, strict=True)]


def summed(x: Matrix) -> Vector:
    return np.asarray(x.sum(axis=1))


def choosy(x: list[float]) -> list[float]:
    if max(x) > 3:
        raise ValueError("three at most, please")
    return x


def free(x: Free) -> list[int]:
    return [int(row.argmax()) for row in x]


def noisy(x: Vector) -> Vector:
    # As BLAS does: the last digit depends on how many rows there are.
    return x * (1 + 1e-7 / len(x))


@pytest.mark.parametrize(
    ("function", "examples", "tested"),
    [
        (doubled, [{"x": [1.0, 2.0, 3.0]}], 3),
        (doubled, [{"x": [1.0]}, {"x": []}, {"x": [4.0]}], 2),
        (doubled, [{"x": [1.0, 1, 2.0, 1.0]}, {"x": [2.0]}], 2),
        (choosy, [{"x": [1.0, 2.0, 3.0]}], 3),
        (doubled, [{"x": [float(n) for n in range(100)]}], 24),
        (named, [{"x": [1.0, 2.0], "sign": ["a", "b"]}, {"x": [3.0], "sign": ["c"]}], 3),
        (summed, [{"x": [[1, 2], [3, 4]]}, {"x": [[5, 6]]}], 3),
        (free, [{"x": [[1, 2], [4, 3]]}], 2),
        (noisy, [{"x": [1.0, 2.0, 3.0]}], 3),
    ],
)
def test_it_is_found_where_it_holds(function: Callable[..., Any], examples: list[dict[str, Any]], tested: int) -> None:
    assert tried(function, *examples) == {"independent": True, "tested": tested}


# Where it does not


def mean(x: list[float]) -> list[float]:
    return [one - sum(x) / len(x) for one in x]


def ranked(x: list[float]) -> list[int]:
    return [sorted(x).index(one) for one in x]


def total(x: list[float]) -> float:
    return sum(x)


def scaled(x: list[float], factor: float) -> list[float]:
    return [factor * one for one in x]


def filtered(x: list[float]) -> list[float]:
    return [one for one in x if one > 0]


def running(x: list[float]) -> list[float]:
    return list(itertools.accumulate(x))


def first(x: list[float]) -> list[float]:
    return [x[0]] * len(x)


def centred(x: Matrix) -> Matrix:
    return np.asarray(x - x.mean(axis=0))


def outliers(x: list[float]) -> list[bool]:
    return [abs(one - sum(x) / len(x)) > 100 for one in x]


def seldom(x: list[float]) -> list[float]:
    # Mixes rows only where one of them is large.
    return [one - max(0, max(x) - 10) for one in x]


def without_repeats(x: list[float]) -> list[float]:
    return sorted(set(x), key=x.index)


def square(x: Square) -> Vector:
    return np.asarray(x.sum(axis=1))


def two_counts(x: Vector, y: Annotated[np.ndarray, Tensor("float64", "m")]) -> Vector:
    return np.asarray(x + y.sum())


def single(x: Single) -> Single:
    return x


def pairs_alone(x: list[float]) -> list[float]:
    if len(x) % 2:
        raise ValueError("an even number, please")
    return x


def chance(x: list[float]) -> list[float]:
    return [one + random.random() for one in x]  # noqa: S311 - chance is what is tested


_SEEN: list[int] = []


def counted(x: list[float]) -> list[int]:
    _SEEN.append(1)
    return [len(_SEEN)] * len(x)


def tired() -> Callable[..., Any]:
    seen: list[int] = []

    def slow(x: list[float]) -> list[int]:
        seen.append(1)
        return [max(0, len(seen) - 2)] * len(x)

    return slow


def nothing(x: list[float]) -> None:
    assert isinstance(x, list)


FOUR = {"x": [1.0, 2.0, -3.0, 4.0]}


@pytest.mark.parametrize(
    ("function", "examples", "reason"),
    [
        (doubled, [], "its examples have 0 different rows, and two are needed to try it"),
        (doubled, [{"x": [1.0]}], "its examples have 1 different row, and two are needed to try it"),
        (centred, [{"x": [[1, 2], [1, 2]]}], "its examples have 1 different row, and two are needed to try it"),
        (outliers, [{"x": [1.0, 1.1, 0.9]}], "its examples cannot show it: all their rows have one answer"),
        (seldom, [{"x": [1.0, 2.0, 3.0]}], "a row has another answer beside other rows than those of the examples"),
        (without_repeats, [FOUR], "it gives 4 rows for 8 rows"),
        (mean, [FOUR], "a row has another answer alone than among others"),
        (mean, [FOUR, {"x": [9.0]}], "all rows at once have other answers than example by example"),
        (ranked, [FOUR], "a row has another answer alone than among others"),
        (running, [FOUR], "a row has another answer alone than among others"),
        (first, [FOUR], "a row has another answer alone than among others"),
        (total, [FOUR], "value is one double for the whole call, not one for each row"),
        (scaled, [{**FOUR, "factor": 2.0}], "factor is one double for the whole call, not one for each row"),
        (filtered, [FOUR], "it gives 3 rows for 4 rows"),
        (square, [{"x": [[1.0, 2.0], [3.0, 4.0]]}], "the dimension n counts more than rows"),
        (two_counts, [{"x": [1.0, 2.0], "y": [3.0]}], "its rows are counted by more than one dimension: m, n"),
        (single, [{"x": [[1.0, 2.0]]}], "x is one float32[1, 2] for the whole call, not one for each row"),
        (pairs_alone, [FOUR], "it cannot be called with 1 row of its examples: ValueError"),
        (chance, [FOUR], "all rows at once have other answers than example by example"),
        (counted, [FOUR], "all rows at once have other answers than example by example"),
        (tired(), [FOUR], "the same rows have another answer when they come again"),
        (nothing, [FOUR], "Empty has no fields"),
    ],
)
def test_why_it_does_not_hold_is_said(
    function: Callable[..., Any], examples: list[dict[str, Any]], reason: str
) -> None:
    assert tried(function, *examples) == {"independent": False, "reason": reason}


def test_what_differs_by_the_tolerance_is_alike() -> None:
    def rough(x: list[float]) -> list[float]:
        return [one + 0.01 * len(x) for one in x]

    assert not tried(rough, FOUR)["independent"]
    assert tried(rough, FOUR, tolerance=0.1)["independent"]


def test_lists_of_different_lengths_are_no_rows() -> None:
    def longest(x: list[float], y: list[float]) -> list[float]:
        return max(x, y, key=len)

    said = tried(longest, {"x": [1.0, 2.0], "y": [1.0]})
    assert said["reason"] == "its lists have different lengths in an example"


def test_a_model_file_is_tried_too(tmp_path: Path) -> None:
    (tmp_path / "scaled.onnx").write_bytes(onnx_files.GOOD)
    model = OnnxModel(tmp_path / "scaled.onnx")
    model.add_example("predict", {"x": [[1, 2, 3], [4, 5, 6]]})
    assert row_independence(model) == {"predict": {"independent": True, "tested": 2}}


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_function_of_single_rows_is_always_independent(examples: list[list[float]]) -> None:
    found = tried(doubled, *({"x": one} for one in examples))
    rows = {row for one in examples for row in one}
    differ = any(not math.isclose(2 * row, 2 * min(rows), rel_tol=1e-5, abs_tol=1e-6) for row in rows)
    assert found["independent"] is differ
    assert found.get("tested", len(rows)) == len(rows)


def doubled_table(flowers: Flowers) -> list[float]:
    return [2 * one for one in flowers["length"]]


def centred_table(flowers: Flowers) -> list[float]:
    return list(flowers["length"] - flowers["length"].mean())


def test_the_columns_of_a_table_are_rows() -> None:
    columns = {"length": [1.0, 2.0, 4.0], "species": ["a", "b", "a"]}
    assert tried(doubled_table, columns) == {"independent": True, "tested": 3}
    assert tried(centred_table, columns)["reason"] == "a row has another answer alone than among others"


def test_what_a_package_says_of_its_rows_is_tried_again(coded_rows: Path) -> None:
    assert false_rows(load_package(coded_rows)) == []
    said = json.loads((coded_rows / "package.json").read_text("utf-8"))
    for rows, told in (
        ({"mixed": {"independent": True, "tested": 3}}, ["a row has another answer alone than among others"]),
        ({"alone": {"independent": True, "tested": 30}}, ["30", "3"]),
        ({"other": {"independent": True, "tested": 3}}, ["no such method"]),
        ({"alone": {"independent": False, "reason": "nobody tried"}}, []),
    ):
        (coded_rows / "package.json").write_text(json.dumps({**said, "rows": rows}), "utf-8")
        found = false_rows(load_package(coded_rows))
        assert len(found) == bool(told)
        assert all(one in found[0] for one in told)


def test_a_false_word_on_rows_is_seen_in_the_clean_environment(coded_rows: Path, cache: Path) -> None:
    said = json.loads((coded_rows / "package.json").read_text("utf-8"))
    said["rows"]["mixed"] = {"independent": True, "tested": 3}
    (coded_rows / "package.json").write_text(json.dumps(said), "utf-8")
    with pytest.raises(PackError, match="the rows of mixed"):
        verify_clean(coded_rows, cache)


@pytest.fixture
def coded_rows(tmp_path: Path) -> Path:
    """A package with a method whose rows are independent, and one whose rows are not."""
    (tmp_path / "main.py").write_text(MAIN, "utf-8")
    return pack(model_from_file(tmp_path / "main.py"), "rows", tmp_path / "rows", verify_in=None)


MAIN = """\
from modelport import Model

def alone(x: list[float]) -> list[float]:
    return [2 * one for one in x]

def mixed(x: list[float]) -> list[float]:
    return [one - max(x) for one in x]

model = Model(alone=alone, mixed=mixed)
model.add_example("alone", {"x": [1.0, 2.0, 4.0]})
model.add_example("mixed", {"x": [1.0, 2.0, 4.0]})
"""
