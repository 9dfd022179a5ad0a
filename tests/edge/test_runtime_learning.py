"""What a device learns and tells, and what it does where a variant, its server or its own files fail it."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from typing import TYPE_CHECKING

import pytest
from tests.edge.devices import (
    AWAY,
    FAST,
    LITE,
    Made,
    ServiceProcess,
    answering_at,
    eventually,
    opened,
    plan_of,
    relay,
    stored,
    up,
)

from modelport.client.errors import ServiceError
from modelport.edge.documents import DevicePlan
from modelport.edge.learning import Kind, Lessons, Tally
from modelport.edge.offers import Offer
from modelport.edge.remote import EdgeServer
from modelport.edge.server import create_app
from modelport.edge.statistics import Statistics
from modelport.edge.types import Spread, Variant
from modelport.package import Package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.modelpack import manifest_digest

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.edge import Runtime


@pytest.mark.parametrize("deadline", [inf, 1e12])
def test_who_has_all_the_time_is_answered_by_the_device_when_the_server_is_gone(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, deadline: float
) -> None:
    with relay(strong.port) as way:
        plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=way.port)])
        with opened(tmp_path / "device", store, plan, server=AWAY, patience=3.0, probe=60.0, preload=True) as runtime:
            up(runtime)
            way.hole = True
            answer = runtime.call("tell", {"x": 1.0}, deadline=deadline)
            assert (answer.choice.place, answer.place) == ("server", "device")


def test_calls_that_nobody_waits_for_any_longer_hold_up_no_others(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    with relay(strong.port) as way:
        plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=way.port)])
        with opened(tmp_path / "device", store, plan, server=AWAY, patience=300.0, preload=True) as runtime:
            up(runtime)
            way.hole = True
            threads = [
                threading.Thread(target=runtime.call, args=("tell", {"x": 1.0}), kwargs={"deadline": 0.3})
                for _ in range(100)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            way.break_off()
            way.hole = False
            eventually(lambda: runtime.call("tell", {"x": 1.0}, deadline=5.0).place == "server")
            eventually(lambda: not runtime._answering._waiting.count)


def test_a_late_answer_is_late_and_a_duplicate_is_told_as_one(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    with opened(tmp_path / "late", store, plan_of([made["slow"].item("slow", **FAST)]), preload=True) as runtime:
        answer = runtime.call("tell", {"x": 2.5}, deadline=0.5)
        assert answer.degraded
        assert answer.seconds > 0.5
        assert _told(runtime) == {"count": 1, "in_time": 0, "remote": 0, "fallback": 0, "due": 0.47}
    with relay(strong.port) as way:
        plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=way.port)])
        with opened(tmp_path / "hole", store, plan, server=AWAY, patience=60.0, probe=60.0, preload=True) as runtime:
            up(runtime)
            way.hole = True
            answer = runtime.call("tell", {"x": 1.0}, deadline=3.0)  # it could be answered a minute late
            assert (answer.choice.place, answer.place, answer.degraded) == ("server", "device", False)
            assert answer.seconds < 3.0
            assert _told(runtime) == {"count": 1, "in_time": 1, "remote": 0, "fallback": 1, "due": 2.2}


def _told(runtime: Runtime) -> dict[str, float]:
    batch = runtime._answering.tally.take("phone")
    assert batch is not None
    (request,) = batch["requests"]
    (due,) = request.pop("deadlines")
    del request["model"]
    return {**request, "due": due["seconds"]}


def test_what_one_variant_refuses_another_answers(tmp_path: Path) -> None:
    places = []
    for name, refuses in (("int8", "value > 100"), ("float32", "value > 1000")):
        (tmp_path / name).mkdir()
        source = f"""
from modelport import Model
from modelport.errors import CallError

def half(value: float) -> float:
    if {refuses}:
        raise CallError(["value: {name} holds no such number"])
    return value / 2

