"""ONNX files and Hugging Face folders: data-only packages, and drafts with what their sources say."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.package.acumos_bundles import Payload
from tests.package.onnx_files import EXTERNAL, GOOD, field, scaled, tensor

from modelport.errors import FormatError, PackError
from modelport.package.files.onnx import OnnxModel
from modelport.package.importers.huggingface import import_huggingface
from modelport.package.importers.onnx import import_onnx
from modelport.package.state.safetensors import TensorBytes, write_tensors

if TYPE_CHECKING:
    from pathlib import Path


def write_weights(file: Path) -> None:
    write_tensors(file, {"w": TensorBytes("F32", (2,), bytes(8))}, {})


def zipped(*names: str, content: bytes = b"x") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


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
    assert r"pytorch\_model.bin: may be a pickle, which is not opened" in found.card
    assert not (tmp_path / "touched").exists()


def test_safetensors_alone_need_their_library(folder: Path) -> None:
    (folder / "onnx/model.onnx").unlink()
    write_weights(folder / "model.safetensors")
    found = import_huggingface(folder)
    assert found.model is None
    assert found.origin["runtime"] == {"language": "python", "client": "transformers 4.44.0"}
    assert found.origin["requirements"] == ["transformers==4.44.0"]
    assert "model.safetensors" in [one["path"] for one in found.origin["files"]]


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
    assert "its weights: are pickles or missing: pytorch_model.bin: may be a pickle" in caught.value.message
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


def array(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value, dtype=object if isinstance(value, list) else float), allow_pickle=True)
    return stream.getvalue()


PICKLED = {
    "scaler.dat": b"\x80\x04cposix\nsystem\nx.",
    "old.dat": b"cposix\nsystem\n(S'true'\ntR.",
    "weights.pckl": b"x",
    "WEIGHTS.PKL": b"x",
    "archive/weights.data": zipped("archive/data.pkl"),
    "named.safetensors": pickle.dumps([1.0]),
    "objects.npy": array([{}]),
    "arrays.npz": zipped("a.npy", content=array([{}])),
}


@pytest.mark.parametrize("name", PICKLED)
def test_pickles_are_known_by_what_they_hold(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(PICKLED[name])
    found = import_huggingface(folder)
    assert name not in [one["path"] for one in found.origin["files"]]
    shown = name.replace("_", r"\_")
    assert f"{shown}: may be a pickle, which is not opened" in found.card


def test_what_is_no_pickle_stays_listed(folder: Path) -> None:
    plain = {
        "vocab.txt": b"[PAD]\n[UNK]\n", "words.txt": b"cat\ndog\nemu\n", "numbers.npy": array(1.0),
        "arrays.npz": zipped("a.npy", content=array(2.0)), "empty": b"", "text": b"c\\m\nx\n",
        "x.zip": zipped("a.txt"), "cut.zip": b"PK\3\4",
    }  # fmt: skip
    for name, content in plain.items():
        (folder / name).write_bytes(content)
    listed = {one["path"] for one in import_huggingface(folder).origin["files"]}
    assert listed >= plain.keys()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"x\n"),
        ("model.safetensors", POINTER),
        ("model.safetensors", (9).to_bytes(8, "little") + b" {}      "),
        ("model.safetensors", (64).to_bytes(8, "little") + b"{}"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"[]"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"{}" + b"x"),
        ("model.gguf", POINTER),
        ("model.tflite", POINTER),
        ("model.keras", POINTER),
    ],
)
def test_weights_that_are_none_are_not_taken_for_weights(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    kind = name.partition(".")[2]
    assert f"{name}: is no {kind} file" in import_huggingface(folder).card
    (folder / "onnx/model.onnx").unlink()
    with pytest.raises(FormatError, match=f"{name}: is no {kind} file"):
        import_huggingface(folder)


def test_code_of_its_own_and_odd_names_are_told(folder: Path) -> None:
    (folder / "modeling_evil.py").write_text("raise SystemExit", encoding="utf-8")
    (folder / "plot (1).png").write_bytes(b"x")
    config = {"auto_map": {"AutoModel": "org/other--modeling_x.M", "AutoConfig": ["a.B", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    card = import_huggingface(folder).card
    assert "## It brings its own code" in card
    assert r"modeling\_evil.py, org/other--modeling\_x.M, a.B" in card
    assert "plot (1).png: its name is none that an entry can list" in card
    (folder / "modeling_evil.py").unlink()
    (folder / "tokenizer_config.json").write_text("{", encoding="utf-8")
    assert "its own code" not in import_huggingface(folder).card
