"""What a runtime refuses, and what it tells: values that cannot be, classes of devices, code that is not trusted."""

from __future__ import annotations

import logging
from fractions import Fraction
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest
from tests.edge.devices import AWAY, FAST, Made, ServiceProcess, opened, plan_of, up
from tests.edge.test_runtime_reports import edge_server

from modelport.client.errors import ServiceError
from modelport.edge import Runtime, UnansweredError
from modelport.errors import CallError, FormatError, InputError, ModelportError, SetupError

if TYPE_CHECKING:
    from pathlib import Path

WAYS = {"min_accuracy": "give a share from 0 to 1: 0.9", "deadline": "give seconds above 0"}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"min_accuracy": 90}, ["min_accuracy: 90 is not an accuracy"]),
        ({"min_accuracy": nan}, ["nan is not an accuracy"]),
        ({"min_accuracy": "high"}, ["'high' is not an accuracy"]),
        ({"deadline": 0}, ["deadline: a deadline of 0 s cannot be met"]),
        ({"deadline": -1.5}, ["a deadline of -1.5 s cannot be met"]),
        ({"deadline": nan}, ["a deadline of nan s cannot be met"]),
        ({"deadline": "1"}, ["'1' is not a number of seconds"]),
        ({"deadline": True}, ["True is not a number of seconds"]),
        ({"deadline": 10**400}, ["is not a number of seconds"]),
        ({"deadline": Fraction(-1, 2)}, ["a deadline of -0.5 s cannot be met"]),
        ({"min_accuracy": Fraction(3, 2)}, ["1.5 is not an accuracy"]),
        ({"deadline": -1, "min_accuracy": 90}, ["-1 s cannot be met", "90 is not an accuracy"]),
    ],
)
def test_a_calls_limits_are_checked_with_its_arguments(
    tmp_path: Path, made: dict[str, Made], store: Path, limits: dict[str, Any], said: list[str]
) -> None:
    with opened(tmp_path / "device", store, plan_of([made["small"].item("small", **FAST)])) as runtime:
        with pytest.raises(CallError) as told:
            runtime.call("tell", {"x": 1.0}, **limits)
        assert len(told.value.problems) == len(said)
        assert all(one in told.value.message for one in said)
        assert all(way in told.value.hint for name, way in WAYS.items() if name in limits)
        with pytest.raises(CallError) as told:
            runtime.call("tell", {"x": "no"}, **limits)
        assert len(told.value.problems) == len(said) + 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"patience": -1}, "patience: -1"),
        ({"patience": inf}, "patience: inf s cannot be waited for"),
        ({"patience": "10"}, "patience: '10'"),
        ({"patience": 10**400}, r"patience: 10+\.\.\. is not a number of seconds"),
        ({"patience": Fraction(-1, 2)}, "patience: -0.5 s cannot be waited for"),
        ({"source": "a\0b"}, "source: .* is no path"),
        ({"probe": 0}, "probe: 0"),
        ({"every": nan}, "every: nan"),
        ({"watts": -2.5}, "watts: -2.5"),
        ({"watts": "much"}, "watts: 'much'"),
        ({"plan": "plan.json"}, "plan: 'plan.json'"),
        ({"plan": [1]}, r"plan: \[1\]"),
        ({"device": "my board"}, "device: 'my board'"),
        ({"device": None}, "device: None"),
        ({"server": 3340}, "server: 3340"),
        ({"source": 1}, "source: 1"),
        ({"folder": ""}, "folder: ''"),
        ({"folder": "a\0b"}, "folder: .* is no path"),
    ],
)
def test_what_a_runtime_is_opened_with_is_checked(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"folder": tmp_path / "device", "plan": plan_of([])} | wrong
    with pytest.raises(InputError, match=said) as told:
        Runtime.open(**given)
    assert told.value.hint
    assert not (tmp_path / "device").exists()


