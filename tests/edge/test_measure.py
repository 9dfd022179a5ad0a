"""Measuring variants: every figure that the catalog keeps is there and can be true, and what fails stops no other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.edge.parents import built
from tests.package.conftest import cache, lock
from tests.package.onnx_files import GOOD
from tests.package.test_litert import LITE
from tests.support.commands import CACHE, Workplace

from modelport.catalog import read_yaml
from modelport.catalog.check import check_paths
from modelport.cli.measuring import device_here
from modelport.edge.accuracy import Judge, drop_of, falls_below, is_too_few
from modelport.edge.cache import Cache
from modelport.edge.interface import NotMadeError
from modelport.edge.measure import Subject, measure
from modelport.edge.probe import summary, unlike
from modelport.edge.records import merged
from modelport.errors import InputError, NotFoundError
from modelport.package import Package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.modelpack import manifest_digest
from modelport.package.store import keep_package
from modelport.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["cache", "lock"]

ROWS = np.random.default_rng(5).uniform(-2, 2, (40, 3)).astype(np.float32)
ABOUT: dict[str, Any] = {"name": "numbers", "split": "all of them", "source": "made up", "license": "CC0-1.0"}
VARIANTS = ["float16", "int8", "rounded"]


def scaled(folder: Path, lock: str, *, data: bool = True) -> Package:
    """Return the package of a LiteRT file that multiplies, with data to calibrate it and to judge it by."""
    made = LiteModel(LITE / "scaled.tflite", method="scale")
    made.add_example("scale", {"x": [[1, 1, 1], [0.5, -1, 2]]})
    if data:
        right = {"y": ROWS * np.array([1, 2, 3], np.float32)}
        made.add_data("calibration", "scale", {"x": ROWS}, **ABOUT)
        made.add_data("evaluation", "scale", {"x": ROWS}, right, tolerance=0.1, **ABOUT)
    return Package.read(pack(made, "scaled", folder, known_lock=lock, verify_in=None))


@dataclass(frozen=True, slots=True)
class Measured:
    """A catalog whose model has variants in the store, and what the command said of them."""

    place: Workplace
    document: Mapping[str, Any]
    said: str

    @property
    def catalog(self) -> Path:
        return self.place.folder / "catalog"

    def variants(self) -> dict[str, Any]:
        return {row["name"]: row for row in self.document["variants"]}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Measured:
    folder = tmp_path_factory.mktemp("measured")
    place = Workplace(folder / "work", store=folder / "store")
    versions = place.folder / "catalog/models/scaled/versions"
    versions.mkdir(parents=True)
    (place.folder / "modelport.toml").write_text("", "utf-8")
    package = scaled(folder / "package", lock)
    keep_package(package.folder, folder / "store", tags=["1.0.0"])
    (versions / "1.0.0.yaml").write_text("schema: modelport/version/1\n", "utf-8")
    asked = ["variants", "build", "scaled:1.0.0", "--no-verify", "--only", *VARIANTS]
    place.modelport(*asked, check=True)
    done = place.modelport("variants", "measure", "scaled:1.0.0", "--rounds", "2", "--write", "--json", check=True)
    return Measured(place, json.loads(done.stdout), done.stderr)


def test_each_variant_has_every_figure_and_they_can_be_true(measured: Measured) -> None:
    assert list(measured.variants()) == VARIANTS
    for row in measured.variants().values():
        found = row["measured"][measured.document["device"]]
        assert (row["status"], row["size"] > 0, row["download"] > 0) == ("ok", True, True)
        assert 0 < found["infer"]["min"] <= found["infer"]["p50"] <= found["infer"]["p95"] < 1
        assert (found["threads"], found["xnnpack"], found["load"]["n"]) == (1, True, 2)
        assert found["infer"]["n"] >= 6
        assert found["load"]["min"] > 0
        assert found["first"] > 0
        assert 0 < found["memory"] < 10**9
        assert found["memory"] >= row["size"]
        assert found["call"]["n"] >= 6
        assert found["call"]["min"] > found["infer"]["min"]  # the bare file runs within it
        assert found["open"]["min"] > found["load"]["min"]
        assert found["open"]["n"] == 2
        assert found["spread"] >= 1
        assert row["ratio"] == pytest.approx(found["infer"]["p50"] / found["anchor"], rel=0.01, abs=0.001)
        assert {"threads": 1, "xnnpack": False} in [{"threads": 1, "xnnpack": m["xnnpack"]} for m in found["modes"]]
        assert all("infer" in mode for mode in found["modes"])


def test_accuracy_has_its_interval_and_agreement_is_with_the_parent(measured: Measured) -> None:
    rows = measured.variants()
    assert measured.document["parent"]["value"] == 1
    for name in ("float16", "rounded", "int8"):
        accuracy, agreement = rows[name]["accuracy"], rows[name]["agreement"]
        assert (accuracy["n"], agreement["n"]) == (40, 40)
        assert accuracy["interval"][0] <= accuracy["value"] <= accuracy["interval"][1]
        assert accuracy["data"] == "numbers, all of them"
    assert rows["float16"]["accuracy"]["interval"] == [0.9124, 1.0]  # Wilson's, of 40 of 40
    assert rows["float16"]["agreement"]["value"] == 1
    assert any(row["pareto"] for row in rows.values())


def test_what_is_written_is_a_catalogs_and_the_device_is_in_it(measured: Measured) -> None:
    device = measured.document["device"]
    files = [
        measured.catalog / "models/scaled/variants/1.0.0.yaml", measured.catalog / f"devices/{device}.yaml",
    ]  # fmt: skip
    problems = [str(one) for one in check_paths(files)]  # of the rest of the entry, which is no whole one
    assert [one for one in problems if any(str(file) in one for file in files)] == []
    variants, profile = (read_yaml(one.read_bytes(), str(one)).value for one in files)
    assert [one["name"] for one in variants["variants"]] == VARIANTS
    assert variants["variants"][0]["measured"][device]["infer"]["n"] > 0
    assert (profile["source"], set(profile["anchors"])) == (
        "measured", {"litert-convolutions-float32", "litert-convolutions-int8"},
    )  # fmt: skip
    assert {"cpu", "cores", "flags", "tools", "date", "spread", "system"} <= set(profile)


def test_integers_calibrated_with_what_nobody_asks_are_no_variant(tmp_path: Path, lock: str) -> None:
    nothing = [{"x": np.zeros((1, 3), np.float32)}] * 8
    found = built(scaled(tmp_path / "package", lock), tmp_path / "out", only=["int8"], calibration=nothing)
    assert found["int8"].status == "failed"
    assert "its answers to its parent's examples are 100% off" in found["int8"].message
    assert "calibration" in found["int8"].hint


def test_wrong_usage_is_told_before_anything_is_measured(measured: Measured, tmp_path: Path) -> None:
    place = measured.place
    for asked, said in (
        (["scaled:1.0.0", "--only", "int2"], "there is no variant int2"),
        (["scaled:1.0.0", "--rounds", "1"], "there is no spread of 1 rounds"),
        (["scaled:1.0.0", "--device", "toaster"], "the catalog has no device toaster"),
    ):
        done = place.modelport("variants", "measure", *asked)
        assert (done.returncode, done.stdout, said in done.stderr) == (1, "", True), done.stderr
    elsewhere = Workplace(tmp_path, store=place.store)
    done = elsewhere.modelport("variants", "measure", "scaled:1.0.0", "--write")
    assert (done.returncode, "no catalog here has an entry scaled" in done.stderr) == (1, True)


def test_without_evaluation_data_the_rest_is_measured(tmp_path: Path, lock: str) -> None:
    place = Workplace(tmp_path, store=tmp_path / "store")
    keep_package(scaled(tmp_path / "package", lock, data=False).folder, tmp_path / "store", tags=["1.0.0"])
    place.modelport("variants", "build", "scaled:1.0.0", "--no-verify", "--only", "float16", check=True)
    none = place.modelport("variants", "measure", "scaled:1.0.0", "--rounds", "2", check=True)
    said = " ".join(none.stderr.split())
    assert "no accuracy and no agreement: scaled has no evaluation data" in said
    assert "write a Python file whose typed function asks it" in said  # a bare file has nowhere to add data
    assert none.stdout.splitlines()[0].split()[:2] == ["variant", "size"]
    assert none.stdout.splitlines()[1].startswith("float16 ")


def test_a_file_that_does_not_load_or_run_fails_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "damaged.tflite").write_bytes(b"garbage" * 9)
    (tmp_path / "good.onnx").write_bytes(GOOD)
    subjects = [
        Subject("damaged", tmp_path / "damaged.tflite", "litert"),
        Subject("absent", tmp_path / "absent.onnx", "onnx"),
        Subject("lite", LITE / "scaled.tflite", "litert"),
        Subject("onnx", tmp_path / "good.onnx", "onnx"),
    ]
    found = measure(subjects, rounds=2, threads=2, tell=lambda _: None)
    assert "it is not a LiteRT file" in found.figures["damaged"].failed
    assert "absent.onnx" in found.figures["absent"].failed
    for name, count in (("lite", 2), ("onnx", 1)):
        assert (found.figures[name].failed, len(found.figures[name].document["modes"])) == ("", count)
    assert "xnnpack" not in found.figures["onnx"].document
    assert set(found.anchors) == {
        "litert-convolutions-float32", "litert-convolutions-int8", "onnx-convolutions-float32",
    }  # fmt: skip
    assert found.spread >= 1
    with pytest.raises(InputError, match="no spread of 1 rounds"):
        measure(subjects, rounds=1)


def test_memory_counts_the_file_itself(tmp_path: Path) -> None:
    """LiteRT computes on the file's own bytes: what they take is taken, though nothing copies them."""
    large = tmp_path / "large.tflite"
    large.write_bytes((LITE / "scaled.tflite").read_bytes() + bytes(range(256)) * 2**17)
    found = measure([Subject("large", large, "litert")], rounds=2, threads=1, tell=lambda _: None)
    assert found.figures["large"].document["memory"] >= large.stat().st_size


