"""What is observed once at a time is summed up as if it had all been there at once."""

from __future__ import annotations

import statistics
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelport.edge
from modelport.edge.types import Device, Network, Spread, Variant
from modelport.errors import InputError

VALUES = st.lists(st.floats(0, 1000), min_size=1, max_size=30)


def spread_of(values: list[float], start: Spread | None = None, memory: int | None = None) -> Spread:
    found = start or Spread()
    for value in values:
        found = found.plus(value, memory=memory)
    return found


@given(VALUES)
def test_a_spread_is_the_mean_and_deviation_of_what_it_saw(values: list[float]) -> None:
    found = spread_of(values)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    assert found.n == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-9)
    assert found.sd == pytest.approx(deviation, rel=1e-6, abs=1e-6)


@given(VALUES, VALUES)
def test_two_spreads_join_to_that_of_all_they_saw(one: list[float], other: list[float]) -> None:
    joined, whole = spread_of(one).joined(spread_of(other)), spread_of(one + other)
    assert joined.n == whole.n
    assert joined.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-9)
    assert joined.sd == pytest.approx(whole.sd, rel=1e-6, abs=1e-6)
    assert Spread().joined(whole) == whole == whole.joined(Spread())


def test_a_short_memory_follows_what_changes() -> None:
    before = spread_of([1.0, 1.2] * 500)
    after = spread_of([3.0] * 60, before, memory=20)
    assert after.mean == pytest.approx(3.0, abs=0.15)
    assert after.n == 21
    assert spread_of([3.0] * 60, before).mean < 1.3


def test_a_large_offset_costs_no_digits() -> None:
    assert spread_of([1e9 + value for value in (4.0, 7.0, 13.0, 16.0)]).sd == pytest.approx(30**0.5)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_was_not_observed(value: float) -> None:
    with pytest.raises(InputError, match="an observation is a finite number"):
        Spread().plus(value)
    assert not Spread(value).known
    assert Spread(value, 0.0, 3).plus(2.0) == Spread(2.0, 0.0, 1)


def test_wrong_figures_are_refused() -> None:
    for make in (
        lambda: Spread(1.0, -1.0),
        lambda: Spread(1.0, 0.0, 3).plus(1.0, memory=0),
        lambda: Variant(name="int8", size=-1),
        lambda: Variant(name="int8", interval=nan),
        lambda: Network(loss=1.5),
    ):
        with pytest.raises(InputError):
            make()


def test_times_carry_over_by_the_ratio_of_an_anchor_that_both_measured() -> None:
    here, there = Device(id="here", anchors={"litert-int8": 0.01}), Device(id="there", anchors={"litert-int8": 0.04})
    assert here.ratio("litert-int8", there) == 4
    assert here.ratio("onnx-float32", there) is None


def test_the_rooms_names_are_imported_on_first_use() -> None:
    for name in modelport.edge.__all__:
        assert getattr(modelport.edge, name).__name__ == name
    assert set(modelport.edge.__all__) <= set(dir(modelport.edge))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = modelport.edge.nothing
