"""``list``, ``search`` and ``show``: what they print, leave out and tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.commands import Workplace
from tests.support.entries import entry_name, write_catalog

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

HELLO = """\
from modelport import Model

def greet(name: str) -> str:
    return f"Hello, {name}!"

model = Model(greet=greet)
"""
DEPRECATED, BEFORE_IT = entry_name(39), entry_name(38)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Give a catalog of 44 models: one deprecated, one a draft, one with a yanked version."""
    root = write_catalog(tmp_path_factory.mktemp("browse") / "repository", 44)
    models = root / "catalog/models"
    change(models / entry_name(1), "lifecycle: published", "lifecycle: draft")
    change(
        models / entry_name(0),
        "citation:",
        "yanked: [{version: 1.1.0, reason: It was trained on the test data.}]\n"
        "links: {paper: https://example.org/paper}\n"
        "lineage: [{relation: distilled, source: https://example.org/teacher}]\ncitation:",
    )
    return Workplace(root, store=root.parent / "store")


def change(entry: Path, old: str, new: str) -> None:
    text = (entry / "model.yaml").read_text("utf-8")
    assert old in text
    (entry / "model.yaml").write_text(text.replace(old, new, 1), "utf-8")


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return [row["name"] for row in rows]


def test_a_list_leaves_out_what_nobody_should_take_up_and_says_so(place: Workplace) -> None:
    done = place.modelport("list", "--json", check=True)
    assert len(names(done)) == 42
    assert done.stderr == "2 more: drafts, deprecated or yanked; --all lists them, too\n"
    everything = place.modelport("list", "--json", "--all", check=True)
    assert set(names(everything)) - set(names(done)) == {DEPRECATED, entry_name(1)}
    assert everything.stderr == ""
    asked = place.modelport("list", "--lifecycle", "deprecated", check=True)
    assert asked.stdout.split()[0] == DEPRECATED
    assert "(deprecated)" in asked.stdout
    assert asked.stderr == ""


def test_filters_hold_together_and_their_values_are_alternatives(place: Workplace) -> None:
    rows = json.loads(place.modelport("list", "--json", "--all", check=True).stdout)

    def listed(*options: str) -> set[str]:
        return set(names(place.modelport("list", "--json", "--all", *options, check=True)))

    assert listed("--task", "text-classification") == {
        row["name"] for row in rows if row["task"] == "text-classification"
    }
    both = listed("--framework", "scikit-learn", "--framework", "onnxruntime", "--max-size", "1 MB")
    assert both == {
        row["name"] for row in rows if {"scikit-learn", "onnxruntime"} & {*row["frameworks"]} and row["size"] <= 10**6
    }
    assert listed("--license", "permissive", "--takes", "image", "--publisher", "modelport") == {
        row["name"]
        for row in rows
        if (row["license_class"], row["publisher_id"]) == ("permissive", "modelport") and "image" in row["takes"]
    }


def test_the_order_is_the_one_asked_for(place: Workplace) -> None:
    for order, key, down in (("name", "name", False), ("released", "released", True), ("size", "size", False)):
        rows = json.loads(place.modelport("list", "--json", "--sort", order, check=True).stdout)
        keys = [row[key] for row in rows]
        assert keys == sorted(keys, reverse=down)


def test_a_value_that_no_model_has_is_told_with_what_it_may_mean(place: Workplace) -> None:
    done = place.modelport("list", "--task", "text-clasification", check=True)
    assert done.stdout == ""
    assert "did you mean text-classification?" in done.stderr
    assert "there are: " in place.modelport("list", "--format", "cassette", check=True).stderr
    refused = place.modelport("list", "--max-size", "large")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "for instance 20MB" in refused.stderr


def test_a_search_is_filtered_and_finding_nothing_is_status_1(place: Workplace) -> None:
    assert names(place.modelport("search", "--json", "traffic", "flow", check=True)) == ["amber-traffic-flow"]
    filtered = place.modelport("search", "traffic", "flow", "--task", "text-classification")
    assert (filtered.returncode, filtered.stdout) == (1, "")
    assert "the filters" in filtered.stderr
    left_out = place.modelport("search", DEPRECATED)
    assert DEPRECATED not in left_out.stdout
    assert "--all lists them, too" in left_out.stderr
    assert DEPRECATED in place.modelport("search", DEPRECATED, "--all", check=True).stdout


