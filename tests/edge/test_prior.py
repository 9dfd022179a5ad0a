"""What was said before a device ran counts for few observations, by one law on the device, its server and in plans."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from modelport.edge.documents import DevicePlan, Item, checked
from modelport.edge.exports import corrected_candidate, export
from modelport.edge.learning import Lessons, Tally
from modelport.edge.offers import Offer, _served, known_variants, plan_document
from modelport.edge.prior import corrected, prior
from modelport.edge.statistics import Statistics
from modelport.edge.types import Candidate, Spread, Variant

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

VARIANT = Variant(name="int8", model="m", size=1000, accuracy=0.9, digest="sha256:" + "1" * 64)

seconds = st.floats(1e-4, 100)
# What a laboratory says: often by far more rounds than anybody has seen calls, on a machine that may be another one.
said = st.builds(Spread, seconds, st.floats(0, 10), st.integers(1, 100_000))
seen = st.lists(seconds, min_size=1, max_size=60)  # a device remembers 64


def alike(one: Spread, other: Spread) -> bool:
    return (
        one.n == other.n
        and isclose(one.mean, other.mean, rel_tol=1e-9)
        and isclose(one.sd, other.sd, rel_tol=1e-6, abs_tol=1e-6)
    )


@given(said, seen, st.sampled_from(("measured", "estimated")))
def test_device_server_and_plan_come_to_the_same_time(
    tmp_path_factory: pytest.TempPathFactory, laboratory: Spread, calls: list[float], how: str
) -> None:
    lessons, tally, estimated = Lessons(), Tally(), how == "estimated"
    catalog = prior(laboratory, estimated=True) if estimated else laboratory  # as an edge server reads it
    for one in calls:
        lessons.add(VARIANT, "device", "infer", one, catalog)
        tally.add(VARIANT, "device", "infer", one)
    on_device = lessons.spread(VARIANT, "device", "infer", catalog)

    file = tmp_path_factory.mktemp("field") / "field.sqlite"
    offer = Offer(
        name="m", server=(), device=(Item(variant=VARIANT, load=Spread(), infer=Spread()),),
        times=lambda _name, _device: (catalog, Spread()),
    )  # fmt: skip
    field, batch = Statistics(file), tally.take("phone")
    assert batch is not None
    assert field.take(checked(batch, "edge-batch", "the batch"), known_variants([offer]))
    plan = DevicePlan.read(plan_document([offer], field, "phone"), "the plan")
    on_server = plan.models["m"].keep[0].infer

    candidate = Candidate(variant=VARIANT, infer=laboratory, estimated=estimated)
    in_plan = corrected_candidate(candidate, export(file)["devices"]["phone"])

    assert alike(on_device, on_server), (on_device, on_server)
    assert alike(on_device, in_plan.infer), (on_device, in_plan)
    assert not in_plan.estimated


@given(said, seen)
def test_the_more_is_seen_the_less_counts_what_was_said_however_often_it_was_measured(
    laboratory: Spread, calls: list[float]
) -> None:
    use = Spread()
    for one in calls:
        use = use.plus(one)
    for estimated, worth in ((False, 3), (True, 1)):
        known = corrected(laboratory, use, estimated=estimated)
        share = worth / (worth + len(calls))
        assert abs(known.mean - use.mean) <= share * abs(laboratory.mean - use.mean) * (1 + 1e-9) + 1e-9
        assert known.n <= worth + len(calls)
    assert corrected(laboratory, Spread()) == laboratory, "nothing was seen"
    assert corrected(Spread(), use) == use, "nothing was said"


def test_what_a_server_measured_of_itself_at_its_start_gives_way_to_what_devices_saw(
    tmp_path: Path,
) -> None:
    # Five rounds by one example without anybody else there, beside the calls of a busy day.
    started = Item(variant=VARIANT, load=Spread(), infer=Spread(0.001, 0.0, 5), port=1234)
    offer = Offer(name="m", server=(started,), device=(), times=lambda _name, _device: (Spread(), Spread()))
    field, tally = Statistics(tmp_path / "field.sqlite"), Tally()
    for _ in range(3):
        tally.add(VARIANT, "server", "infer", 0.5)
        tally.add(VARIANT, "server", "transfer", 0.001)
    batch = tally.take("phone")
    assert batch is not None
    assert field.take(batch, known_variants([offer]))
    candidate = _served(started, field.spreads("phone"))
    assert candidate is not None
    assert isclose(candidate.infer.mean, (0.001 + 0.5) / 2 + 0.001), "five rounds count for three calls"
