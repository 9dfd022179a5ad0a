"""What a device does where its own files are damaged: what is set aside is told, and what works goes on."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.edge.devices import AWAY, FAST, Made, ServiceProcess, eventually, opened, plan_of, stored, up
from tests.support.commands import Workplace

from modelport.edge import Runtime
from modelport.errors import ModelportError, NotFoundError
from modelport.oci import Layout, push
from modelport.oci.store.check import check
from modelport.package.store import find_package, registry_of
from modelport.types import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry


def kept(device: Path, store: Path, plan: dict[str, Any], *, unpacked: bool) -> None:
    """Let a device have the packages of a plan, with or without its folders of them."""
    with opened(device, store, plan) as runtime:
        runtime.call("tell", {"x": 1.0}, deadline=60)
    if not unpacked:
        shutil.rmtree(device / "cache")


def blobs(device: Path, made: Made) -> dict[str, Path]:
    """Return the manifest and the layer of code of a package in the device's store."""
    from modelport.package.modelpack import package_layers, package_manifest  # noqa: PLC0415 - only here
    from modelport.package.selection import kind_of  # noqa: PLC0415 - only here

    layout = Layout(device / "store")
    found = [package_manifest(layout, root) for root in layout.tags().values()]
    manifest = next(one for one in found if str(one.digest) == made.digest)
    code = next(one for one in package_layers(layout, manifest) if kind_of(one) == "code")
    return {name: layout.file(one) for name, one in (("manifest", manifest), ("code", code))}