def test_show_tells_all_that_helps_to_choose(place: Workplace) -> None:
    shown = place.modelport("show", entry_name(0), check=True).stdout
    for said in (
        "Version 1.1.0 is yanked: It was trained on the test data.", "https://example.org/paper",
        "distilled from https://example.org/teacher", "On apple blight", "of memory", "completeness", "of 100",
    ):  # fmt: skip
        assert said in shown
    assert shown.startswith(f"{entry_name(0)} 1.0.0\n")  # the newest that is not yanked
    warned = place.modelport("show", DEPRECATED, check=True).stdout
    assert f"This model is deprecated: The one before it is better.; use {BEFORE_IT}" in warned


def test_show_goes_by_the_digest_that_is_given(place: Workplace) -> None:
    versions = json.loads(place.modelport("show", entry_name(0), "--versions", "--json", check=True).stdout)
    for one in versions:
        for reference in (f"@{one['digest']}", f":{one['version']}@{one['digest']}"):
            shown = place.modelport("show", f"{entry_name(0)}{reference}", "--json", check=True).stdout
            assert json.loads(shown)["version"] == one["version"]
    for nothing in (f"@sha256:{'0' * 64}", f":{versions[1]['version']}@{versions[0]['digest']}"):
        done = place.modelport("show", f"{entry_name(0)}{nothing}")
        assert (done.returncode, done.stdout) == (1, "")
        assert f"the catalog has no {entry_name(0)}{nothing}" in done.stderr


def test_show_tells_of_a_model_that_has_no_version_to_take_up(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "repository", 2)
    change(
        root / "catalog/models" / entry_name(0),
        "citation:",
        "yanked: [{version: 1.1.0, reason: Bad.}, {version: 1.0.0, reason: Bad.}]\ncitation:",
    )
    change(root / "catalog/models" / entry_name(0), "lifecycle: published", "lifecycle: yanked\nreason: Bad.")
    place = Workplace(root, store=tmp_path / "store")
    place.modelport("init", "my-line", "--summary", "Draws a line.", check=True)
    draft = place.modelport("show", "my-line", check=True)
    assert draft.stdout.startswith("my-line\nDraws a line.\nThis model is draft\nIt has no version yet\n")
    assert json.loads(place.modelport("show", "my-line", "--json", check=True).stdout)["versions"] == []
    assert place.modelport("show", "my-line:1.0.0").returncode == 1
    yanked = place.modelport("show", entry_name(0), check=True).stdout
    assert "No version of it is left\n" in yanked
    assert place.modelport("show", f"{entry_name(0)}:1.0.0", check=True).stdout.startswith(f"{entry_name(0)} 1.0.0\n")
    (root / "hello.py").write_text(HELLO, encoding="utf-8")
    place.modelport("pack", "hello.py", "--no-verify", "--name", "my-line", check=True)
    packed = place.modelport("show", "my-line", check=True).stdout
    assert "It has no version yet; this is the package in the store\n" in packed
    assert "takes name" in packed


def test_show_lists_the_versions(place: Workplace) -> None:
    done = place.modelport("show", entry_name(0), "--versions", check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("1.1.0")
    assert "yanked: It was trained on the test data." in first
    assert second.startswith("1.0.0")
    assert "latest" in second
    rows = json.loads(place.modelport("show", entry_name(0), "--versions", "--json", check=True).stdout)
    assert [row["version"] for row in rows] == ["1.1.0", "1.0.0"]
    assert place.modelport("show", "nothing", "--versions").returncode == 1


def test_a_misspelt_name_is_answered_with_the_nearest(place: Workplace) -> None:
    for name in ("amber-traffic-flwo", "amber-traffic-flwo:1.0.0"):
        done = place.modelport("show", name)
        assert done.returncode == 1
        assert "did you mean amber-traffic-flow?" in done.stderr
    assert "did you mean" not in place.modelport("show", "quite-another-thing").stderr


def test_one_entrys_problems_do_not_hide_another_from_show(tmp_path: Path) -> None:
    root = write_catalog(tmp_path / "repository", 2)
    (root / "catalog/models" / entry_name(1) / "card.md").write_text("")
    place = Workplace(root, store=tmp_path / "store")
    assert place.modelport("show", entry_name(0), check=True).stdout.startswith(entry_name(0))
    assert "card.md: is empty" in place.modelport("list").stderr
