"""The variants that our own catalog lists: each entry's newest version has some, and how well they answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelport.edge.profiles import device_of, times_of
from modelport.types import Version

CATALOG = Path(__file__).parents[2] / "catalog"
MODELS = CATALOG / "models"
PHONES = ["pixel-2", "lg-g3", "moto-g5-plus", "nexus-5"]
NAMES = sorted(one.parent.name for one in MODELS.glob("*/variants"))


def read(file: Path) -> Any:  # noqa: ANN401 - a document
    return yaml.safe_load(file.read_text("utf-8"))


def newest(name: str) -> Path:
    return max((MODELS / name / "versions").glob("*.yaml"), key=lambda file: Version.parse(file.stem))


def test_three_entries_of_three_kinds_have_variants() -> None:
    assert {"fashion-classifier", "iris-forest", "voice-activity"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_newest_version_has_data_to_judge_variants_on_and_each_that_works_was_judged(name: str) -> None:
    version = read(newest(name))
    assert "data/evaluation.binpb" in {one["path"] for one in version["files"]}
    document = read(MODELS / name / "variants" / newest(name).name)
    assert document["of"] == version["digest"]
    works = [one for one in document["variants"] if one["status"] == "ok"]
    assert works
    for one in works:
        assert 0 < one["accuracy"]["n"] == one["agreement"]["n"], one["name"]
        assert one["measured"], one["name"]
    for one in document["variants"]:
        assert (one["status"] == "ok") != bool(one.get("message")), one["name"]


def test_no_flower_that_is_judged_on_was_trained_on() -> None:
    document = read(MODELS / "iris-forest" / "variants" / newest("iris-forest").name)
    accuracy = next(one for one in document["variants"] if one["name"] == "onnx")["accuracy"]
    (published,) = read(newest("iris-forest"))["evaluations"]
    assert (accuracy["n"], accuracy["value"]) == (published["n"], published["value"]) == (50, 0.98)
    assert "held out" in accuracy["data"]


@pytest.fixture(scope="module")
def devices() -> dict[str, Any]:
    return {file.stem: device_of(file.stem, read(file)) for file in (CATALOG / "devices").glob("*.yaml")}


@pytest.mark.parametrize("phone", PHONES)
def test_on_published_phones_times_of_litert_variants_are_estimated(phone: str, devices: dict[str, Any]) -> None:
    document = read(MODELS / "fashion-classifier" / "variants" / newest("fashion-classifier").name)
    works = {one["name"]: one for one in document["variants"] if one["status"] == "ok"}
    for name, one in works.items():
        times = times_of(one, devices[phone], devices)
        assert times.estimated, name
        assert times.source in one["measured"]
        # A phone of those years takes ten times as long at the least, and no thousand times.
        assert 5 < times.infer.mean / one["measured"][times.source]["infer"]["mean"] < 500, name


def test_the_older_phones_are_as_much_slower_than_the_pixel_as_the_paper_says(devices: dict[str, Any]) -> None:
    name = "litert-inception-v3-float32"
    for phone in PHONES[1:]:
        assert devices["pixel-2"].ratio(name, devices[phone]) == pytest.approx(2.3, rel=0.01)