def test_only_the_machine_itself_measures_under_its_name(measured: Measured, tmp_path: Path) -> None:
    here = measured.document["device"]
    place = Workplace(tmp_path, store=measured.place.store)
    (tmp_path / "modelport.toml").write_text("", "utf-8")
    devices = tmp_path / "catalog/devices"
    devices.mkdir(parents=True)
    own = (measured.catalog / f"devices/{here}.yaml").read_text("utf-8")
    (devices / "phone.yaml").write_text(own.replace("source: measured", "source: published"), "utf-8")
    (devices / "desk.yaml").write_text(own, "utf-8")
    assert device_here("desk", load_settings(tmp_path)) == "desk"
    assert device_here("this", load_settings(tmp_path)) == here
    (devices / f"{here}.yaml").write_text(own.replace("\ncpu: ", "\ncpu: another "), "utf-8")
    for asked, said in (("phone", "were published by others"), (here, "another machine than this: cpu differ")):
        for name in {asked, "this"} if asked == here else {asked}:
            done = place.modelport("variants", "measure", "scaled:1.0.0", "--device", name)
            assert (done.returncode, said in done.stderr) == (1, True), done.stderr
            assert "modelport device profile" in done.stderr


def test_a_machine_is_known_by_what_times_depend_on() -> None:
    here = {"cpu": "A", "cores": 2, "flags": ["avx", "fma"], "memory": 8_000, "system": "Linux"}
    assert unlike({**here, "system": "Linux again", "memory": 7_500, "flags": ["fma", "avx"]}, here) == []
    assert unlike({"cpu": "B", "cores": 4, "flags": ["avx"], "memory": 4_000}, here) == [
        "cpu",
        "cores",
        "flags",
        "memory",
    ]


