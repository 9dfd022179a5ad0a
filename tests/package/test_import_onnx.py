"""ONNX files and Hugging Face folders: data-only packages, and drafts with what their sources say."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pytest
from tests.package.acumos_bundles import Payload
from tests.package.onnx_files import EXTERNAL, GOOD, field, scaled, tensor

from modelport.errors import FormatError, PackError
from modelport.package.files.onnx import OnnxModel
from modelport.package.importers.huggingface import import_huggingface
from modelport.package.importers.onnx import import_onnx

if TYPE_CHECKING:
    from pathlib import Path


def prop(key: str, value: str) -> bytes:
    return field(14, field(1, key) + field(2, value))


def test_an_onnx_file_says_who_made_it(tmp_path: Path) -> None:
    file = tmp_path / "Scale by three.onnx"
    said = [prop("License", "apache-2.0"), prop("author", "Ada"), prop("description", "Scales.\nBy three.")]
    file.write_bytes(scaled(field(2, "pytorch"), field(3, "2.9|[x](y)"), *said, prop("tags", "Scaling, Maths")))
    found = import_onnx(file)
    assert found.name == "scale-by-three"
    assert isinstance(found.model, OnnxModel)
    assert found.known == {
        "title": "Scale by three", "license": "Apache-2.0", "summary": "Scales. By three.", "author": "Ada",
        "tags": ["scaling", "maths"],
    }  # fmt: skip
    assert found.origin["format"] == "IR 8"
    assert "runtime" not in found.origin
    assert found.origin["files"][0]["path"] == "Scale by three.onnx"
    assert r"| producer version | 2.9\|\[x\](y) |" in found.card
    assert found.signature is not None
    assert [f["name"] for f in found.signature["messages"][0]["fields"]] == ["x"]


def test_an_onnx_file_that_says_nothing_and_one_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(GOOD)
    assert import_onnx(file).known == {"title": "m", "license": "LicenseRef-TODO"}
    file.write_bytes(b"hello")
    with pytest.raises(PackError, match="is not an ONNX file"):
        import_onnx(file)


README = """\
---
license: apache-2.0
language: [en, "no", multilingual]
tags: [Text Scaling, "region:us", exbert]
datasets: [org/data, "https://evil"]
base_model: org/base
base_model_relation: quantized
pipeline_tag: text-classification
library_name: transformers
model-index:
- name: scaler
  results:
  - task: {type: text-classification}
    dataset: {name: "GLUE | sst2", type: glue}
    metrics:
    - {type: accuracy, value: 0.91}
    - {type: f1, name: F1, value: 0.9, verified: true}
---

# Scaler

<img src="x">

