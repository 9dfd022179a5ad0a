"""``modelport store``: what is there, whether it is sound, and what can go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.package.conftest import adder
from tests.support.artifacts import put_artifact
from tests.support.damage import overwrite

from modelport.oci import Descriptor, Layout, Registry, pull, push
from modelport.oci.store.tags import EMPTY
from modelport.oci.walk import reachable
from modelport.package import pack
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from tests.support.commands import Workplace
    from tests.support.registry import DockerRegistry


@pytest.fixture
def layout(workplace: Workplace) -> Layout:
    """Give the store of the workplace, with one tag."""
    layout = Layout(workplace.folder / "store")
    layout.tag("a:1", put_artifact(layout, b"weights"))
    return layout


def test_a_sound_store_is_said_to_be_sound(workplace: Workplace, layout: Layout) -> None:
    done = workplace.modelport("store", "check")
    assert (done.returncode, done.stdout) == (0, "")
    assert "3 objects" in done.stderr
    assert "all sound" in done.stderr
    assert str(layout.path) in done.stderr


def test_damage_is_told_and_set_aside(workplace: Workplace, layout: Layout) -> None:
    blob = Descriptor.of(b"weights")
    overwrite(layout.file(blob), b"weighty")
    done = workplace.modelport("store", "check")
    assert done.returncode == 1
    assert str(blob.digest) in done.stdout
    assert "needed by" in done.stdout
    assert "a:1" in done.stdout
    assert "--repair" in done.stderr
    again = workplace.modelport("store", "check", "--json")
    assert again.returncode == 1
    report = json.loads(again.stdout)
    assert [(one["kind"], one["what"], one["tags"]) for one in report["problems"]] == [
        ("missing", str(blob.digest), ["a:1"])
    ]
    assert len(report["quarantined"]) == 1


def test_what_came_from_a_registry_is_repaired_from_it(
    workplace: Workplace, layout: Layout, docker_registry: DockerRegistry, unique_repository: str
) -> None:
    registry = Registry(docker_registry.host)
    push(layout, layout.resolve("a:1"), registry, unique_repository, tags=["1"])
    layout.untag("a:1")
    name = f"{docker_registry.host}/{unique_repository}:1"
    manifest = pull(registry, unique_repository, "1", layout, name=name)
    layout.file(manifest).unlink()
    layout.file(Descriptor.of(b"weights")).unlink()
    local = put_artifact(layout, b"of nowhere else")
    layout.tag("mine:1", local)
    layout.file(local).unlink()
    done = workplace.modelport("store", "check", "--repair")
    assert done.returncode == 1
    assert f"{manifest.digest}: fetched again" in done.stdout
    assert f"{Descriptor.of(b'weights').digest}: fetched again" in done.stdout
    assert f"{local.digest}: it is missing" in done.stdout
    assert "mine:1 came from no registry" in done.stdout
    assert layout.is_sound(manifest)
    workplace.modelport("store", "remove", "mine:1", check=True)
    assert workplace.modelport("store", "check").returncode == 0


def test_a_list_tells_how_much_each_tag_needs(workplace: Workplace, layout: Layout) -> None:
    (row,) = json.loads(workplace.modelport("store", "list", "--json", check=True).stdout)
    assert (row["name"], row["bytes"]) == ("a:1", None)  # no package of ours, and that is said
    kept = keep_package(pack(adder(), "adder", workplace.folder / "package", verify_in=None), layout.path, tags=["1"])
    rows = json.loads(workplace.modelport("store", "list", "--json", check=True).stdout)
    needed = reachable(kept.index, layout.read)
    assert {r["name"]: r["bytes"] for r in rows}["adder:1"] == sum(node.size for node in needed)
    assert " kB  pulled" in workplace.modelport("store", "list", check=True).stdout


@pytest.mark.parametrize("damage", ["{", '{"manifests": 1}', None])
def test_a_list_that_is_lost_has_a_way_back(workplace: Workplace, layout: Layout, damage: str | None) -> None:
    index, manifest = layout.path / "index.json", layout.resolve("a:1")
    index.unlink()
    if damage is not None:
        index.write_text(damage, "utf-8")
    for command in (["store", "list"], ["pull", "a"], ["store", "check"], ["store", "check", "--repair"]):
        done = workplace.modelport(*command)
        assert done.returncode == 1
        (hint,) = [line for line in done.stderr.splitlines() if "hint: " in line]
        assert f"write {EMPTY} into it" in hint
    index.write_text(EMPTY, "utf-8")
    layout.tag("a:1", manifest)
    assert "all sound" in workplace.modelport("store", "check", check=True).stderr


def test_removed_tags_and_collected_garbage_free_space(workplace: Workplace, layout: Layout) -> None:
    layout.tag("b:1", put_artifact(layout, b"other"))
    assert "b:1" in workplace.modelport("store", "remove", "b:1", check=True).stderr
    assert list(layout.tags()) == ["a:1"]
    planned = json.loads(workplace.modelport("store", "gc", "--dry-run", "--grace", "0s", "--json", check=True).stdout)
    assert planned["dry_run"] is True
    assert len(planned["deleted"]) == 2
    assert planned["bytes"] > 5
    assert workplace.modelport("store", "gc", check=True).stdout == ""  # an hour is the grace
    done = workplace.modelport("store", "gc", "--grace", "0", check=True)
    assert Descriptor.of(b"other").digest.hex in done.stdout
    assert "deleted: 2 objects" in done.stderr
    assert not layout.has(Descriptor.of(b"other"))
    assert workplace.modelport("store", "check").returncode == 0


def test_nothing_is_removed_where_one_name_is_wrong(workplace: Workplace, layout: Layout) -> None:
    done = workplace.modelport("store", "remove", "a:1", "b:1")
    assert done.returncode == 1
    assert "b:1" in done.stderr
    assert list(layout.tags()) == ["a:1"]


def test_collecting_refuses_what_it_cannot_see_through(workplace: Workplace, layout: Layout) -> None:
    layout.file(layout.resolve("a:1")).unlink()
    done = workplace.modelport("store", "gc", "--grace", "0")
    assert done.returncode == 1
    assert "modelport store check --repair" in done.stderr
    assert layout.has(Descriptor.of(b"weights"))


@pytest.mark.parametrize("text", ["1w", "-1", "h", "1.5h", ""])
def test_what_is_no_duration_is_wrong_usage(workplace: Workplace, text: str) -> None:
    done = workplace.modelport("store", "gc", f"--grace={text}")
    assert done.returncode == 2
    assert "duration" in done.stderr
