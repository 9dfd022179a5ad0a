"""A class's plan follows what its devices asked for and measured; it always fulfils its schema, and fills its bytes."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.loops import in_loop

from modelport.edge.documents import DevicePlan, Item, deadline_step
from modelport.edge.offers import Offer, known_variants, plan_document
from modelport.edge.plan import Application, plan
from modelport.edge.server import create_app
from modelport.edge.statistics import Statistics
from modelport.edge.types import Candidate, Request, Spread, Variant
from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Document = dict[str, Any]


def digest(character: str) -> str:
    return "sha256:" + character * 64


def item(name: str, size: int, accuracy: float | None, character: str, *, seconds: float | None = None) -> Item:
    variant = Variant(name=name, model="m", size=size, accuracy=accuracy, interval=0.006, digest=digest(character))
    infer = Spread() if seconds is None else Spread(seconds, 0.0, 9)
    return Item(variant=variant, load=Spread(), infer=infer)


FLOAT, INT8, INT4 = (
    item("float32", 700_000, 0.8837, "1"),
    item("int8", 180_000, 0.8832, "2"),  # as accurate, as far as anybody knows
    item("int4", 90_000, 0.85, "3"),
)
SERVER = Item(
    variant=Variant(name="original", model="m", size=9, accuracy=0.95, interval=0.003, digest=digest("4")),
    load=Spread(), infer=Spread(0.005, 0.0, 9), port=1234,
)  # fmt: skip


def offer(*device: Item, server: Sequence[Item] = ()) -> Offer:
    return Offer(name="m", server=tuple(server), device=device, times=lambda *_: (Spread(), Spread()))


OFFER = offer(FLOAT, INT8, INT4)


def figure(one: Item, mean: float, quantity: str = "infer", *, count: int = 100, m2: float = 0.0) -> Document:
    place = "server" if one.port else "device"
    return {
        "model": "m", "variant": one.variant.name, "digest": one.variant.digest, "place": place, "quantity": quantity,
        "count": count, "mean": mean, "m2": m2,
    }  # fmt: skip


def asked(count: int = 100, *, in_time: int | None = None, remote: int = 0, **deadlines: int) -> Document:
    told = [{"seconds": int(name[1:]) / 1000, "count": n} for name, n in deadlines.items()]
    counts = {"count": count, "in_time": count if in_time is None else in_time, "remote": remote, "fallback": 0}
    return {"model": "m", **counts} | ({"deadlines": told} if told else {})


def batch(figures: Sequence[Document], *requests: Document, number: int = 0, device: str = "phone") -> Document:
    head = {"schema": "modelport/edge-batch/1", "batch": f"{number:032x}", "device": device}
    return head | {"figures": list(figures), "requests": list(requests)}


@pytest.fixture
def field(tmp_path: Path) -> Statistics:
    return Statistics(tmp_path / "field.sqlite")


def kept(one: Offer, field: Statistics, budget: int | None = None, device: str = "phone") -> list[str]:
    document = plan_document([one], field, device, budget)
    DevicePlan.read(document, "the plan")
    (model,) = document["models"]
    assert sum(one["size"] for one in model["keep"]) <= document["budget"]
    return [one["name"] for one in model["keep"]]


def test_what_is_too_slow_on_a_class_gives_way_and_a_tie_goes_to_the_smaller(field: Statistics) -> None:
    assert kept(OFFER, field, 200_000) == ["int8"]
    assert kept(OFFER, field, 700_000) == ["int8", "int4"], "0.8837 and 0.8832 tie"
    field.take(batch([figure(FLOAT, 5.0), figure(INT8, 0.01), figure(INT4, 0.005)], asked(in_time=0)), known())
    assert kept(OFFER, field, 200_000) == ["int8"]
    field.take(batch([figure(INT8, 0.9)], asked(count=900, d50=900), number=1), known())
    assert kept(OFFER, field, 200_000) == ["int4"], "the only one in time"
    assert kept(OFFER, field, 200_000, device="watch") == ["int8"], "of which nothing is known"


@given(st.integers(100_000, 180_000), st.sampled_from((0.003, 0.02)), st.sampled_from((20, 500)))
def test_what_nobody_timed_takes_no_place_of_what_is_known_to_serve_as_well(
    tmp_path_factory: pytest.TempPathFactory, size: int, better: float, deadline: int
) -> None:
    known, untried = item("int8", 180_000, 0.88, "1"), item("int4", size, 0.88 + better, "2")
    here, field = offer(known, untried), Statistics(tmp_path_factory.mktemp("field") / "field.sqlite")
    assert kept(here, field, 180_000) == ["int4"], "nobody knows"
    field.take(batch([figure(known, 0.005)], asked(100, **{f"d{deadline}": 100})), known_variants([here]))
    assert kept(here, field, 180_000) == ["int8"]
    candidates = [Candidate(variant=known.variant, infer=Spread(0.005, 0.0, 100)), Candidate(variant=untried.variant)]
    request = Request(deadline=deadline / 1000)
    by_hand = plan(candidates, [Application(name="phone", demand={"m": 1.0}, request=request)], 180_000)
    assert [one.name for one in by_hand.kept] == ["int8"], "as modelport plan has it"
    assert sorted(kept(here, field)) == ["int4", "int8"], "devices find out where there is room"


def test_the_deadlines_that_were_asked_for_decide(tmp_path: Path) -> None:
    good, quick = item("float32", 180_000, 0.95, "1"), item("int8", 180_000, 0.8, "2")
    for number, (deadline, best) in enumerate({20: "int8", 500: "float32"}.items()):
        field = Statistics(tmp_path / f"{number}.sqlite")
        figures = [figure(good, 0.1), figure(quick, 0.01)]
        field.take(batch(figures, asked(100, **{f"d{deadline}": 100})), known_variants([offer(good, quick)]))
        assert kept(offer(good, quick), field, 200_000) == [best]


def test_where_the_server_answers_in_time_the_bytes_serve_the_hasty_and_the_day_without(tmp_path: Path) -> None:
    good, quick = item("float32", 180_000, 0.94, "1"), item("int8", 180_000, 0.5, "2")
    here = offer(good, quick, server=[SERVER])
    for number, (transfer, best) in enumerate({0.3: "int8", 2.0: "float32"}.items()):
        field = Statistics(tmp_path / f"{number}.sqlite")
        figures = [figure(good, 0.2), figure(quick, 0.01), figure(SERVER, transfer, "transfer")]
        field.take(batch(figures, asked(2000, remote=1500, d50=500, d1000=1500)), known_variants([here]))
        assert kept(here, field, 200_000) == [best], "a server that is late serves nobody"


def test_spare_bytes_hold_all_that_is_not_worse_in_everything(field: Statistics) -> None:
    worse = item("dynamic-int8", 200_000, 0.84, "5")
    one = offer(FLOAT, INT8, INT4, worse)
    assert kept(one, field) == ["float32", "int8", "int4", "dynamic-int8"], "nobody has measured that it is worse"
    times = [figure(FLOAT, 0.02), figure(INT8, 0.01), figure(INT4, 0.03), figure(worse, 0.04)]
    field.take(batch(times, asked()), known_variants([one]))
    assert kept(one, field) == ["float32", "int8", "int4"]
    assert kept(one, field, 300_000) == ["int8", "int4"]


def test_a_class_has_the_bytes_that_its_profile_says_unless_it_asks_for_others(field: Statistics) -> None:
    def sizes(device: str, budget: int | None = None) -> tuple[int, int]:
        document = plan_document([OFFER], field, device, budget, storage={"board": 200_000, "bead": 10})
        return document["budget"], sum(one["size"] for one in document["models"][0]["keep"])

    assert sizes("board") == (200_000, 180_000)
    assert sizes("board", 100_000) == (100_000, 90_000)
    assert sizes("phone") == (970_000, 970_000), "nobody said what it has"
    with pytest.raises(InputError, match="the profile of bead says what models may take: a budget of 10 bytes"):
        sizes("bead")
    with pytest.raises(InputError, match=r"^a budget of 5 bytes"):
        sizes("bead", 5)


def test_where_no_accuracy_is_known_all_are_kept_that_there_is_room_for(field: Statistics) -> None:
    unknown = offer(
        *(item(name, size, None, d) for name, size, d in (("a", 700, "1"), ("b", 180, "2"), ("c", 90, "3")))
    )
    assert kept(unknown, field) == ["a", "b", "c"]
    assert kept(unknown, field, 300) == ["b", "c"]
    field.take(
        batch([figure(unknown.device[2], 5.0), figure(unknown.device[1], 0.01)], asked()), known_variants([unknown])
    )
    assert kept(unknown, field, 200) == ["b"], "the other one takes five seconds"


@pytest.mark.parametrize("device", ["é", "", "a b", "-a", "x" * 101, "PHONE", "a\n"])
def test_a_class_that_no_plan_may_name_gets_none(field: Statistics, device: str) -> None:
    with pytest.raises(InputError, match="is no class of devices"):
        plan_document([OFFER], field, device)


def known() -> dict[tuple[str, str], str]:
    return known_variants([OFFER])


@given(st.floats(1e-9, 1e9) | st.just(inf))
def test_a_deadline_is_told_by_steps_that_are_no_longer_than_it_and_few(seconds: float) -> None:
    step = deadline_step(seconds)
    assert 0.001 <= step <= max(seconds, 0.001)
    assert step > min(seconds, 1000) / 1.6
    assert (step == inf) == (seconds == inf)
    assert deadline_step(step) == step


def test_the_server_takes_what_it_knows_and_says_what_it_left(field: Statistics) -> None:
    strange = figure(item("int8", 1, 0.5, "9"), 0.1)
    renamed = figure(INT8, 0.1) | {"variant": "float16"}
    other = asked() | {"model": "other"}
    sent = batch([figure(INT8, 0.1), strange, renamed], asked(), other, number=1)

    async def talk() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=create_app([OFFER], field))
        async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
            first = batch([figure(FLOAT, 0.1)], asked())
            posted = [await client.post("/edge/statistics", json=one) for one in (first, sent, sent)]
            return [*posted, await client.get("/edge/plan", params={"device": "é"})]

    whole, part, again, odd = in_loop(talk())
    assert whole.json() == {"taken": True}
    assert (part.status_code, part.json()["taken"]) == (200, True)
    assert [one["path"] for one in part.json()["left"]] == ["figures/1", "figures/2", "requests/1"]
    assert "does not know" in part.json()["left"][0]["message"]
    assert "is int8 here" in part.json()["left"][1]["message"]
    assert again.json() == {"taken": False}
    assert (odd.status_code, odd.json()["type"]) == (422, "urn:modelport:problem:arguments-do-not-fit")
    assert field.demand("phone") == {"m": 200}
    assert {key[0] for key in field.spreads("phone")} == {FLOAT.variant.digest, INT8.variant.digest}