def rot(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert not any("\n" in one for one in found)
    assert not any(one.exc_info for one in caplog.records)
    return found


@pytest.mark.parametrize("names", [("newer", "small"), ("small", "newer")])
@pytest.mark.parametrize("what", ["manifest", "code"])
def test_a_damaged_variant_is_set_aside_and_another_answers(
    tmp_path: Path, made: dict[str, Made], store: Path, what: str, caplog: pytest.LogCaptureFixture, *,
    names: tuple[str, ...],
) -> None:  # fmt: skip
    plan = plan_of([made[name].item(name, **FAST) for name in names])
    device = tmp_path / "device"
    kept(device, store, plan, unpacked=False)
    place = blobs(device, made["newer"])[what]
    rot(place)
    with Runtime.open(device, allow_code=True, preload=True) as runtime:
        answer = runtime.call("tell", {"x": 1.0}, deadline=60)
        assert (answer.variant.name, answer.failures) == ("small", ())
    said = warnings(caplog)
    assert any(place.name in one and "quarantine/" in one for one in said), said
    assert any("teller:newer" in one for one in said), said
    with opened(device, store, None, preload=True) as again:  # who has it is here again
        assert again.call("tell", {"x": 1.0}, deadline=60).variant.name == "newer"
    assert not check(Layout(device / "store")).findings


@pytest.mark.parametrize("what", ["manifest", "code"])
def test_a_damaged_blob_is_made_again_of_the_unpacked_package(
    tmp_path: Path, made: dict[str, Made], store: Path, what: str
) -> None:
    device = tmp_path / "device"
    kept(device, store, plan_of([made["small"].item("small", **FAST)]), unpacked=True)
    rot(blobs(device, made["small"])[what])
    with Runtime.open(device, allow_code=True) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"


@pytest.mark.parametrize("what", ["code", "manifest"])
def test_a_device_says_once_that_it_has_mended_itself(
    tmp_path: Path, made: dict[str, Made], store: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    device = tmp_path / "device"
    kept(device, store, plan_of([made["small"].item("small", **FAST)]), unpacked=False)
    rot(blobs(device, made["small"])[what])
    with opened(device, store, None) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).failures == ()
    mended = "teller:small is whole on this device again: nothing has to be done"
    said = warnings(caplog)
    assert said.count(mended) == 1, said
    assert not any("modelport pull" in one or "--repair" in one for one in said), said
    caplog.clear()
    with opened(device, store, None) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
    assert mended not in warnings(caplog)


def test_what_came_from_a_registry_is_mended_by_command_too(
    tmp_path: Path, made: dict[str, Made], store: Path, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    device, source = tmp_path / "device", f"{docker_registry.host}/{unique_repository}"
    there = find_package(store, Reference(None, "teller", "0"))
    assert there is not None
    push(Layout(store), there.index, registry_of(docker_registry.host), unique_repository, tags=["0"])
    plan = plan_of([made["small"].item("small", **{"from": source})])
    with Runtime.open(device, plan=plan, allow_code=True) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
    rot(blobs(device, made["small"])["code"])
    done = Workplace(tmp_path, store=device / "store").modelport("store", "check", "--repair")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not check(Layout(device / "store")).findings


@pytest.mark.parametrize("name", ["index.json", "oci-layout"])
@pytest.mark.parametrize("unpacked", [True, False])
def test_a_store_whose_list_is_damaged_is_put_in_order(
    tmp_path: Path, made: dict[str, Made], store: Path, name: str, caplog: pytest.LogCaptureFixture, *, unpacked: bool
) -> None:
    device = tmp_path / "device"
    kept(device, store, plan_of([made["small"].item("small", **FAST)]), unpacked=unpacked)
    (device / "store" / name).write_bytes(b"\0" * 10)
    with Runtime.open(device, allow_code=True) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
    assert (device / f"{name}.damaged").read_bytes() == b"\0" * 10
    assert any(str(device / "store" / name) in one for one in warnings(caplog))


@pytest.mark.parametrize("name", ["index.json", "oci-layout"])
def test_a_store_whose_list_is_gone_is_put_in_order(
    tmp_path: Path, made: dict[str, Made], store: Path, name: str
) -> None:
    device = tmp_path / "device"
    kept(device, store, plan_of([made["small"].item("small", **FAST)]), unpacked=False)
    (device / "store" / name).unlink()
    with Runtime.open(device, allow_code=True) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
    assert not check(Layout(device / "store")).findings


@pytest.mark.parametrize("what", ["code", "manifest"])
def test_what_is_damaged_keeps_nothing_that_no_plan_has(
    tmp_path: Path, made: dict[str, Made], store: Path, what: str
) -> None:
    device, gone = tmp_path / "device", made["newer"].item("newer", **FAST)
    kept(device, store, plan_of([gone, made["small"].item("small", **FAST)]), unpacked=False)
    old = blobs(device, made["small"])["code"]
    rot(blobs(device, made["newer"])[what])
    with opened(device, stored(tmp_path / "some", made["slow"]), None) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
        assert runtime.update(plan_of([gone, made["slow"].item("slow", **FAST)]))
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "slow"
        eventually(lambda: not old.exists())
    assert {finding.kind for finding in check(Layout(device / "store")).findings} <= {"missing"}


def test_what_is_damaged_in_a_source_holds_up_nothing_that_is_whole(tmp_path: Path, made: dict[str, Made]) -> None:
    source = tmp_path / "some" / "store"
    stored(source, made["small"], made["newer"])
    rot(blobs(source.parent, made["newer"])["manifest"])
    before = sorted(source.rglob("*"))
    with opened(tmp_path / "device", source, plan_of([made["small"].item("small", **FAST)])) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
    with pytest.raises(NotFoundError, match=f"in {source}: "):
        opened(tmp_path / "other", source, plan_of([made["newer"].item("newer", **FAST)]))
    assert sorted(source.rglob("*")) == before


def test_the_server_answers_where_all_that_was_kept_is_damaged(
    tmp_path: Path, made: dict[str, Made], store: Path, strong: ServiceProcess, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of([made["small"].item("small", **FAST)], [made["strong"].item("original", port=strong.port)])
    device = tmp_path / "device"
    kept(device, store, plan, unpacked=False)
    rot(blobs(device, made["small"])["code"])
    with Runtime.open(device, server=AWAY, allow_code=True, probe=0.2, every=0.2) as runtime:
        up(runtime)
        assert runtime.call("tell", {"x": 1.0}, deadline=60).place == "server"
    assert any("teller:small" in one for one in warnings(caplog))


def test_where_nothing_is_left_all_that_was_wrong_is_told(tmp_path: Path, made: dict[str, Made], store: Path) -> None:
    plan, device = plan_of([made[name].item(name, **FAST) for name in ("small", "newer")]), tmp_path / "device"
    kept(device, store, plan, unpacked=False)
    places = [blobs(device, made[name])["code"] for name in ("small", "newer")]
    for place in places:
        rot(place)
    with pytest.raises(ModelportError) as told:
        Runtime.open(device, allow_code=True)
    assert all(place.name in told.value.message for place in places)
    assert "teller:small" in told.value.message
    assert "teller:newer" in told.value.message
    assert "edge serve --registry" in told.value.hint
    assert "variants push" in told.value.hint


@pytest.mark.parametrize("damage", ["", "[", "[1]", "{}", "\x00", '{"schema": "modelport/edge-plan/1"}'])
def test_a_damaged_plan_is_set_aside(
    tmp_path: Path, made: dict[str, Made], store: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan, device = plan_of([made["small"].item("small", **FAST)]), tmp_path / "device"
    kept(device, store, plan, unpacked=True)
    (device / "plan.json").write_text(damage, "utf-8")
    with pytest.raises(ModelportError) as told:
        Runtime.open(device, allow_code=True)
    assert str(device / "plan.json") in told.value.message
    assert "nobody to ask" in told.value.message
    assert "plan=" in told.value.hint
    assert (device / "plan.json.damaged").read_text("utf-8") == damage
    (device / "plan.json").write_text(damage, "utf-8")
    with pytest.raises(ModelportError, match=r"plan\.json(.|\n)*modelport edge serve"):
        Runtime.open(device, server=AWAY, device="phone", allow_code=True)
    with opened(device, store, plan) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
    assert any(str(device / "plan.json") in one and "was set aside" in one for one in warnings(caplog))


def test_a_package_that_is_nowhere_is_named_with_the_way_out(
    tmp_path: Path, made: dict[str, Made], store: Path
) -> None:
    nowhere = made["newer"].item("newer") | {"digest": "sha256:" + "0" * 64}
    with pytest.raises(NotFoundError, match="teller:newer") as told:
        opened(tmp_path / "none", store, plan_of([nowhere]))
    for words in ("modelport edge serve --registry", "modelport variants push", "source="):
        assert words in told.value.hint
    with opened(tmp_path / "one", store, plan_of([nowhere, made["small"].item("small")])) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"


def test_what_cannot_be_had_holds_up_no_newer_plan_and_is_had_as_soon_as_it_can(
    tmp_path: Path, made: dict[str, Made]
) -> None:
    gone = made["newer"].item("newer", **FAST)
    plan, device = plan_of([gone, made["small"].item("small", **FAST)]), tmp_path / "device"
    some = stored(tmp_path / "some", made["small"], made["slow"])
    with opened(device, some, plan) as runtime:
        assert runtime.update(plan_of([gone, made["slow"].item("slow", **FAST)]))
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "slow"
        stored(some, made["newer"])
        assert runtime.update(plan_of([gone]))
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "newer"


def test_a_variant_that_was_lost_is_looked_for_again(tmp_path: Path, made: dict[str, Made]) -> None:
    plan = plan_of([made["newer"].item("newer", **FAST), made["small"].item("small", **FAST)])
    some = stored(tmp_path / "some", made["small"])
    with opened(tmp_path / "device", some, plan, every=0.1) as runtime:
        assert runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "small"
        stored(some, made["newer"])
        eventually(lambda: runtime.call("tell", {"x": 1.0}, deadline=60).variant.name == "newer")
