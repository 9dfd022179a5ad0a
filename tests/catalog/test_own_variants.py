"""The variants that our own catalog lists: each entry's newest version has some, and how well they answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelport.types import Version

MODELS = Path(__file__).parents[2] / "catalog" / "models"
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