It scales [things](http://x) by **three**.

More.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder as it is downloaded, whose pickled weights would touch a file."""
    made = tmp_path / "scaler"
    (made / "onnx").mkdir(parents=True)
    (made / ".cache").mkdir()
    (made / ".cache/x").write_text("x", encoding="utf-8")
    (made / "README.md").write_text(README, encoding="utf-8")
    (made / "LICENSE").write_text("Apache", encoding="utf-8")
    config = {"transformers_version": "4.44.0", "id2label": {"0": "neg", "1": "pos"}}
    (made / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (made / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(tmp_path / "touched")))
    (made / "onnx/model.onnx").write_bytes(GOOD)
    return made


def test_a_folder_with_onnx_becomes_a_package(folder: Path, tmp_path: Path) -> None:
    found = import_huggingface(folder)
    assert isinstance(found.model, OnnxModel)
    assert found.model.license == b"Apache"
    assert found.known == {
        "title": "Scaler",
        "license": "Apache-2.0",
        "summary": "It scales things by **three**.",
        "task": "text-classification",
        "tags": ["text-scaling", "exbert"],
        "training_data": [{"name": "org/data", "source": "https://huggingface.co/datasets/org/data"}],
        "lineage": [{"relation": "quantized", "source": "https://huggingface.co/org/base"}],
        "languages": ["en", "no"],
    }
    assert "runtime" not in found.origin
    assert [one["path"] for one in found.origin["files"]] == ["LICENSE", "README.md", "config.json", "onnx/model.onnx"]
    assert r"| GLUE \| sst2 | accuracy | 0.91 |" in found.card
    assert "nobody has measured them here" in found.card
    assert "0: neg, 1: pos" in found.card
    assert r"pytorch\_model.bin: may be pickles, which are not opened" in found.card
    assert not (tmp_path / "touched").exists()


def test_safetensors_alone_need_their_library(folder: Path) -> None:
    (folder / "onnx/model.onnx").unlink()
    (folder / "model.safetensors").write_bytes(b"weights")
    found = import_huggingface(folder)
    assert found.model is None
    assert found.origin["runtime"] == {"language": "python", "client": "transformers 4.44.0"}
    assert found.origin["requirements"] == ["transformers==4.44.0"]
    assert {one["path"]: one["size"] for one in found.origin["files"]}["model.safetensors"] == 7


def test_an_onnx_file_that_cannot_be_packed_says_why(folder: Path) -> None:
    (folder / "onnx/model.onnx").write_bytes(scaled(weights=tensor("w", 1, 2, 3, extra=EXTERNAL)))
    found = import_huggingface(folder)
    assert found.model is None
    assert "it keeps 1 of its tensors in other files" in found.card
    assert "runtime" in found.origin


def test_pickles_alone_are_refused_with_the_way_out(folder: Path, tmp_path: Path) -> None:
    (folder / "onnx/model.onnx").unlink()
    with pytest.raises(FormatError) as caught:
        import_huggingface(folder)
    assert "its weights: are pickles or missing: pytorch_model.bin" in caught.value.message
    assert "safe_serialization=True" in caught.value.hint
    assert not (tmp_path / "touched").exists()


def test_all_that_is_wrong_with_a_folder_is_said_at_once(folder: Path) -> None:
    (folder / "README.md").write_text(
        "---\nlicense: *a\ntags: !!python/object:os.system x\n---\n# T\n", encoding="utf-8"
    )
    (folder / "config.json").write_text("{", encoding="utf-8")
    (folder / "onnx/model.onnx").unlink()
    with pytest.raises(FormatError) as caught:
        import_huggingface(folder)
    for said in ("README.md:1: license: uses an anchor", "README.md:2: tags: has a tag", "config.json: is not JSON",
                 "its weights:"):  # fmt: skip
        assert said in caught.value.message
    (folder / "README.md").unlink()
    (folder / "config.json").unlink()
    with pytest.raises(FormatError, match=r"neither README\.md nor config\.json"):
        import_huggingface(folder)


@pytest.mark.parametrize(
    ("matter", "license_", "words"),
    [
        ("license: mit", "MIT", None),
        ("license: openrail", "LicenseRef-openrail", None),
        ("license: other\nlicense_name: llama3\nlicense_link: https://x/y", "LicenseRef-llama3", "llama3\nhttps://x/y"),
        ("license: other", "LicenseRef-TODO", "other"),
        ("license: [mit, gpl-3.0]", "MIT AND GPL-3.0-only", "mit\ngpl-3.0"),
        ("tags: []", "LicenseRef-TODO", None),
        ("license: {a: 1}", "LicenseRef-TODO", None),
    ],
)
def test_the_licences_of_the_hub(folder: Path, matter: str, license_: str, words: str | None) -> None:
    (folder / "README.md").write_text(f"---\n{matter}\n---\n", encoding="utf-8")
    found = import_huggingface(folder)
    assert found.known["license"] == license_
    assert found.origin.get("license") == words
    assert found.name == "scaler"


def test_a_readme_made_to_be_slow_is_read_at_once(folder: Path) -> None:
    (folder / "README.md").write_text("# T\n\n" + "[" * 900_000, encoding="utf-8")
    assert import_huggingface(folder).known["title"] == "T"
