"""What was said before a device ran counts for few observations, by one law on the device, its server and in plans."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.edge.devices import AWAY, FAST, LITE, Made, ServiceProcess, answering_at, opened, plan_of, stored, up

from modelport.edge.documents import DevicePlan, Item, checked
from modelport.edge.exports import corrected_candidate, export
from modelport.edge.learning import Kind, Lessons, Tally
from modelport.edge.offers import Offer, _served, known_variants, plan_document
from modelport.edge.prior import corrected, prior
from modelport.edge.server import create_app
from modelport.edge.statistics import Statistics
from modelport.edge.types import Candidate, Spread, Variant
from modelport.package import Package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.modelpack import manifest_digest

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


@given(
    said, seen, st.sampled_from(("measured", "estimated")), st.sets(st.sampled_from(("infer", "load")), min_size=1),
    st.booleans(),
)  # fmt: skip
def test_device_server_and_plan_come_to_the_same_time(  # noqa: PLR0917 - what was said, seen of what, and how it counts
    tmp_path_factory: pytest.TempPathFactory,
    laboratory: Spread,
    calls: list[float],
    how: str,
    quantities: set[str],
    loaded: bool,  # noqa: FBT001 - drawn
) -> None:
    lessons, tally, estimated = Lessons(), Tally(), how == "estimated"
    catalog = prior(laboratory, estimated=True) if estimated else laboratory  # as an edge server reads it
    for one in calls:
        for quantity in quantities:
            lessons.add(VARIANT, "device", quantity, one, catalog)
            tally.add(VARIANT, "device", quantity, one)
    on_device = [lessons.spread(VARIANT, "device", one, catalog) for one in ("infer", "load")]

    file = tmp_path_factory.mktemp("field") / "field.sqlite"
    offer = Offer(
        name="m", server=(), device=(Item(variant=VARIANT, load=Spread(), infer=Spread()),),
        times=lambda _name, _device: (catalog, catalog),
    )  # fmt: skip
    field, batch = Statistics(file), tally.take("phone")
    assert batch is not None
    assert field.take(checked(batch, "edge-batch", "the batch"), known_variants([offer]))
    plan = DevicePlan.read(plan_document([offer], field, "phone"), "the plan")
    on_server = plan.models["m"].keep[0]

    candidate = Candidate(variant=VARIANT, infer=laboratory, load=laboratory, loaded=loaded, estimated=estimated)
    in_plan = corrected_candidate(candidate, export(file)["devices"]["phone"])

    for quantity, here, there, planned in zip(
        ("infer", "load"), on_device, (on_server.infer, on_server.load), (in_plan.infer, in_plan.load), strict=True
    ):
        assert alike(here, there), (quantity, here, there)
        # What nobody saw stays as it was said: how much that is worth is reckoned when something is seen.
        assert alike(here, planned) if quantity in quantities else planned == laboratory, (quantity, here, planned)
    counts = {"infer"} if loaded else {"infer", "load"}
    assert in_plan.estimated == (estimated and not counts <= quantities)


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


def test_what_calls_took_on_the_server_counts_in_its_plan_as_on_the_device(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    said = {"infer": {"mean": 5.0, "sd": 0.5, "n": 9}}  # it measured itself while the machine did something else
    plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=strong.port, **said)])
    items = DevicePlan.read(plan, "the plan").models["teller"]
    times = (items.keep[0].infer, items.keep[0].load)
    offer = Offer(name="teller", server=items.server, device=items.keep, times=lambda *_: times)
    field = Statistics(tmp_path / "field.sqlite")
    with (
        answering_at(create_app([offer], field)) as url,
        opened(tmp_path / "device", store, plan, server=url) as runtime,
    ):
        up(runtime)
        for _ in range(4):
            assert runtime.call("tell", {"x": 1.0}).place == "server"
        assert runtime.report()
        original = items.server[0]
        learned = runtime._lessons.spread(original.variant, "server", "infer", original.infer, Kind("tell"))
    assert learned.n == 3 + 4
    assert field.spreads("phone")[made["strong"].digest, "server", "infer"].n == 4
    newer = DevicePlan.read(plan_document([offer], field, "phone"), "the plan").models["teller"]
    assert alike(newer.server[0].infer, learned)
    served = _served(original, field.spreads("phone"))
    way = field.spreads("phone")[made["strong"].digest, "server", "transfer"]
    assert served is not None
    assert isclose(served.infer.mean, learned.mean + way.mean)


def test_what_many_rows_took_on_the_server_is_told_for_each_of_them(tmp_path: Path) -> None:
    lite = LiteModel(LITE, method="scale")
    lite.add_example("scale", {"x": [[1, 1, 1]]})
    package = Package.read(pack(lite, "scaled", tmp_path / "package", verify_in=None))
    one = Made(package, str(manifest_digest(package)), 0.9)
    with ServiceProcess(one) as service:
        plan = plan_of([], [one.item("original", port=service.port)], name="scaled")
        source = stored(tmp_path / "store", one)
        with opened(tmp_path / "device", source, plan, server=AWAY) as runtime:
            up(runtime)
            for rows in (1, 500):
                assert runtime.call("scale", {"x": [[1, 1, 1]] * rows}).place == "server"
            batch, learned = runtime._answering.tally.take("phone"), runtime._lessons.to_json()
    assert batch is not None
    (told,) = [figure for figure in batch["figures"] if figure["quantity"] == "infer"]
    single, many = (learned[f"{one.digest} server infer scale {size}"]["mean"] for size in (1, 9))
    assert (told["place"], told["count"]) == ("server", 2)
    assert isclose(told["mean"], (single + many / 500) / 2)
