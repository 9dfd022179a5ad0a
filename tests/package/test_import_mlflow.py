"""MLflow folders as 1.x, 2.x and 3.x write them: data becomes a package with its example, pickles are refused."""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from tests.package.acumos_bundles import Payload
from tests.package.onnx_files import GOOD

from modelport.errors import FormatError, ModelportError
from modelport.package import Package, load_package, pack
from modelport.package.importers.mlflow import import_mlflow, is_mlflow_folder, model_from_mlflow

if TYPE_CHECKING:
    from pathlib import Path

# Keras's, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 2.0], [4.0, 5.0], [5.0, 4.0]] * 8)
Y = (X[:, 0] > X[:, 1]).astype(int)
TENSOR = [{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]
COLUMNS = [
    {"type": "double", "name": "petal width", "required": True},
    {"type": "double", "name": "length"},
]
OLD_COLUMNS = [{"name": "petal width", "type": "double"}, {"name": "when", "type": "datetime", "optional": True}]


def write_folder(
    folder: Path,
    flavors: dict[str, Any],
    inputs: object,
    *,
    example: object = None,
    **said: object,
) -> Path:
    """Write what every folder has: MLmodel, requirements, environments, and perhaps an input example."""
    folder.mkdir(parents=True)
    function = {"loader_module": "mlflow.x", "python_version": "3.11.7", "env": {"virtualenv": "python_env.yaml"}}
    document: dict[str, Any] = {
        "artifact_path": "model",
        "flavors": {"python_function": function, **flavors},
        "mlflow_version": "3.15.1",
        "model_uuid": "0123",
        "run_id": "abc",
        "utc_time_created": "2026-08-04 11:00:46.002863",
        **said,
    }
    if inputs:
        outputs = [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
        document["signature"] = {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": None}
    if example is not None:
        document["saved_input_example_info"] = {
            "artifact_path": "input_example.json", "pandas_orient": "split", "type": "dataframe",
        }  # fmt: skip
        (folder / "input_example.json").write_text(json.dumps(example), encoding="utf-8")
    (folder / "MLmodel").write_text(json.dumps(document, indent=1), encoding="utf-8")  # YAML holds JSON
    text = "# made by mlflow\nmlflow==3.15.1\n--index-url https://evil\nevil @ https://evil/x\nnumpy==2.4.6 ; x\n"
    (folder / "requirements.txt").write_text(text, encoding="utf-8")
    (folder / "python_env.yaml").write_text("python: 3.11.7\n", encoding="utf-8")
    return folder


def test_onnx(tmp_path: Path) -> None:
    flavor = {"onnx": {"data": "model.onnx", "onnx_version": "1.19.1", "providers": ["CPUExecutionProvider"]}}
    folder = write_folder(tmp_path / "Scaler", flavor, TENSOR, example={"inputs": [[1.0, 2.0, 3.0]]})
    (folder / "model.onnx").write_bytes(GOOD)
    assert is_mlflow_folder(folder)
    found = import_mlflow(folder)
    assert found.name == "scaler"
    assert found.origin["format"] == "3.15.1"
    assert found.origin["requirements"] == ["mlflow==3.15.1", "numpy==2.4.6"]
    assert found.model is not None
    assert [(e.method, e.input, e.output) for e in found.model.examples] == [
        ("predict", {"x": [[1.0, 2.0, 3.0]]}, {"y": [[1.0, 4.0, 9.0]]})
    ]
    assert "| takes | x | tensor of float32, any, 3 |" in found.card


def test_an_example_that_does_not_fit_is_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", {"onnx": {"data": "model.onnx"}}, TENSOR, example={"inputs": [["a"]]})
    (folder / "model.onnx").write_bytes(GOOD)
    found = import_mlflow(folder)
    assert found.model is not None
    assert not found.model.examples
    assert "## Its input example is left out" in found.card


def test_an_example_of_unequal_columns_is_told(tmp_path: Path) -> None:
    columns = {"x": [1.0, 2.0], "y": [1.0]}
    folder = write_folder(tmp_path / "m", {"onnx": {"data": "model.onnx"}}, TENSOR, example=columns)
    (folder / "model.onnx").write_bytes(GOOD)
    found = import_mlflow(folder)
    assert "it has no columns, or columns of different lengths" in found.card


def test_pickles_code_and_odd_names_in_a_folder_are_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", {"onnx": {"data": "model.onnx"}}, TENSOR)
    (folder / "model.onnx").write_bytes(GOOD)
    (folder / "code").mkdir()
    (folder / "code/evil.py").write_text("raise SystemExit", encoding="utf-8")
    (folder / "scaler.dat").write_bytes(pickle.dumps(Payload(tmp_path / "touched")))
    (folder / "plot (1).png").write_bytes(b"x")
    found = import_mlflow(folder)
    assert "scaler.dat: may be a pickle" in found.card
    assert "plot (1).png: its name is none" in found.card
    assert "code/evil.py" in found.card.partition("## It brings its own code")[2]
    assert not {"scaler.dat", "plot (1).png"} & {one["path"] for one in found.origin["files"]}
    (folder / "model.onnx").rename(folder / "model (1).onnx")
    (folder / "MLmodel").write_text('{"flavors": {"onnx": {"data": "model (1).onnx"}}}', encoding="utf-8")
    with pytest.raises(FormatError, match=r"its file 'model \(1\)\.onnx' has a name that .* rename it"):
        import_mlflow(folder)


def test_scikit_learn_by_skops(tmp_path: Path) -> None:
    frame = pd.DataFrame(X, columns=["petal width", "length"])
    flavor = {
        "sklearn": {
            "pickled_model": "model.skops", "serialization_format": "skops", "sklearn_version": "1.9.0",
            "skops_trusted_types": None, "code": None,
        }
    }  # fmt: skip
    example = {"columns": ["petal width", "length"], "data": X[:3].tolist()}
    folder = write_folder(tmp_path / "m", flavor, COLUMNS, example=example)
    skops.io.dump(LogisticRegression().fit(frame, Y), folder / "model.skops")
    model = model_from_mlflow(folder)
    (example_,) = model.examples
    assert list(example_.input.values()) == [[0.0, 1.0, 2.0], [1.0, 0.0, 3.0]]
    assert next(iter(example_.output.values())) == [0, 1, 0]


def test_keras(tmp_path: Path) -> None:
    import keras  # noqa: PLC0415 - slow, and only here

    layers = [keras.layers.Input((2,), name="in"), keras.layers.Dense(1, name="out")]
    flavor = {"keras": {"data": "data", "backend": "tensorflow", "keras_version": "3.15.1"}}
    spec = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]
    folder = write_folder(tmp_path / "m", flavor, spec, example={"inputs": [[1.0, 2.0]]})
    (folder / "data").mkdir()
    keras.Sequential(layers).save(folder / "data/model.keras")
    model = model_from_mlflow(folder)
    assert len(model.examples) == 1


def test_lightgbm(tmp_path: Path, lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1, "min_data_in_leaf": 1, "num_threads": 1},
        lightgbm.Dataset(X, Y, feature_name=["petal_width", "length"]),
        num_boost_round=3,
    )
    flavor = {"lightgbm": {"data": "model.lgb", "lgb_version": "4.7.0", "model_class": "lightgbm.basic.Booster"}}
    example = {"columns": ["petal width", "length"], "data": X[:3].tolist()}
    folder = write_folder(tmp_path / "m", flavor, COLUMNS, example=example)
    booster.save_model(folder / "model.lgb")
    (tmp_path / "scratch").mkdir()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
        before = list(sys.path)
        model = model_from_mlflow(folder)
        assert list((tmp_path / "scratch").iterdir()) == []
        assert sys.path == before
    (given,) = model.examples
    assert given.output["value"] == pytest.approx(list(booster.predict(X[:3])))
    (field,) = model.spec.message("PredictIn").fields
    assert field.about.doc == "in this order: petal width, length"
    package = Package.read(pack(model, "booster", tmp_path / "packed", known_lock=lock, verify_in=None))
    assert str(tmp_path.parent.parent.parent) not in (package.folder / "code/model.py").read_text("utf-8")
    assert [one["type"] for one in package.info["state"]] == ["lightgbm.basic.Booster"]
    assert load_package(package.folder).model.call("predict", given.input) == given.output


PICKLED: dict[str, tuple[dict[str, Any], str]] = {
    "scikit-learn, 1.x": ({"sklearn": {"pickled_model": "model.pkl", "sklearn_version": "0.24"}}, "pickled (pickle)"),
    "scikit-learn, 2.x": (
        {"sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"}}, "is pickled (cloudpickle)",
    ),
    "a function of Python": (
        {"python_function": {"loader_module": "mlflow.pyfunc.model", "python_model": "python_model.pkl"}},
        "of these nothing can be read without unpickling",
    ),
    "PyTorch": ({"pytorch": {"model_data": "data", "code": None}}, "are python_function, pytorch"),
    "LightGBM's estimators": (
        {"lightgbm": {"data": "model.pkl", "serialization_format": "cloudpickle"}}, "log its booster",
    ),
    "Keras as HDF5": ({"keras": {"data": "data", "save_format": "h5"}}, "is no .keras file (h5)"),
    "a pickle that is called skops": (
        {"sklearn": {"pickled_model": "../model.pkl", "serialization_format": "skops"}}, "'../model.pkl' is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("flavors", "message"), PICKLED.values(), ids=PICKLED)
def test_what_is_pickled_is_refused_with_the_way_out(flavors: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", flavors, OLD_COLUMNS)
    for name in ("model.pkl", "python_model.pkl", "model.skops"):
        (folder / name).write_bytes(pickle.dumps(Payload(tmp_path / "touched")))
    with pytest.raises(FormatError) as caught:
        import_mlflow(folder)
    assert message in caught.value.message
    assert "modelport.pack(MODEL, NAME)" in caught.value.hint
    assert not (tmp_path / "touched").exists()


def test_a_pickle_in_the_place_of_data_is_not_loaded(tmp_path: Path) -> None:
    for flavor, name in (
        ({"sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"}}, "model.skops"),
        ({"lightgbm": {"data": "model.lgb"}}, "model.lgb"),
        ({"onnx": {"data": "model.onnx"}}, "model.onnx"),
        ({"keras": {"data": "data"}}, "data/model.keras"),
    ):
        folder = write_folder(tmp_path / name.replace("/", "-"), flavor, None)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(pickle.dumps(Payload(tmp_path / "touched")))
        with pytest.raises(ModelportError):
            import_mlflow(folder)
    assert not (tmp_path / "touched").exists()


def test_all_that_is_wrong_with_a_folder_is_said_at_once(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", {"onnx": {"data": "model.onnx"}}, None)
    (folder / "MLmodel").write_text(
        "flavors: 3\nsignature: {inputs: '{', outputs: '[{\"type\": \"tensor\"}]'}\n", encoding="utf-8"
    )
    (folder / "requirements.txt").write_bytes(b"\xff")
    with pytest.raises(FormatError) as caught:
        import_mlflow(folder)
    assert [line.strip() for line in caught.value.message.splitlines()[1:]] == [
        "MLmodel: flavors: is no mapping",
        "MLmodel: signature.inputs: is no JSON list of at most 4,096 columns",
        "MLmodel: signature.outputs: a tensor: has no shape",
        "requirements.txt: is not UTF-8 text",
    ]
    (folder / "MLmodel").write_text("flavors: !!python/object/apply:os.system ['x']\n", encoding="utf-8")
    with pytest.raises(FormatError, match="has a tag"):
        import_mlflow(folder)
    (folder / "MLmodel").unlink()
    assert not is_mlflow_folder(folder)
    with pytest.raises(FormatError, match="has no file MLmodel"):
        import_mlflow(folder)


def test_types_that_a_signature_has_no_word_for_are_told(tmp_path: Path) -> None:
    kinds = [
        *OLD_COLUMNS,
        {"name": "tags", "type": "array", "items": {"type": "string"}},
        {"name": "who", "type": "object", "properties": {"age": {"type": "long"}}},
        {"type": "map", "name": "m", "values": {"type": "any"}},
    ]
    folder = write_folder(tmp_path / "m", {"onnx": {"data": "model.onnx"}}, kinds)
    (folder / "model.onnx").write_bytes(GOOD)
    card = import_mlflow(folder).card
    said = (
        "| takes | petal width | double |",
        "| takes | when | datetime (give it as the numbers or texts that the model was trained on) (may be left out) |",
        "| takes | tags | list of string |",
        "| takes | who | object of age: long |",
        "| takes | m | map of any |",
        "| gives | not named | tensor of int64, any |",
    )
    assert card.splitlines()[4:-1] == list(said)
