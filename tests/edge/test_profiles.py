"""From the catalog's documents to what selection reckons with: measured as measured, the rest estimated and marked."""

from __future__ import annotations

from math import isclose, isnan, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.edge.profiles import candidates_of, device_of, network_of, times_of, usable_variants, variant_of
from modelport.edge.types import Device, Spread

HERE = Device(id="here", anchors={"litert-float32": 0.004, "litert-int8": 0.001, "onnx-float32": 0.005}, watts=2)


def variant(name: str = "int8", runtime: str = "litert", **more: object) -> dict[str, Any]:
    measured = {
        "threads": 1,
        "infer": {"mean": 0.002, "sd": 0.0001, "n": 600},
        "load": {"mean": 0.1, "sd": 0.01, "n": 9},
    }
    return {
        "name": name, "status": "ok", "digest": "sha256:" + "1" * 64, "runtime": runtime, "size": 100, "download": 80,
        "accuracy": {"value": 0.94, "n": 1000, "interval": [0.92, 0.95]}, "measured": {"here": measured}, **more,
    }  # fmt: skip


def there(**anchors: float) -> Device:
    return Device(id="there", anchors={name.replace("_", "-"): seconds for name, seconds in anchors.items()})


def test_what_was_measured_is_taken_as_it_is() -> None:
    times = times_of(variant(), HERE, {"here": HERE})
    assert (times.infer, times.load) == (Spread(0.002, 0.0001, 600), Spread(0.1, 0.01, 9))
    assert (times.source, times.estimated, times.energy) == ("here", False, 0.004)


def test_the_whole_package_is_what_a_device_waits_for() -> None:
    known = variant()["measured"]["here"]
    whole = {"call": {"mean": 0.003, "sd": 0.001, "n": 300}, "open": {"mean": 0.4, "sd": 0.02, "n": 5}}
    times = times_of(variant(measured={"here": {**known, **whole}}), HERE, {"here": HERE})
    assert (times.infer, times.load, times.energy) == (Spread(0.003, 0.001, 300), Spread(0.4, 0.02, 5), 0.006)
    device = there(litert_int8=0.002)
    times = times_of(variant(measured={"here": {**known, **whole}}), device, {"here": HERE, "there": device})
    assert [times.infer.mean, times.load.mean] == pytest.approx([0.006, 0.8])


def test_what_was_not_measured_is_carried_over_by_the_anchor_of_its_arithmetic() -> None:
    device = there(litert_float32=0.008, litert_int8=0.005)
    devices = {"here": HERE, "there": device}
    for name, ratio in (("int8", 5), ("int4", 5), ("float32", 2), ("weight-int8", 2)):
        times = times_of(variant(name), device, devices)
        assert [times.infer.mean, times.infer.sd] == pytest.approx([0.002 * ratio, 0.0001 * ratio])
        assert [times.load.mean, times.load.sd] == pytest.approx([0.1 * ratio, 0.01 * ratio])
        assert (times.source, times.estimated, times.energy) == ("here", True, None)


def test_without_the_arithmetics_own_anchor_any_of_the_runtime_counts_and_their_discord_widens() -> None:
    here = Device(id="here", anchors={"litert-a-float32": 0.001, "litert-b-float32": 0.001, "onnx-c": 1.0})
    device = there(litert_a_float32=0.002, litert_b_float32=0.008, onnx_c=1.0)
    times = times_of(variant("int8"), device, {"here": here, "there": device})
    assert isclose(times.infer.mean, 0.002 * sqrt(2 * 8))
    assert times.infer.sd > 0.0001 * 4


@pytest.mark.parametrize("device", [there(), there(onnx_float32=0.01), there(litert_other=0.01)])
def test_nothing_is_made_up_without_a_common_anchor(device: Device) -> None:
    times = times_of(variant(), device, {"here": HERE, "there": device})
    assert not times.infer.known
    assert isnan(times.load.mean)
    assert (times.source, times.estimated) == ("", False)
    assert not times_of(variant(), device, {"there": device}).infer.known  # measured on what the catalog does not know


@given(st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(1e-6, 10))
def test_there_and_back_is_the_same_time(here: float, far: float, seconds: float) -> None:
    one, other = Device(id="here", anchors={"litert-x": here}), Device(id="there", anchors={"litert-x": far})
    devices = {"here": one, "there": other}
    figures = {"mean": seconds, "sd": 0.0, "n": 1}
    forth = times_of(variant(measured={"here": {"infer": figures, "load": figures}}), other, devices).infer.mean
    figures = {"mean": forth, "sd": 0.0, "n": 1}
    back = times_of(variant(measured={"there": {"infer": figures, "load": figures}}), one, devices).infer.mean
    assert isclose(back, seconds)


def test_the_device_whose_anchors_agree_best_is_estimated_from() -> None:
    discord = Device(id="a", anchors={"litert-x": 1.0, "litert-y": 1.0})
    accord = Device(id="b", anchors={"litert-x": 0.1, "litert-y": 0.2})
    device = there(litert_x=0.2, litert_y=0.4)
    measured = variant()["measured"]["here"]
    times = times_of(variant(measured={"a": measured, "b": measured}), device, {"a": discord, "b": accord})
    assert times.source == "b"
    assert isclose(times.infer.mean, 0.004)


def test_a_variant_has_half_its_interval_and_its_model() -> None:
    made = variant_of("fashion", variant())
    assert (made.label, made.size, made.fetch_bytes, made.accuracy) == ("fashion:int8", 100, 80, 0.94)
    assert isclose(made.interval, 0.015)
    bare = variant_of("fashion", {"name": "onnx", "status": "ok", "size": 3})
    assert (bare.accuracy, bare.interval, bare.fetch_bytes, bare.digest) == (None, 0.0, 3, "")


def test_candidates_stand_where_they_are_said_to() -> None:
    devices = {"here": HERE}
    (local,) = candidates_of("fashion", [variant()], devices, on="here", loaded=False, stored=())
    assert (local.place, local.loaded, local.stored, local.energy) == ("device", False, False, 0.004)
    (remote,) = candidates_of("fashion", [variant()], devices, on="here", place="server")
    assert (remote.place, remote.loaded, remote.stored, remote.energy) == ("server", True, True, None)


def test_failed_variants_and_other_versions_are_left_out() -> None:
    failed = {"name": "int4", "status": "failed", "message": "x"}
    model = {"latest": "2.0.0", "variants": [{"version": "2.0.0", "variants": [failed, variant()]}]}
    assert [one["name"] for one in usable_variants(model)] == ["int8"]
    assert usable_variants(model, "1.0.0") == usable_variants({"latest": None}) == []


def test_what_a_profile_does_not_say_is_unknown() -> None:
    network = network_of("lte", {"title": "LTE", "source": "published", "one_way": {"mean": 0.36, "sd": 0.17}})
    assert (network.id, network.one_way.mean, network.bytes_per_second, network.loss) == ("lte", 0.36, None, 0.0)
    assert 0 < network.one_way.n < 10  # new observations soon outweigh it
    device = device_of("phone", {"title": "A phone", "source": "published"})
    assert (device.memory, device.storage, device.watts, dict(device.anchors)) == (None, None, None, {})
