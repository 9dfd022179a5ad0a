"""The device side with real packages, real services, and a way between that dies: no call is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.edge.devices import (
    FAST,
    LITE,
    Made,
    ServiceProcess,
    eventually,
    opened,
    plan_of,
    relay,
    stored,
    up,
)

from modelport.edge import Runtime, UnansweredError
from modelport.errors import CallError, FormatError, InputError, ModelportError, NotFoundError, TrustError
from modelport.oci import Layout, push
from modelport.package import Package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.modelpack import manifest_digest
from modelport.package.store import find_package, registry_of
from modelport.types import Digest, Reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry


def by(runtime: Runtime, **more: Any) -> str:  # noqa: ANN401 - call's own
    value: dict[str, Any] = runtime.call("tell", {"x": 2.5}, **more).value
    assert str(value).count("2.5") == 1
    return next(one for one in ("small", "newer", "slow", "strong", "lazy") if one in str(value))


def test_a_litert_package_answers_on_a_device_alone(tmp_path: Path) -> None:
    lite = LiteModel(LITE, method="scale")
    lite.add_example("scale", {"x": [[1, 1, 1]]})
    package = Package.read(pack(lite, "scaled", tmp_path / "package", verify_in=None))
    one = Made(package, str(manifest_digest(package)), 0.9)
    store = stored(tmp_path / "store", one)
    with Runtime.open(tmp_path / "device", plan=plan_of([one.item("float32")], name="scaled"), source=store) as runtime:
        answer = runtime.call("scale", {"x": [[1, 1, 1], [2, 2, 2]]}, deadline=60)
        assert answer.value == {"y": [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]}
        assert (answer.place, answer.variant.name, answer.failures) == ("device", "float32", ())
        with pytest.raises(CallError, match="x"):
            runtime.call("scale", {"x": "no"})
        with pytest.raises(FormatError, match="no method 'none'"):
            runtime.call("none", {})
    with Runtime.open(tmp_path / "device", preload=True) as again:  # what was kept is enough: no plan, store, server
        assert again.call("scale", {"x": [[1, 1, 1]]}).value == {"y": [[1.0, 2.0, 3.0]]}
        with pytest.raises(CallError, match="no elements in x"):  # what only the model refuses is no failure of its
            again.call("scale", {"x": []})


def test_the_more_accurate_server_answers_while_it_is_in_reach(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=strong.port)])
    with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1") as runtime:
        up(runtime)
        answer = runtime.call("tell", {"x": 1.0}, min_accuracy=0.9)
        assert (answer.place, answer.variant.name, answer.degraded) == ("server", "original", False)
    with opened(tmp_path / "device", store, plan) as alone:
        answer = alone.call("tell", {"x": 1.0}, min_accuracy=0.9)
        assert (answer.place, answer.degraded) == ("device", True)


def test_a_server_killed_in_mid_call_costs_no_answer(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with ServiceProcess(made["lazy"]) as service:
        plan = plan_of([made["small"].item("small", **FAST)], [made["lazy"].item("original", port=service.port)])
        with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1") as runtime:
            up(runtime)
            threading.Timer(0.5, service.kill).start()
            answer = runtime.call("tell", {"x": 2.5}, deadline=60)
            assert answer.place == "device"
            eventually(lambda: not runtime._hand.models["teller"].remote[0].endpoint.up)
            assert by(runtime, deadline=60) == "small"
            service.start()
            up(runtime)
            assert by(runtime, deadline=60, min_accuracy=0.9) == "lazy"


@pytest.mark.parametrize("trouble", ["hole", "cut", "reset"])
def test_whatever_happens_on_the_way_the_device_answers(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, trouble: str
) -> None:
    with relay(strong.port) as way:
        plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=way.port)])
        with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1", patience=2.0, probe=60.0) as runtime:
            up(runtime)
            assert by(runtime, min_accuracy=0.9) == "strong"
            way.break_off()
            if trouble == "hole":
                way.hole = True
            elif trouble == "cut":
                way.cut = 100
            else:
                way.close()
            answer = runtime.call("tell", {"x": 2.5}, deadline=60)
            assert (answer.place, answer.variant.name) == ("device", "small")
            assert answer.seconds < 60


def test_a_duplicate_answers_when_the_server_is_too_slow(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with ServiceProcess(made["stuck"]) as service:
        server = made["stuck"].item("original", port=service.port, infer={"mean": 0.1, "sd": 0.1, "n": 9})
        plan = plan_of([made["small"].item("small", **FAST)], [server])
        with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1") as runtime:
            up(runtime)
            runtime._answering.link.failed()  # a message was lost lately: choices are at risk
            answer = runtime.call("tell", {"x": 2.5}, deadline=3.0)
            assert (answer.choice.place, answer.place) == ("server", "device")
            assert answer.choice.duplicate is not None
            service.kill()


def test_a_remote_answer_wins_against_a_slow_local_one(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    with relay(strong.port) as way:
        plan = plan_of([made["slow"].item("slow", **FAST)], [made["strong"].item("original", port=way.port)])
        with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1", probe=60.0) as runtime:
            up(runtime)
            way.delay = 0.3
            for _ in range(2):  # by its own bound the answer is overdue after a moment, and the local variant starts
                assert by(runtime) == "strong"


def test_the_better_answer_is_waited_for_until_the_deadline_and_no_longer(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess
) -> None:
    cautious = {"infer": {"mean": 5.0, "sd": 0.0, "n": 64}, "load": {"mean": 0.01, "sd": 0.0, "n": 64}}
    with relay(strong.port) as way:
        plan = plan_of([made["small"].item("small", **cautious)], [made["strong"].item("original", port=way.port)])
        with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1", preload=True) as runtime:
            up(runtime)
            way.delay = 0.75  # the device begins after a second, and has its answer at once
            answer = runtime.call("tell", {"x": 1.0}, deadline=6.0)
            assert (answer.choice.place, answer.place, answer.degraded) == ("server", "server", False)
            way.hole = True
            answer = runtime.call("tell", {"x": 1.0}, deadline=6.0)
            assert (answer.choice.place, answer.place) == ("server", "device")
            assert answer.seconds < 6.0


def test_the_servers_own_time_is_learned_apart_from_the_way(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with ServiceProcess(made["lazy"]) as service:
        plan = plan_of([made["small"].item("small", **FAST)], [made["lazy"].item("original", port=service.port)])
        with opened(tmp_path / "device", store, plan, server="http://127.0.0.1:1") as runtime:
            up(runtime)
            answers = [runtime.call("tell", {"x": 2.5}, deadline=60, min_accuracy=0.9) for _ in range(2)]
            assert [one.place for one in answers] == ["server", "server"]
            assert answers[0].choice.expected < 1.9 < answers[1].choice.expected
            assert runtime._answering.link.network.seconds(0) < 1.9


def test_what_was_measured_is_learned_and_kept(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plan = plan_of([made["slow"].item("slow", **FAST)])
    with opened(tmp_path / "device", store, plan) as runtime:
        assert runtime.call("tell", {"x": 2.5}, deadline=60).choice.expected < 1
        assert runtime.call("tell", {"x": 1.0}, deadline=60).choice.expected > 0.1
    with opened(tmp_path / "device", store, plan) as again:
        assert again.call("tell", {"x": 1.0}, deadline=60).choice.expected > 0.1


def test_an_update_under_load_loses_no_call(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plans = [plan_of([made[name].item(name, **FAST)]) for name in ("small", "newer")]
    seen: list[str] = []
    wrong: list[BaseException] = []
    stop = threading.Event()
    with opened(tmp_path / "device", store, plans[0]) as runtime:

        def ask() -> None:
            try:
                while not stop.is_set():
                    seen.append(by(runtime, deadline=60))
            except BaseException as error:  # noqa: BLE001 - told by the test
                wrong.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in (1, 0, 1):
            before = len(seen)
            assert runtime.update(plans[turn])
            eventually(lambda before=before: len(seen) > before + 20)
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong
        assert set(seen) == {"small", "newer"}
        assert by(runtime) == "newer"
        assert not runtime.update(plans[1])
        eventually(lambda: len(list((tmp_path / "device/cache/packages").glob("*/package.json"))) == 1)


def test_an_update_that_fails_changes_nothing(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with opened(tmp_path / "device", store, plan_of([made["small"].item("small")])) as runtime:
        nowhere = made["newer"].item("newer") | {"digest": "sha256:" + "0" * 64}
        with pytest.raises(NotFoundError, match="not on this device"):
            runtime.update(plan_of([nowhere]))
        with pytest.raises(FormatError, match="keep"):
            runtime.update({**plan_of([]), "models": [{"name": "teller"}]})
        assert by(runtime) == "small"


def test_packages_come_from_a_registry_and_only_the_right_ones(
    tmp_path: Path, made: dict[str, Made], store: Path, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    source = f"{docker_registry.host}/{unique_repository}"
    for tag, name in (("0", "small"), ("1", "newer")):
        kept = find_package(store, Reference(None, "teller", tag))
        assert kept is not None
        assert str(kept.manifest.digest) == made[name].digest
        push(Layout(store), kept.index, registry_of(docker_registry.host), unique_repository, tags=[tag])
    plans = [plan_of([made[name].item(name, **{"from": source})]) for name in ("small", "newer")]
    with Runtime.open(tmp_path / "device", plan=plans[0], allow_code=True) as runtime:
        assert by(runtime) == "small"
        newer = docker_registry.blob_file(Digest.parse(made["newer"].digest))
        right = newer.read_bytes()
        newer.write_bytes(right.replace(b"a", b"b", 1))
        with pytest.raises(ModelportError):
            runtime.update(plans[1])
        assert by(runtime) == "small"
        newer.write_bytes(right)
        assert runtime.update(plans[1])
        assert by(runtime) == "newer"


def test_mistakes_are_told_in_words(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    with pytest.raises(InputError, match="no plan"):
        Runtime.open(tmp_path / "none")
    with opened(tmp_path / "code", store, plan_of([made["small"].item("small")]), allow_code=False) as runtime:
        with pytest.raises(UnansweredError, match="would run its code"):
            runtime.call("tell", {"x": 1.0})
        with pytest.raises(NotFoundError, match="no model 'other'"):
            runtime.call("tell", {"x": 1.0}, model="other")
    away = plan_of([], [made["strong"].item("original", port=9)])
    with (
        opened(tmp_path / "away", store, away, server="http://127.0.0.1:1") as runtime,
        pytest.raises(NotFoundError, match="no edge server answers"),
    ):
        runtime.call("tell", {"x": 1.0})


def test_trust_is_asked_of_code(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plan = plan_of([made["small"].item("small")])
    with opened(tmp_path / "code", store, plan, allow_code=False) as runtime, pytest.raises(TrustError):
        runtime.update(plan_of([made["newer"].item("newer")]))
