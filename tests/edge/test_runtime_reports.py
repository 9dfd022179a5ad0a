"""What a device measured while its server was away is told later, by a later process if need be, and counted once."""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from tests.edge.devices import AWAY, FAST, Made, ServiceProcess, eventually, opened, plan_of, relay, up

from modelport.client.errors import ServiceError
from modelport.edge.documents import DevicePlan
from modelport.edge.learning import Tally
from modelport.edge.notes import Notes
from modelport.edge.offers import Offer
from modelport.edge.remote import EdgeServer
from modelport.edge.reports import Reports
from modelport.edge.server import create_app
from modelport.edge.statistics import Statistics
from modelport.edge.types import Spread, Variant
from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def edge_server(made: Made, file: Path) -> Iterator[tuple[str, Statistics]]:
    """Run a server that knows the package as ``small``, and keeps what it is told in *file*."""
    item = DevicePlan.read(plan_of([made.item("small")]), "it").models["teller"].keep[0]
    offer = Offer(name="teller", server=(), device=(item,), times=lambda _, __: (Spread(), Spread()))
    field = Statistics(file)
    server = uvicorn.Server(uvicorn.Config(create_app([offer], field), host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", field
    finally:
        server.should_exit = True
        thread.join()


def asked(field: Statistics, device: str = "phone") -> int:
    """Return how many requests the server was told of."""
    return field.answers(device)[0]


def calls(device: Path, store: Path, plan: dict[str, Any], server: str, n: int, **more: Any) -> None:  # noqa: ANN401 - open's own
    with opened(device, store, plan, server=server, **more) as runtime:
        for _ in range(n):
            runtime.call("tell", {"x": 1.0}, deadline=60)


def test_what_was_measured_while_the_server_was_away_is_told_by_a_later_process(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    for _ in range(2):
        caplog.clear()
        calls(device, store, plan, AWAY, 3)
        (said,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
        assert f"kept in {device / 'reports.json'}" in said
        assert "\n" not in said
    assert len(json.loads((device / "reports.json").read_text("utf-8"))["batches"]) <= 3
    caplog.clear()
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        calls(device, store, plan, url, 1)
        assert asked(field) == 7
        assert not (device / "reports.json").exists()
        assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
        calls(device, store, plan, url, 1)
        assert asked(field) == 8


def test_what_may_have_been_taken_is_told_again_under_its_id(
    tmp_path: Path, made: dict[str, Made], store: Path
) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        with relay(int(url.rpartition(":")[2])) as way:
            way.cut = 20  # the server takes it, and nobody hears of it
            calls(device, store, plan, f"http://127.0.0.1:{way.port}", 3)
        eventually(lambda: asked(field) == 3)
        calls(device, store, plan, url, 2)
        assert asked(field) == 5


def test_what_runs_in_the_background_is_told_by_who_ends(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of([made["small"].item("small", **FAST)])
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        with opened(tmp_path / "device", store, plan, server=url) as runtime:
            variant = runtime.plan.models["teller"].keep[0].variant
            runtime.call("tell", {"x": 1.0}, deadline=60)

            def load() -> None:  # as the device's variant does beside a server that is late
                time.sleep(0.3)
                runtime._answering.tally.add(variant, "device", "load", 4.0)

            runtime._answering._local_calls.submit(load)
        assert asked(field) == 1
        assert field.spreads("phone")[variant.digest, "device", "load"].n == 2
    assert not (tmp_path / "device/reports.json").exists()
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_what_comes_after_the_last_report_is_kept_and_no_fault_of_the_server(
    tmp_path: Path, made: dict[str, Made], caplog: pytest.LogCaptureFixture
) -> None:
    tally, notes = Tally(), Notes(tmp_path)
    variant = DevicePlan.read(plan_of([made["small"].item("small")]), "it").models["teller"].keep[0].variant
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        reports, server, away = Reports(tally, notes, "phone"), EdgeServer(url), EdgeServer(AWAY)
        tally.add(variant, "device", "load", 4.0)
        assert not reports.send(away, "phone", 1.0)
        assert reports.send(server, "phone", 10.0)
        caplog.clear()
        tally.add(variant, "device", "load", 4.0)
        reports.end("phone", url)
        assert "was not told" not in caplog.text
        assert Reports(Tally(), notes, "phone").send(server, "phone", 10.0), "a later process tells it"
        assert field.spreads("phone")[variant.digest, "device", "load"].n == 2
        for one in (server, away):
            one.close()


@pytest.mark.parametrize("doors", ["none", "dead", "open"])
def test_a_process_that_is_killed_has_kept_what_it_measured(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, doors: str
) -> None:
    server = [made["strong"].item("original", port=strong.port if doors == "open" else 1)]
    plan = plan_of([made["small"].item("small", **FAST)], [] if doors == "none" else server)
    with opened(tmp_path / "device", store, plan, server=AWAY, every=0.1) as runtime:
        runtime.call("tell", {"x": 1.0}, deadline=60)
        file = tmp_path / "device/reports.json"
        eventually(lambda: file.exists() and '"count": 1' in file.read_text("utf-8"))


def test_a_server_whose_variants_answer_elsewhere_now_is_asked_for_its_plan(
    tmp_path: Path, made: dict[str, Made], store: Path
) -> None:
    device = tmp_path / "device"
    old = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=1)])
    with opened(device, store, old):
        pass
    with (
        edge_server(made["small"], tmp_path / "field.sqlite") as (url, field),
        opened(device, store, None, server=url, device="phone", every=0.1) as runtime,
    ):
        runtime.call("tell", {"x": 1.0}, deadline=60)
        eventually(lambda: asked(field) == 1 and not runtime.plan.models["teller"].server)


def test_a_door_that_is_shut_keeps_nobody_from_telling(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    doors = [made["strong"].item("original", port=strong.port), made["lazy"].item("lazy", port=1)]
    plan = plan_of([made["small"].item("small", **FAST)], doors)
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        with opened(tmp_path / "device", store, plan, server=url, every=0.1) as runtime:
            runtime.call("tell", {"x": 1.0}, deadline=60)
            eventually(lambda: asked(field) == 1)
        with opened(tmp_path / "device", store, plan, server=url) as runtime:
            runtime.call("tell", {"x": 1.0}, deadline=60)
        assert asked(field) == 2, "who ends tells it, too"


def test_what_the_server_is_asked_is_cut_by_who_ends(tmp_path: Path, made: dict[str, Made]) -> None:
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, _), relay(int(url.rpartition(":")[2])) as way:
        way.hole = True
        server, seen = EdgeServer(f"http://127.0.0.1:{way.port}"), list[ServiceError]()

        def ask() -> None:
            try:
                server.plan("phone", seconds=3000.0)
            except ServiceError as error:
                seen.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        eventually(lambda: server._lines)
        server.cut()
        thread.join()
        assert len(seen) == 1
        way.hole = False
        with pytest.raises(ServiceError):
            server.plan("phone")
        server.is_cut = False
        assert server.plan("phone").device == "phone", "what is asked later is answered"
        server.close()


def test_a_server_that_is_back_is_told_and_said_to_be(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ServiceProcess(made["strong"]) as service:
        door = f"the edge server's teller:original at http://127.0.0.1:{service.port} is"
        plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=service.port)])
        with opened(tmp_path / "device", store, plan, server=AWAY, every=0.1) as runtime:
            up(runtime)
            service.kill()
            eventually(lambda: f"{door} away (" in caplog.text)
            service.start()
            eventually(lambda: f"{door} back" in caplog.text)
    said = [one.getMessage() for one in caplog.records]
    assert len([one for one in said if one.startswith(door)]) == 2, said


