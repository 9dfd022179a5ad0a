"""What a device takes of a newer plan: as much as of its first one, and only its own class's."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.edge.devices import AWAY, FAST, Made, ServiceProcess, eventually, opened, plan_of, stored
from tests.edge.test_runtime_reports import asked, edge_server

from modelport.edge import Runtime, runners
from modelport.errors import FormatError, InputError, ModelportError
from modelport.package import Package, model_from_file, pack
from modelport.package.modelpack import manifest_digest

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.edge.documents import DevicePlan

_BREAKABLE = """\
from pathlib import Path

from modelport import Model


def tell(x: float) -> dict[str, str]:
    if Path({flag!r}).exists():
        raise RuntimeError("no such accelerator")
    return {{"by": "breakable", "x": str(x)}}


model = Model(tell=tell)
model.add_example("tell", {{"x": 1.0}})
"""


def breakable(folder: Path) -> tuple[Made, Path]:
    """Return a package whose example fails while a file is there, and the file."""
    folder.mkdir()
    flag, source = folder / "broken", folder / "model.py"
    source.write_text(_BREAKABLE.format(flag=str(flag)), "utf-8")
    package = Package.read(pack(model_from_file(source), "teller", folder / "package", verify_in=None))
    flag.touch()
    return Made(package, str(manifest_digest(package)), 0.99), flag


def nowhere(made: Made) -> dict[str, Any]:
    return made.item("nowhere", **FAST) | {"digest": "sha256:" + "0" * 64}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def by(runtime: Runtime) -> str:
    return runtime.call("tell", {"x": 1.0}, deadline=60).variant.name


@pytest.mark.parametrize("device", ["phone", ""])
def test_another_classs_plan_is_not_taken(tmp_path: Path, made: dict[str, Made], store: Path, device: str) -> None:
    plan = plan_of([made["small"].item("small", **FAST)])
    with opened(tmp_path / "device", store, plan, device=device) as runtime:
        with pytest.raises(InputError, match="class tablet, and this one is of the class phone"):
            runtime.update(plan_of([made["newer"].item("newer", **FAST)]) | {"device": "tablet"})
        assert by(runtime) == "small"
    with opened(tmp_path / "device", store, None, device="phone") as runtime:
        assert by(runtime) == "small"


def test_a_server_that_answers_for_another_class_is_none(
    tmp_path: Path, made: dict[str, Made], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, _):
        plan = plan_of([made["newer"].item("newer", **FAST)])
        with opened(tmp_path / "device", store, plan, server=url) as runtime:
            assert runtime._server is not None

            def other(*_: Any, **__: Any) -> DevicePlan:  # noqa: ANN401 - as `EdgeServer.plan`; no server of ours does it
                return runtime.plan

            monkeypatch.setattr(runtime._server, "plan", other)
            runtime._device = "tablet"
            with pytest.raises(FormatError, match="answers with a plan for devices of the class phone"):
                runtime.update()


@pytest.mark.parametrize("allow_code", [True, False])
def test_what_a_fresh_device_takes_one_that_runs_takes(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, *, allow_code: bool
) -> None:
    server = [made["strong"].item("original", port=strong.port)]
    old = plan_of([made["small"].item("small", **FAST)], server)
    for number, keep in enumerate(
        ([made["newer"].item("newer", **FAST)], [made["slow"].item("slow", **FAST), nowhere(made["newer"])], [])
    ):
        new = plan_of(keep, server)
        with opened(tmp_path / f"fresh-{number}", store, new, server=AWAY, allow_code=allow_code) as runtime:
            fresh = by(runtime)
        with opened(tmp_path / f"old-{number}", store, old, server=AWAY, allow_code=allow_code) as runtime:
            assert runtime.update(new)
            assert not runtime.update(new)
            assert {one.item.variant.name for one in runtime._hand.runners() if one.bar is None} >= {fresh}


def test_a_plan_that_would_take_all_that_answers_here_is_refused(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    server = [made["strong"].item("original", port=strong.port)]
    plan = plan_of([made["small"].item("small", **FAST)], server)
    with opened(tmp_path / "device", store, plan, server=AWAY) as runtime:
        with pytest.raises(ModelportError, match="not on this device"):
            runtime.update(plan_of([nowhere(made["newer"])], server))
        assert [one.bar for one in runtime._hand.local()] == [None]
        assert runtime.plan.models["teller"].keep[0].variant.name == "small"


def test_a_new_variant_that_cannot_be_loaded_holds_up_no_other_and_is_tried_again(
    tmp_path: Path, made: dict[str, Made], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, flag = breakable(tmp_path / "broken")
    some = stored(tmp_path / "some", broken, made["small"], made["newer"])
    items = [broken.item("broken", **FAST), made["newer"].item("newer", **FAST)]
    with opened(tmp_path / "device", some, plan_of([made["small"].item("small", **FAST)]), every=0.1) as runtime:
        assert runtime.update(plan_of(items))
        assert [by(runtime) for _ in range(3)] == ["newer"] * 3
        with pytest.raises(ModelportError, match="no such accelerator"):
            runtime.update(plan_of(items[:1]))
        assert runtime.update(plan_of(items[::-1]))
        assert by(runtime) == "newer"
        said = [one for one in warnings(caplog) if "teller:broken is not run on this device" in one]
        assert len(said) == 1, said
        assert "no such accelerator" in said[0]
        monkeypatch.setattr(runners, "_FIRST_WAIT", 0.0)
        flag.unlink()
        for one in runtime._hand.local():
            one._next_try = 0.0  # the time has come
        eventually(lambda: by(runtime) == "broken")
    assert any("teller:broken runs on this device again" in one for one in warnings(caplog))


def test_a_variant_that_cannot_be_loaded_is_asked_once(
    tmp_path: Path, made: dict[str, Made], caplog: pytest.LogCaptureFixture
) -> None:
    broken, _ = breakable(tmp_path / "broken")
    some = stored(tmp_path / "some", broken, made["small"])
    plan = plan_of([broken.item("broken", **FAST), made["small"].item("small", **FAST)])
    with opened(tmp_path / "device", some, plan) as runtime:
        answers = [runtime.call("tell", {"x": 1.0}, deadline=60) for _ in range(4)]
    assert [one.variant.name for one in answers] == ["small"] * 4
    assert [len(one.failures) for one in answers] == [1, 0, 0, 0]
    assert len([one for one in warnings(caplog) if "no such accelerator" in one]) == 1


def test_the_first_call_after_an_update_opens_no_package(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with opened(tmp_path / "device", store, plan_of([made["small"].item("small", **FAST)])) as runtime:
        assert runtime.update(plan_of([made["newer"].item("newer", **FAST)]))
        (model,) = runtime._hand.models.values()
        assert model._interface is not None
        assert all(one.is_ready for one in model.local)


def test_what_an_update_learns_of_new_variants_is_kept(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with opened(tmp_path / "device", store, plan_of([made["small"].item("small", **FAST)])) as runtime:
        write = runtime._notes.write_plan

        def while_the_watch_keeps(document: Any) -> None:  # noqa: ANN401 - a plan
            runtime._watch._duties.keep()
            write(document)

        runtime._notes.write_plan = while_the_watch_keeps  # type: ignore[method-assign]
        assert runtime.update(plan_of([made["newer"].item("newer")]))
        assert [key for key in runtime._lessons.to_json() if made["newer"].digest in key]


def test_what_happens_to_a_duty_ends_no_watch(
    tmp_path: Path, made: dict[str, Made], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = threading.Thread.start, threading.Event()

    def no_thread(self: threading.Thread) -> None:
        if self.name == "edge-renew":
            refused.set()
            raise RuntimeError("can't start new thread")
        start(self)

    with (
        edge_server(made["small"], tmp_path / "field.sqlite") as (url, field),
        opened(
            tmp_path / "device", store, plan_of([made["small"].item("small", **FAST)]), server=url, every=0.1
        ) as runtime,
    ):
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        assert refused.wait(300)
        monkeypatch.undo()
        by(runtime)
        eventually(lambda: asked(field) == 1)
        assert time.monotonic() > runtime._watch._kept
