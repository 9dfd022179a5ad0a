"""Models of other tools, the whole way: imported, checked, shown, listed, on the site; nothing of theirs is run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.package.acumos_bundles import CLIENTS, write_bundle
from tests.package.onnx_files import field, scaled
from tests.support.commands import Workplace

from modelport.package.state.safetensors import write_tensors

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Give a repository whose catalog is empty."""
    (tmp_path / "repository/catalog").mkdir(parents=True)
    (tmp_path / "repository/modelport.toml").write_text("", encoding="utf-8")
    return Workplace(tmp_path / "repository", store=tmp_path / "store")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_acumos_bundle_becomes_an_entry_that_says_what_it_needs(
    client: str, place: Workplace, tmp_path: Path
) -> None:
    marker = tmp_path / "touched"
    terms = json.dumps({"keyword": "Apache-2.0", "licenseName": "Apache License 2.0"})
    bundle = write_bundle(tmp_path / "bundle", client, marker, license_json=terms)
    python, dill = CLIENTS[client]["python"], CLIENTS[client]["dill"]
    note = f"It needs its old runtime: Python {python} with acumos {client}, dill {dill}; it cannot be called here"

    done = place.modelport("import", "acumos", bundle, check=True)
    assert done.stdout == "catalog/models/example-model\n"
    assert note in done.stderr
    entry = place.folder / "catalog/models/example-model"
    assert sorted(one.name for one in entry.iterdir()) == ["card.md", "model.yaml"]

    assert place.modelport("check", check=True).stderr == "no problems\n"
    shown = place.modelport("show", "example-model", check=True).stdout
    assert note in shown
    assert "count: Counts the occurrences of words in `strings`" in shown
    assert "Apache-2.0" in shown
    listed = place.modelport("list", "--all", check=True).stdout
    assert f"(needs Python {python}: cannot be called here)" in listed
    assert "example-model" in place.modelport("search", "strings", "--all", check=True).stdout

    place.modelport("site", "build", "--out", tmp_path / "site", check=True)
    page = (tmp_path / "site/models/example-model/index.html").read_text("utf-8")
    assert note in page
    assert "<code>count</code>" in page
    assert "modelport pull" not in page
    assert f"acumos=={client}" in page
    assert not marker.exists()


def test_an_onnx_file_becomes_a_package_that_answers_and_an_entry_that_pins_it(
    place: Workplace, tmp_path: Path
) -> None:
    said = field(14, field(1, "license") + field(2, "mit")) + field(2, "pytorch")
    (tmp_path / "scaler.onnx").write_bytes(scaled(said))
    done = place.modelport("import", "onnx", tmp_path / "scaler.onnx", check=True)
    assert done.stdout == "catalog/models/scaler\n"
    assert "modelport submit scaler 1.0.0 --package scaler" in done.stderr
    answer = place.modelport("call", "scaler", "predict", '{"x": [[1, 2, 3]]}', check=True)
    assert json.loads(answer.stdout) == {"y": [[1.0, 4.0, 9.0]]}
    assert place.modelport("check", check=True).stderr == "no problems\n"
    assert "licence      MIT" in place.modelport("show", "scaler", check=True).stdout


def test_a_folder_of_the_hub_without_onnx_becomes_an_entry_alone(place: Workplace, tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    claim = {"dataset": {"name": "GLUE"}, "metrics": [{"type": "accuracy", "value": 0.91}]}
    matter = {"license": "apache-2.0", "language": "en", "model-index": [{"name": "bert", "results": [claim]}]}
    (folder / "README.md").write_text(f"---\n{json.dumps(matter)}\n---\n# Tiny BERT\n\nIt reads.\n", encoding="utf-8")
    (folder / "config.json").write_text('{"transformers_version": "4.44.0"}', encoding="utf-8")
    write_tensors(folder / "model.safetensors", {}, {})
    (folder / "modeling_tiny.py").write_text("raise SystemExit", encoding="utf-8")
    place.modelport("import", "huggingface-folder", folder, "--name", "tiny-bert", check=True)
    assert place.modelport("check", check=True).stderr == "no problems\n"
    note = "It needs its old runtime: Python with transformers 4.44.0; it cannot be called here"
    assert note in place.modelport("show", "tiny-bert", check=True).stdout
    card = (place.folder / "catalog/models/tiny-bert/card.md").read_text("utf-8")
    assert "| GLUE | accuracy | 0.91 |" in card
    assert "## It brings its own code" in card
    place.modelport("site", "build", "--out", tmp_path / "site", check=True)
    page = (tmp_path / "site/models/tiny-bert/index.html").read_text("utf-8")
    assert note in page
    assert "model.safetensors" in page
    assert "From Hugging Face." in page