def test_reports_of_another_class_stay_its_own_and_are_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes(tmp_path)
    for number in range(12):
        tally = Tally()
        reports = Reports(tally, notes, f"class-{number}")
        for figure in range(50):
            variant = Variant(name="v", model=f"m{figure}", digest=f"sha256:{figure:064x}")
            tally.add(variant, "device", "infer", 0.1)
            tally.request(variant.model, in_time=True, remote=False, fallback=False, deadline=0.1)
        reports.keep(f"class-{number}")
        assert "are dropped" not in caplog.text, "this process still has them"
        if number == 11:
            reports.end("class-11", AWAY)
    kept = notes.read_reports()
    assert 1 < len(kept) <= 8
    assert kept[-1][0]["device"] == "class-11"
    assert notes.reports.stat().st_size < 8 * 128 * 1024
    assert "are dropped" in caplog.text


def test_what_is_told_again_is_the_same() -> None:
    tally, again = Tally(), Tally()
    for number in range(120):
        variant = Variant(name="v", model=f"m{number % 30}", digest=f"sha256:{number:064x}")
        for seconds in (0.1, 0.2, 0.4):
            tally.add(variant, "device", "infer", seconds)
            tally.request(variant.model, in_time=True, remote=False, fallback=False, deadline=seconds)
    for one in tally.batches("phone"):
        again.restore(one)
    first, second = tally.batches("phone"), again.batches("phone")
    assert [one["requests"] for one in first] == [one["requests"] for one in second]
    for one, other in zip(first, second, strict=True):
        assert [figure["count"] for figure in one["figures"]] == [figure["count"] for figure in other["figures"]]
        assert [f["m2"] for f in one["figures"]] == pytest.approx([f["m2"] for f in other["figures"]])
    assert tally.batches("phone"), "who looks takes nothing"


def test_what_the_server_does_not_count_is_said(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plans = [plan_of([made["small"].item("small", **FAST)], name=name) for name in ("teller", "other")]
    plan = plans[0] | {"models": [*plans[0]["models"], *plans[1]["models"]]}
    with (
        edge_server(made["small"], tmp_path / "field.sqlite") as (url, field),
        opened(tmp_path / "device", store, plan, server=url) as runtime,
    ):
        for _ in range(2):
            runtime.call("tell", {"x": 1.0}, model="teller", deadline=60)
            assert runtime.report()
        for _ in range(2):
            runtime.call("tell", {"x": 1.0}, model="other", deadline=60)
            assert not runtime.report()
        assert runtime.report(), "it is told once"
        with pytest.raises(InputError, match="the plan has several models: teller, other"):
            runtime.call("tell", {"x": 1.0})
        assert asked(field) == 2
    said = [one.getMessage() for one in caplog.records if "does not count all" in one.getMessage()]
    assert said
    assert all("does not know other" in one for one in said), said


@pytest.mark.parametrize("damage", ["", "[", "[1]", '{"batches": [1]}', '{"batches": [{"batch": {}, "tried": true}]}'])
def test_damaged_reports_are_set_aside(
    tmp_path: Path, made: dict[str, Made], store: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    device = tmp_path / "device"
    device.mkdir()
    (device / "reports.json").write_text(damage, "utf-8")
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, field):
        calls(device, store, plan_of([made["small"].item("small", **FAST)]), url, 1)
        assert asked(field) == 1
    assert (device / "reports.json.damaged").read_text("utf-8") == damage
    assert str(device / "reports.json") in caplog.text
