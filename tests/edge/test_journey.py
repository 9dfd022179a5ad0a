"""A device and its edge server in networks of their own: the way between changes, dies in mid-request, and returns."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.support.digits import digits
from tests.support.journey import (
    DEADLINE,
    Journey,
    Leg,
    Record,
    Travelled,
    journey,
    margin,
    networks,
    share,
    table,
    travel,
)
from tests.support.namespaces import hindrance
from tests.support.weather import CALM, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelport.edge import Runtime

pytestmark = pytest.mark.skipif(bool(hindrance()), reason=hindrance() or "they run")
FAR = Moment(one_way=0.4)


@pytest.fixture(scope="module")
def device() -> Iterator[Journey]:
    with TemporaryDirectory() as folder:  # a short path, for the relay's socket
        place = Path(folder)
        with journey(digits(place / "digits"), place) as made:
            yield made


def test_a_journey_loses_no_request_and_is_worth_the_better_place(device: Journey) -> None:
    known = networks()
    campus, home, lte = known["campus"], known["home"], known["lte"]
    legs = [
        Leg("campus", campus, 14), Leg("home", home, 10), Leg("cut", campus, 5, "cut"), Leg("campus", campus, 14),
        Leg("silent", campus, 3, "silent"), Leg("campus", campus, 10), Leg("lte", lte, 5),
    ]  # fmt: skip
    found = travel(device, legs, seed=1, pause=0.1)
    sys.stdout.write(table(found))
    assert not _wrongs(found), table(found)
    for way in ("static-local", "static-remote"):  # whoever does not decide breaks the law
        assert _wrongs(_as_runtime(found, found.records[way])), way
    late = [replace(one, seconds=one.seconds + 3 * DEADLINE) for one in found.records["runtime"]]
    assert _wrongs(_as_runtime(found, late)), "a late answer is late"


def _wrongs(found: Travelled) -> list[str]:
    """Return what the runtime did wrong on its journey."""
    wrongs = []
    records = found.records["runtime"]
    if not all(one.place for one in records):
        wrongs.append("a request was lost")
    if {one.place for leg in (2, 4) for one in found.of("runtime", leg)[1:]} != {"device"}:
        wrongs.append("who is out of reach cannot answer")
    near = [one.place for leg in (0, 1) for one in found.of("runtime", leg)]
    if near.count("server") < len(near) / 4:
        wrongs.append("the better place was there, and hardly asked")
    runtime, oracle = _forgiven(records), _forgiven(found.records["oracle"])
    if sum(one.in_time for one in runtime) < 0.9 * len(runtime):
        wrongs.append("answers came late, though the device had them in time")
    for way in ("static-local", "static-remote"):
        other = _forgiven(found.records[way])
        if share(runtime) < share(other) - margin(runtime, other):
            wrongs.append(f"{way} is better")
    if share(runtime) > share(oracle) + margin(runtime, oracle):
        wrongs.append("it is better than who knows everything")
    return wrongs


def _as_runtime(found: Travelled, records: Sequence[Record]) -> Travelled:
    return replace(found, records={**found.records, "runtime": records})


def _forgiven(records: Sequence[Record]) -> list[Record]:
    """Return the records, those of the device in time that came a little late: that little is a busy machine's."""
    return [
        replace(one, seconds=DEADLINE) if one.place == "device" and DEADLINE < one.seconds <= 2 * DEADLINE else one
        for one in records
    ]


@pytest.mark.parametrize("state", ["cut", "silent", "far"])
def test_a_server_out_of_reach_is_missed_by_nobody_and_used_again_when_it_is_back(device: Journey, state: str) -> None:
    relay = device.made.relay

    def meet() -> tuple[Record, Record]:
        with device.runtime("runtime", probe=0.1) as runtime:
            _until(device, runtime, "server")
            relay.moment(Moment(one_way=0.05))
            if state == "far":
                relay.moment(FAR)
            else:
                relay.be(state, after=0.05)
            middle = device.ask(runtime, 1)
            away = _until(device, runtime, "device")
            relay.be("alive")
            relay.moment(CALM)
            _until(device, runtime, "server")
            return middle, away

    middle, away = device.made.device.within(meet)
    assert middle.place == away.place == "device"


def _until(device: Journey, runtime: Runtime, place: str) -> Record:
    """Ask again and again, until the answer comes from *place*; every answer must come."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        record = device.ask(runtime, 2)
        assert record.place, record.failures
        if record.place == place:
            return record
        time.sleep(0.05)
    raise AssertionError(f"the {place} never answered")