def test_all_that_is_wrong_with_an_opening_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        Runtime.open(tmp_path, plan=[], device="?", patience=-1, probe=0, every="x", watts=-1)  # type: ignore[arg-type]
    for name in ("plan", "device", "patience", "probe", "every", "watts"):
        assert f"{name}: " in told.value.message
    assert told.value.hint.count("give seconds above 0") == 1


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(InputError, match="file is a file"):
        Runtime.open(tmp_path / "file", plan=plan_of([]))
    with pytest.raises(SetupError, match="cannot be written"):
        Runtime.open(tmp_path / "file/device", plan=plan_of([]))
    with pytest.raises(SetupError, match="cannot be read"):
        Runtime.open(tmp_path / "device", plan=tmp_path)
    with pytest.raises(FormatError, match="JSON"):
        Runtime.open(tmp_path / "device", plan={"schema": {1, 2}})
    with pytest.raises(FormatError, match="worth") as told:
        Runtime.open(tmp_path / "device", plan=plan_of([]) | {"worth": 0.9})
    assert "/edge/plan?device=" in told.value.hint
    with pytest.raises(ModelportError, match="address"):
        Runtime.open(tmp_path / "device", server="ftp://here", plan=plan_of([]))


def test_another_classs_plan_is_no_plan(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device, plan = tmp_path / "device", plan_of([made["newer"].item("newer", **FAST)])
    with pytest.raises(InputError, match="class phone, and this one is of the class tablet") as told:
        opened(device, store, plan, device="tablet")
    assert "device=" in told.value.hint
    with opened(device, store, plan, device="Phone") as runtime:
        assert runtime.plan.device == "phone"
    with pytest.raises(InputError, match="class phone, and device= says tablet") as told:
        opened(device, store, None, device="tablet")
    assert "server=" in told.value.hint
    with opened(device, store, None, device="tablet", server=AWAY) as runtime:
        assert runtime.plan.device == "phone"
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "newer"
    assert any("device= says tablet" in one.getMessage() for one in caplog.records if one.levelno == logging.WARNING)
    with (
        edge_server(made["small"], tmp_path / "field.sqlite") as (url, field),
        opened(device, store, None, device="tablet", server=url) as runtime,
    ):
        assert runtime.plan.device == "tablet"
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
        assert runtime.report()
        assert field.answers("tablet")[0]


def test_a_class_that_the_server_knows_nothing_of_is_told(
    tmp_path: Path, made: dict[str, Made], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with edge_server(made["small"], tmp_path / "field.sqlite") as (url, _):
        for name, said in (("first", 1), ("second", 0)):
            caplog.clear()
            with opened(tmp_path / name, store, None, device="pixel2", server=url) as runtime:
                runtime.call("tell", {"x": 1.0}, deadline=60)
            told = [one.getMessage() for one in caplog.records if "knows no times" in one.getMessage()]
            assert len(told) == said, "it has measured itself since"
            assert all("the class pixel2: correct device=" in one for one in told)


def test_code_that_is_not_trusted_is_told_once(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=strong.port)])
    with opened(tmp_path / "device", store, plan, server=AWAY, allow_code=False) as runtime:
        up(runtime)
        for _ in range(3):
            answer = runtime.call("tell", {"x": 1.0}, deadline=60)
            assert (answer.place, answer.failures) == ("server", ())
    said = [one.getMessage() for one in caplog.records if "teller:small" in one.getMessage()]
    assert len(said) == 1
    assert "would run its code" in said[0]
    assert "allow_code=True if you trust it" in said[0]
    gone = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=1)])
    for plan in (plan_of([made["small"].item("small")]), gone):
        with (
            opened(tmp_path / "alone", store, plan, server=AWAY, allow_code=False) as runtime,
            pytest.raises(UnansweredError, match="would run its code") as told,
        ):
            runtime.call("tell", {"x": 1.0})
        assert "allow_code=True if you trust it" in told.value.hint


@pytest.mark.parametrize("server", [AWAY, f"http://{'a' * 70}.example:3340", "http://nowhere.invalid:3340"])
def test_a_dead_server_is_a_line_in_the_log(
    tmp_path: Path, made: dict[str, Made], store: Path, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=1)])
    with opened(tmp_path / "device", store, plan, server=server, every=0.1) as runtime:
        for _ in range(3):
            assert runtime.call("tell", {"x": 1.0}, deadline=60).place == "device"
            assert not runtime.report()
    said = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert not any(one.exc_info for one in caplog.records)
    assert not any("\n" in one for one in said)
    assert len([one for one in said if "teller:original at http" in one and "is away" in one]) == 1, said
    assert len([one for one in said if "was not told what was measured" in one]) == 1, said
    assert len(said) == 2, said
    with pytest.raises(ServiceError) as told:
        Runtime.open(tmp_path / "new", server=server, device="phone")
    assert "`modelport edge serve` prints its address" in told.value.hint
