"""The Pareto set: what is left is what nothing rules out, and what nobody measured is no reason."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from modelport.edge.pareto import Point, pareto, pareto_by_device, points_of, rules_out
from modelport.edge.types import Device

if TYPE_CHECKING:
    from random import Random

SMALL = st.none() | st.just(float("nan")) | st.integers(0, 3).map(float)
KNOWN = st.integers(0, 3).map(float)
OBJECTIVES = ("size", "latency", "accuracy", "memory")


def points(figures: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Point]]:
    one = st.tuples(figures, figures, figures, figures)
    return st.lists(one, max_size=7).map(lambda rows: [Point(f"v{n}", *row) for n, row in enumerate(rows)])


def is_better(one: Point, other: Point) -> bool:
    """Say by brute force, figure by figure, whether *one* is nowhere worse and somewhere better."""
    worse = better = incomparable = False
    for name in OBJECTIVES:
        mine, its = getattr(one, name), getattr(other, name)
        known = [figure is not None and figure == figure for figure in (mine, its)]  # noqa: PLR0124 - NaN is not
        if known == [True, True]:
            less = mine > its if name == "accuracy" else mine < its
            more = mine < its if name == "accuracy" else mine > its
            better, worse = better or less, worse or more
        elif any(known):
            incomparable = True
    return better and not worse and not incomparable


@given(points(SMALL))
def test_it_is_what_brute_force_says(given_points: list[Point]) -> None:
    expected = [one for one in given_points if not any(is_better(other, one) for other in given_points)]
    assert pareto(given_points) == expected
    for one, other in permutations(given_points, 2):
        assert rules_out(one, other) == is_better(one, other)


@given(points(SMALL))
def test_it_is_never_empty_and_what_is_out_is_ruled_out_by_what_is_in(given_points: list[Point]) -> None:
    left = pareto(given_points)
    assert bool(left) == bool(given_points)
    names = {one.name for one in left}
    for one in given_points:
        assert (one.name in names) != any(rules_out(other, one) for other in left)
    assert pareto(left) == left


@given(points(KNOWN), st.randoms())
def test_order_does_not_matter_and_the_best_of_each_figure_is_in(given_points: list[Point], random: Random) -> None:
    shuffled = random.sample(given_points, len(given_points))
    assert {one.name for one in pareto(shuffled)} == {one.name for one in pareto(given_points)}
    for name in OBJECTIVES if given_points else ():
        best = (max if name == "accuracy" else min)(getattr(one, name) for one in given_points)
        assert any(getattr(one, name) == best for one in pareto(given_points))


@given(points(SMALL), st.sampled_from(OBJECTIVES))
def test_a_figure_that_nobody_knows_changes_nothing(given_points: list[Point], name: str) -> None:
    def known(one: Point, value: float | None) -> Point:
        return Point(one.name, **{key: value if key == name else getattr(one, key) for key in OBJECTIVES})

    unknown = [one.name for one in pareto([known(one, None) for one in given_points])]
    assert unknown == [one.name for one in pareto([known(one, 1.0) for one in given_points])]


def variant(name: str, size: int, infer: float, memory: int | None, accuracy: float | None) -> dict[str, Any]:
    times = {"mean": infer, "sd": 0.0, "n": 9}
    measured = {"threads": 1, "infer": times, "load": times, **({"memory": memory} if memory else {})}
    said = {"value": accuracy, "n": 100, "interval": [0, 1]}
    return {
        "name": name, "status": "ok", "digest": f"sha256:{name}", "runtime": "litert", "size": size,
        "measured": {"here": measured}, **({"accuracy": said} if accuracy is not None else {}),
    }  # fmt: skip


def test_times_and_memory_that_differ_by_chance_rule_nothing_out() -> None:
    plain = Point("float32", size=100, latency=68.3e-6, accuracy=0.9, memory=5_100_000)
    rounded = Point("rounded", size=100, latency=65.9e-6, accuracy=0.9, memory=5_000_000)
    assert pareto([plain, rounded]) == [plain, rounded]
    faster = Point("faster", size=100, latency=50e-6, accuracy=0.9, memory=5_000_000)
    assert pareto([plain, rounded, faster]) == [faster]


def test_it_differs_from_device_to_device() -> None:
    variants = [
        variant("float32", 400, 0.004, None, 0.90),
        variant("int8", 100, 0.006, None, 0.90),  # slower here
        variant("rounded", 401, 0.004, None, 0.89),
        {"name": "int4", "status": "failed", "message": "no"},
    ]
    anchors = {"litert-a-float32": 0.001, "litert-a-int8": 0.001}
    here = Device(id="here", anchors=anchors)
    there = Device(id="there", anchors={**anchors, "litert-a-int8": 0.0005})  # twice as fast in integers
    devices = {"here": here, "there": there, "unknown": Device(id="unknown")}
    found = pareto_by_device(variants, devices)
    assert found == {"here": ["float32", "int8"], "there": ["int8"]}
    assert [one.name for one in points_of(variants, "unknown", devices)] == ["float32", "int8", "rounded"]