model = Model(half=half)
model.add_example("half", {{"value": 1.0}})
"""
        places.append(_packed(tmp_path / name, source))
    store = stored(tmp_path / "store", *places)
    plan = plan_of([one.item(name, **FAST) for one, name in zip(places, ("int8", "float32"), strict=True)], name="half")
    plan["models"][0]["keep"][0]["accuracy"] = {"value": 0.95}
    with opened(tmp_path / "device", store, plan) as runtime:
        assert runtime.call("half", {"value": 10.0}, deadline=60).variant.name == "int8"
        answer = runtime.call("half", {"value": 200.0}, deadline=60)
        assert (answer.choice.variant.name, answer.variant.name) == ("int8", "float32")
        with pytest.raises(Exception, match="int8 holds no such number"):
            runtime.call("half", {"value": 2000.0}, deadline=60)


def _packed(folder: Path, source: str) -> Made:
    from modelport.package import model_from_file  # noqa: PLC0415 - only here

    (folder / "model.py").write_text(source, "utf-8")
    package = Package.read(pack(model_from_file(folder / "model.py"), "half", folder / "package", verify_in=None))
    return Made(package, str(manifest_digest(package)), 0.9)


def test_lessons_are_kept_though_the_server_is_never_there(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=1)])
    with opened(tmp_path / "device", store, plan, server=AWAY, every=0.1) as runtime:
        runtime.call("tell", {"x": 1.0})
        file = tmp_path / "device/lessons.json"
        eventually(lambda: file.exists() and "infer tell" in file.read_text("utf-8"))


@pytest.mark.parametrize(
    "lessons",
    [
        '{"KEY": {"mean": null, "sd": null, "n": null}}', '{"KEY": {"mean": 1, "sd": -1, "n": 1}}',
        '{"KEY": ["mean", "sd", "n"]}', '{"KEY": {"mean": "x", "sd": "y", "n": "z"}}',
        '{"KEY": {"mean": 1e999, "sd": 0, "n": 1}}',
        '{"KEY": {"mean": 1, "sd": 0, "n": 1' + "0" * 400 + "}}", "[" * 100_000, "[1]", "", "\x00",
    ],
)  # fmt: skip
def test_damaged_lessons_are_learned_again(tmp_path: Path, made: dict[str, Made], store: Path, lessons: str) -> None:
    device = tmp_path / "device"
    device.mkdir()
    key = f"{made['small'].digest} device infer tell 1"
    (device / "lessons.json").write_text(lessons.replace("KEY", key), "utf-8")
    with opened(device, store, plan_of([made["small"].item("small", **FAST)])) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).choice.expected < 1
    assert key in json.loads((device / "lessons.json").read_text("utf-8"))


V = Variant(name="int8", model="trees", digest="sha256:" + "5" * 64)


def test_what_a_plan_says_counts_for_a_few_observations() -> None:
    lessons, bare = Lessons(), Spread(30e-6, 1e-6, 10_000)
    for _ in range(20):
        lessons.add(V, "device", "infer", 0.5e-3, bare, Kind("guess"))
    assert lessons.spread(V, "device", "infer", bare, Kind("guess")).mean > 0.4e-3


def test_calls_of_many_rows_say_nothing_of_calls_of_one() -> None:
    lessons = Lessons()
    for _ in range(5):
        lessons.add(V, "device", "infer", 0.001, Spread(), Kind("guess", 1))
        lessons.add(V, "device", "infer", 0.5, Spread(), Kind("guess", 500))
    again = Lessons(lessons.to_json())
    assert again.spread(V, "device", "infer", Spread(), Kind("guess", 1)).mean == pytest.approx(0.001)
    assert again.spread(V, "device", "infer", Spread(), Kind("guess", 400)).mean == pytest.approx(0.5)
    assert again.spread(V, "device", "infer", Spread(), Kind("other", 2)).mean == pytest.approx(0.001)  # the nearest


def test_it_is_known_of_which_variants_something_was_learned_lately() -> None:
    lessons, other = Lessons(), Variant(name="other", model="trees", digest="sha256:" + "6" * 64)
    lessons.add(V, "device", "infer", 0.1, Spread())
    before = lessons.count
    assert lessons.changed(before) == set()
    lessons.add(other, "device", "infer", 0.1, Spread())
    assert lessons.changed(before) == {other.digest}
    assert lessons.changed(0) == {V.digest, other.digest}
    for _ in range(1000):
        lessons.add(V, "device", "infer", 0.1, Spread())
    assert lessons.changed(before) is None, "too much to tell"


def test_a_device_knows_its_first_answers_time_its_rows_and_its_energy(tmp_path: Path) -> None:
    lite = LiteModel(LITE, method="scale")
    lite.add_example("scale", {"x": [[1, 1, 1]]})
    package = Package.read(pack(lite, "scaled", tmp_path / "package", verify_in=None))
    one = Made(package, str(manifest_digest(package)), 0.9)
    store, plan = stored(tmp_path / "store", one), plan_of([one.item("float32")], name="scaled")
    with opened(tmp_path / "device", store, plan, preload=True, watts=2.0) as runtime:
        first = runtime.call("scale", {"x": [[1, 1, 1]]}, deadline=60, battery_low=True).choice
        assert first.expected > 0
        assert first.candidate.energy == pytest.approx(2.0 * first.expected)
        runtime.call("scale", {"x": [[1, 1, 1]] * 500}, deadline=60)
        (key, *_), (figure,) = runtime._lessons.to_json(), runtime._answering.tally.take("phone")["figures"]  # type: ignore[index]
        assert key.endswith("infer scale 1")
        assert figure["quantity"] == "infer"
        assert f"{one.digest} device infer scale 9" in runtime._lessons.to_json()


def test_a_long_report_is_told_in_parts() -> None:
    tally, told = Tally(), []
    for number in range(301):
        variant = Variant(name=f"v{number}", model=f"m{number % 60}", digest=f"sha256:{number:064x}")
        tally.add(variant, "device", "infer", 0.1)
        tally.request(variant.model, in_time=True, remote=False, fallback=False, deadline=0.1)
    parts = tally.parts
    while (batch := tally.take("phone")) is not None:
        told.append(batch)
    assert len(told) == parts
    assert sum(len(one["figures"]) for one in told) == 301
    assert sum(request["count"] for one in told for request in one["requests"]) == 301


def offer(made: Made, name: str) -> Offer:
    item = DevicePlan.read(plan_of([made.item(name)]), "it").models["teller"].keep[0]
    return Offer(name="teller", server=(), device=(item,), times=lambda _, __: (Spread(), Spread()))


def test_what_is_not_taken_is_dropped_alone(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    field = Statistics(tmp_path / "field.sqlite")
    with (
        answering_at(create_app([offer(made["small"], "small")], field)) as url,
        opened(tmp_path / "device", store, plan_of([made["small"].item("small", **FAST)]), server=url) as runtime,
    ):
        tally = runtime._answering.tally
        for number in range(300):  # nobody there knows them
            tally.add(Variant(name="v", model="many", digest=f"sha256:{number:064x}"), "device", "infer", 0.1)
        tally.add(Variant(name="v", model="a", digest="sha256:" + "0" * 64), "device", "infer", 1e9)
        runtime.call("tell", {"x": 1.0})
        assert not runtime.report()  # what lasted a thousand million seconds is refused, with what was told with it
        assert {one["variant"] for one in field.rows()[0]} == {"small"}
        assert runtime.report()


def test_a_newer_plan_is_asked_for_with_each_report(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    offers = [offer(made["small"], "small")]
    with answering_at(create_app(offers, Statistics(tmp_path / "field.sqlite"))) as url:
        with opened(tmp_path / "device", store, None, server=url, device="phone", every=0.2) as runtime:
            assert runtime.call("tell", {"x": 1.0}).variant.name == "small"
            offers[0] = offer(made["newer"], "newer")
            eventually(lambda: runtime.call("tell", {"x": 1.0}).variant.name == "newer")
        offers[0] = offer(made["small"], "small")
        with opened(tmp_path / "device", store, None, server=url, device="phone") as runtime:  # at once, when it is old
            eventually(lambda: runtime.call("tell", {"x": 1.0}).variant.name == "small")


class _Endless(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b" " * 2**20)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        asked, began = EdgeServer(f"http://127.0.0.1:{server.server_port}"), time.monotonic()
        try:
            with pytest.raises(ServiceError, match="longer than"):
                asked.plan("phone", seconds=300.0)
            assert time.monotonic() - began < 300
        finally:
            asked.close()
            server.shutdown()
            thread.join()
