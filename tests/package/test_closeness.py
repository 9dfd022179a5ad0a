"""How close two answers must be: the laws of the one rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.package.closeness import alike, differences

numbers = st.integers() | st.floats(allow_nan=False) | st.booleans()
answers = st.recursive(
    numbers | st.text(max_size=3) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(answers, st.floats(0, 1))
def test_an_answer_is_not_different_from_itself(answer: Any, tolerance: float) -> None:  # noqa: ANN401 - any JSON
    assert differences(answer, answer, tolerance, "output") == []
    assert alike(answer, answer, tolerance)
    assert not alike(answer, [answer], tolerance)


@given(answers, answers, st.floats(0, 1))
def test_both_ways_are_the_same_and_without_tolerance_only_equal_answers_are_alike(
    one: object, other: object, tolerance: float
) -> None:
    for allowed in (0.0, tolerance):
        same = differences(one, other, allowed, "output") == []
        assert same == (differences(other, one, allowed, "output") == [])
        assert alike(one, other, allowed) == alike(other, one, allowed)
        assert alike(one, other, allowed) or not same
    if not differences(one, other, 0.0, "output"):
        assert one == other


@pytest.mark.parametrize(
    ("expected", "answer", "tolerance", "same", "computed"),
    [
        # the same computation, another one
        (1, 1.0, 0, True, True),
        (1, True, 0, False, False),
        (1, 2, 0, False, False),
        (1, 2, 1, True, True),
        (2**60, 2**60 + 1, 0, False, False),
        (1.0, 1.1, 0.2, True, True),
        (1.0, 1.3, 0.2, False, False),
        (1.0, 1.000009, 0, False, True),
        (1.0, 1.00002, 0, False, False),
        (1000.0, 1000.009, 0, False, True),
        (0.0, 1e-7, 0, False, True),
        (10**400, 1.0, 1.0, False, False),
        (float("inf"), float("inf"), 0, True, True),
        (float("inf"), 1.0, 9.0, False, False),
        ("NaN", "NaN", 0, True, True),
        ("a", "b", 9, False, False),
        ("1", 1, 9, False, False),
        ([1, 2], [1, 2, 3], 9, False, False),
        ({"a": 1}, {"b": 1}, 9, False, False),
        (None, None, 0, True, True),
    ],
)
def test_numbers_may_be_a_little_off_and_labels_not(
    expected: object, answer: object, tolerance: float, *, same: bool, computed: bool
) -> None:
    assert (differences(expected, answer, tolerance, "output") == []) is same
    assert alike(expected, answer, tolerance) is computed


def test_each_difference_has_its_place() -> None:
    expected, answer = {"a": [{"b": 1.0}, "x"], "c": 1}, {"a": [{"b": 2.0}, "y"], "c": 1}
    assert differences(expected, answer, 0.5, "output") == [
        "output.a[0].b is 2.0, not 1.0",
        "output.a[1] is 'y', not 'x'",
    ]
    assert differences({"a": 1}, {"b": 1}, 0, "output") == ["output is {'b': 1}, not {'a': 1}"]
