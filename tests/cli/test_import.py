"""``modelport import``: what may be said to it, what it says, and that it writes everything or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.package.acumos_bundles import write_bundle
from tests.support.commands import Workplace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Give a repository whose catalog is empty, with an Acumos bundle beside it."""
    (tmp_path / "repository/catalog/models").mkdir(parents=True)
    (tmp_path / "repository/modelport.toml").write_text("", encoding="utf-8")
    write_bundle(tmp_path / "bundle", "0.8.0", tmp_path / "touched")
    return Workplace(tmp_path / "repository", store=tmp_path / "store")


def test_json_says_what_was_found(place: Workplace) -> None:
    done = place.modelport("import", "acumos", "../bundle", "--name", "adder", "--json", check=True)
    said = json.loads(done.stdout)
    assert (said["name"], said["entry"], said["digest"]) == ("adder", "catalog/models/adder", None)
    assert said["imported"]["runtime"] == {"language": "python", "version": "3.6.8", "client": "acumos 0.8.0"}
    assert said["note"].startswith("It needs its old runtime: Python 3.6.8 with acumos 0.8.0")
    text = (place.folder / "catalog/models/adder/model.yaml").read_text("utf-8")
    assert "name: adder\ntitle: example-model\n" in text
    assert "lifecycle: draft\n" in text


def test_out_is_a_folder_of_ones_own(place: Workplace) -> None:
    done = place.modelport("import", "acumos", "../bundle", "--out", "drafts", check=True)
    assert done.stdout == "drafts/example-model\n"
    assert sorted(one.name for one in (place.folder / "drafts").iterdir()) == ["example-model"]
    assert not list((place.folder / "catalog/models").iterdir())
    assert place.modelport("check", "drafts/example-model", check=True).stderr.startswith("no problems")


def test_a_name_that_is_taken_or_none_stops_it_before_anything_is_written(place: Workplace) -> None:
    place.modelport("import", "acumos", "../bundle", check=True)
    again = place.modelport("import", "acumos", "../bundle")
    assert again.returncode == 1
    assert "error: example-model is in the catalog already" in again.stderr
    near = place.modelport("import", "acumos", "../bundle", "--name", "example_model")
    assert "example_model can be taken for example-model" in near.stderr
    bad = place.modelport("import", "acumos", "../bundle", "--name", "My Model")
    assert "hint: use 'my-model'" in bad.stderr
    assert [one.name for one in (place.folder / "catalog/models").iterdir()] == ["example-model"]


@pytest.mark.parametrize("form", ["acumos", "mlflow", "onnx", "huggingface-folder"])
def test_what_is_not_there_or_not_of_the_format_is_told_without_a_traceback(
    form: str, place: Workplace, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    for path in ("../none", "../empty", "../text"):
        done = place.modelport("import", form, path)
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert "Traceback" not in done.stderr
    assert not list((place.folder / "catalog/models").iterdir())


def test_another_format_is_a_wrong_usage(place: Workplace) -> None:
    done = place.modelport("import", "pickle", "../bundle")
    assert done.returncode == 2
    assert "acumos" in done.stderr


def test_the_next_step_is_one_that_works(place: Workplace) -> None:
    done = place.modelport("import", "acumos", "../bundle", "--out", "drafts", check=True)
    assert "modelport check drafts/example-model" in done.stderr


def test_a_folder_that_is_there_says_how_to_go_on(place: Workplace) -> None:
    place.modelport("import", "acumos", "../bundle", "--out", "drafts", check=True)
    again = place.modelport("import", "acumos", "../bundle", "--out", "drafts")
    assert again.returncode == 1
    assert "drafts/example-model is there already" in again.stderr
    assert "hint: give another --name" in again.stderr


def test_without_a_catalog_out_is_the_way(place: Workplace) -> None:
    (place.folder / "modelport.toml").unlink()
    done = place.modelport("import", "acumos", "../bundle")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--out DIR" in done.stderr