def test_interrupted_calls_are_counted_and_are_waited_for() -> None:
    told = summary([1.0] * 90, [5.0] * 10)
    assert (told["p50"], told["mean"], told["p95"], told["n"], told["interrupted"]) == (1.0, 1.0, 5.0, 90, 0.1)
    assert "interrupted" not in summary([1.0] * 90)


def test_the_parent_is_asked_once(tmp_path: Path, lock: str) -> None:
    package, kept = scaled(tmp_path / "package", lock), Cache(tmp_path / "cache")
    digest = str(manifest_digest(package))
    first = Judge(package.folder, digest, kept)
    (package.folder / "state/scaled.tflite").write_bytes(b"it would not answer a second time")
    assert Judge(package.folder, digest, kept).parent == first.parent
    for file in (kept.folder / "answers").iterdir():
        file.write_text("damaged", "utf-8")
    with pytest.raises(NotMadeError, match="it is not a LiteRT file"):
        Judge(package.folder, digest, kept)


def test_a_variant_that_loses_more_than_its_limit_says_so(tmp_path: Path, lock: str) -> None:
    package = scaled(tmp_path / "package", lock)
    built(package, tmp_path / "out", only=["rounded"], cache=CACHE)
    variant = tmp_path / "out/rounded"
    judge = Judge(package.folder, str(manifest_digest(package)), Cache(tmp_path / "cache"))
    assert "message" not in judge.judge(variant, "rounded")
    content = (variant / "state/scaled.tflite").read_bytes()
    three = np.float32(3).tobytes()
    assert three in content
    (variant / "state/scaled.tflite").write_bytes(content.replace(three, np.float32(30).tobytes()))
    assert "it is less accurate than its parent by" in judge.judge(variant, "rounded")["message"]
    with pytest.raises(NotFoundError, match="has no evaluation data"):
        Judge(variant, "sha256:1", Cache(tmp_path / "cache"))


ANSWERS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(ANSWERS)
def test_a_drop_is_the_difference_of_two_accuracies_and_none_fails_that_drops_none(
    pairs: list[tuple[bool, bool]],
) -> None:
    parent, variant = [one for one, _ in pairs], [one for _, one in pairs]
    drop, error = drop_of(parent, variant)
    assert drop == pytest.approx((sum(parent) - sum(variant)) / len(pairs))
    assert drop_of(variant, parent) == pytest.approx((-drop, error))
    assert not (drop <= 0.03 and falls_below(parent, variant, 0.03))
    assert drop <= 0.03 or falls_below(parent, variant, 0.03) or is_too_few(len(pairs), 0.03)
    assert drop_of(parent, parent) == (0, 0)


@pytest.mark.parametrize(
    ("n", "lost", "fails"),
    [(381, 17, True), (100, 8, True), (100, 3, False), (40, 2, True), (20, 1, False), (20, 19, True)],
)
def test_above_the_limit_is_failed_and_a_few_answers_fail_only_what_is_surely_worse(
    n: int, lost: int, *, fails: bool
) -> None:
    parent, variant = [True] * n, [place >= lost for place in range(n)]
    assert falls_below(parent, variant, 0.03) == fails
    assert is_too_few(n, 0.03) == (n == 20)


@given(st.lists(st.floats(1e-7, 10), min_size=1, max_size=400))
def test_a_summary_lies_within_its_samples(samples: list[float]) -> None:
    told = summary(samples)
    assert told["n"] == len(samples)
    assert told["min"] <= told["p50"] <= told["p95"]
    assert told["min"] <= told["mean"]
    below = sum(one <= told["p95"] * 1.001 for one in samples)
    assert below >= 0.95 * len(samples)
    assert told["p95"] <= max(samples) * 1.001


def test_figures_of_other_devices_stay_only_of_the_same_variant() -> None:
    def row(digest: str, **more: object) -> dict[str, Any]:
        return {"name": "int8", "status": "ok", "digest": digest, **more}

    other = {"name": "float32", "status": "ok", "digest": "f"}
    before = {
        "of": "parent", "tools": {"numpy": "1"},
        "variants": [other, row("a", accuracy={"value": 1}, measured={"phone": 1, "here": 2})],
    }  # fmt: skip
    same = merged(before, "parent", [row("a", measured={"here": 3})], "here", {"onnxruntime": "2"})
    assert same["variants"] == [other, row("a", accuracy={"value": 1}, measured={"here": 3, "phone": 1})]
    assert {"numpy", "onnxruntime", "modelport"} == set(same["tools"])
    changed = merged(before, "parent", [row("b", measured={"here": 3})], "here", {})
    assert changed["variants"] == [other, row("b", measured={"here": 3})]
    assert merged(before, "another", [row("a")], "here", {})["variants"] == [row("a")]
