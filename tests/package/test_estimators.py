# ruff: noqa: ANN401, PLC0415 - objects and trees of any type are kept; heavy imports are late
"""Bare scikit-learn estimators: their interface, their tier, their answers after a reload, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.package.estimators import CODE, DATA, arguments, held, parts, plain
from tests.package.trained import X, Y

from modelport.errors import CallError, FormatError, PackError, TrustError
from modelport.package import Package, load_package, pack
from modelport.package.files.estimator import EstimatorModel, model_of_file
from modelport.package.files.estimators import CLASSES, FUNCTIONS, PLAIN_TYPES
from modelport.package.importers.mlflow import import_mlflow, model_from_mlflow
from modelport.package.modelpack import manifest_digest
from modelport.package.packing import verify_clean
from modelport.package.source import model_of
from modelport.package.trust import check_trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def packed(estimator: Any, folder: Path, lock: str) -> Package:
    made = model_of(estimator)
    (method,) = made.spec.methods
    made.add_example(method.name, arguments(made), tolerance=1e-9)
    return Package.read(pack(made, "bare", folder, known_lock=lock, verify_in=None))


@pytest.mark.parametrize("name", [*DATA, *CODE])
def test_each_answers_the_same_after_a_reload_and_says_its_tier(name: str, tmp_path: Path, lock: str) -> None:
    estimator = (DATA | CODE)[name]()
    package = packed(estimator, tmp_path / "one", lock)
    assert package.info["tier"]["level"] == ("data-only" if name in DATA else "code-bearing")
    assert package.is_data == (name in DATA)
    assert not (package.folder / "code").exists()
    model = load_package(package.folder).model
    (example,) = model.examples
    assert model.call(example.method, example.input) == example.output
    again = Package.read(pack(model, "bare", tmp_path / "two", known_lock=lock, verify_in=None))
    assert manifest_digest(again) == manifest_digest(package)


def test_code_bearing_without_code_is_trusted_no_more_than_with(tmp_path: Path, lock: str) -> None:
    package = packed(CODE["support vectors"](), tmp_path / "one", lock)
    assert "sklearn.svm._classes.SVC" in package.info["tier"]["reason"]
    with pytest.raises(TrustError):
        check_trust(tmp_path, manifest_digest(package), package, name="bare", allow_code=False)
    info = package.folder / "package.json"
    info.write_text(info.read_text("utf-8").replace("code-bearing", "data-only"), "utf-8")
    with pytest.raises(Exception, match="SVC"):
        Package.read(package.folder)
    with pytest.raises(Exception, match="says that it is data-only"):
        load_package(package.folder)


def test_it_answers_in_a_clean_environment_that_holds_reviewed_loaders_alone(
    tmp_path: Path, lock: str, cache: Path
) -> None:
    package = packed(DATA["a table"](), tmp_path / "one", lock)
    assert verify_clean(package.folder, cache).examples == 1


@pytest.mark.parametrize(
    ("name", "taken", "given"),
    [
        ("a forest", "x: float64[n, 4]", "labels: list of string, probabilities: float64[n, 2]"),
        ("labels without chances", "x: float64[n, 4]", "labels: list of string"),
        ("a line", "x: float64[n, 4]", "values: float64[n]"),
        ("two lines", "x: float64[n, 4]", "values: float64[n, 2]"),
        ("a scaler", "x: float64[n, 4]", "transformed: float64[n, 4]"),
        ("clusters", "x: float64[n, 4]", "labels: list of int64"),
        ("texts", "texts: list of string", "labels: list of string, probabilities: float64[n, 2]"),
        (
            "a table",
            "age_years: list of double, colour: list of string",
            "labels: list of int64, probabilities: float64[n, 2]",
        ),
    ],
)
def test_the_interface_is_read_from_the_estimator(name: str, taken: str, given: str) -> None:
    spec = model_of((DATA | CODE)[name]()).spec
    shown = [", ".join(f"{f.name}: {f.type}" for f in message.fields) for message in spec.messages]
    assert shown == [taken, given]
    assert spec.messages[0].table == (name == "a table")
    assert spec.methods[0].name == ("transform" if name == "a scaler" else "predict")


def test_labels_and_categories_travel_as_words() -> None:
    spec = model_of(DATA["a table"]()).spec
    words = {f.name: f.about.doc for message in spec.messages for f in message.fields}
    assert words["age_years"] == "age (years)"
    assert words["colour"] == "one of green, red"
    assert words["labels"] == "one of 0, 1"
    assert words["probabilities"] == "of each label, in this order: 0, 1"


def test_a_data_frame_does_for_a_table() -> None:
    import pandas as pd

    model = model_of(DATA["a table"]())
    rows = pd.DataFrame({"age_years": [1.0, 9.0], "colour": ["red", "blue"]})
    method = model.methods["predict"]
    fields = {name: rows[name].tolist() for name in rows}
    assert method(rows).labels == method(method.input_type(**fields)).labels


def test_the_same_training_gives_the_same_bytes() -> None:
    digests = [{hashlib.sha256(c).digest() for c in model_of(DATA["a forest"]()).files.values()} for _ in range(2)]  # type: ignore[attr-defined]  # an EstimatorModel's
    assert digests[0] == digests[1]


@pytest.mark.parametrize("value", [[[0, 0, 0, "NaN"]], []])
def test_what_an_estimator_refuses_is_the_callers_mistake(value: Any) -> None:
    with pytest.raises(CallError, match=r"refuses these values"):
        model_of(DATA["a line"]()).call("predict", {"x": value})


def test_what_is_not_trained_is_refused_with_the_way_out() -> None:
    from sklearn.linear_model import Ridge

    with pytest.raises(PackError, match="Ridge has no fitted state") as caught:
        model_of(Ridge())
    assert "fit(X, y)" in caught.value.hint


def test_types_of_ones_own_are_refused_with_the_way_out() -> None:
    from sklearn.linear_model import Ridge

    class Mine(Ridge):  # type: ignore[misc]  # scikit-learn ships no types
        pass

    with pytest.raises(PackError, match="Mine") as caught:
        model_of(Mine().fit(X, Y))
    assert "wrap it in a function" in caught.value.hint


def test_what_is_no_model_is_refused_with_the_way_out() -> None:
    with pytest.raises(PackError, match="a int is neither a Model nor") as caught:
        model_of(3)
    assert "Model(predict=my_function)" in caught.value.hint


def test_a_file_of_skops_is_read_and_kept_in_our_form(tmp_path: Path) -> None:
    import skops.io

    forest = DATA["a forest"]()
    skops.io.dump(forest, tmp_path / "forest.skops")
    made = model_of(tmp_path / "forest.skops", method="classify")
    assert isinstance(made, EstimatorModel)
    assert made.files == {"state/forest.skops": next(iter(EstimatorModel(forest).files.values()))}
    assert made.call("classify", {"x": X[:2].tolist()})["labels"] == forest.predict(X[:2]).tolist()
    (tmp_path / "broken.skops").write_bytes(b"PK")
    with pytest.raises(PackError, match=r"broken\.skops is not a \.skops file"):
        model_of_file(tmp_path / "broken.skops")
    with pytest.raises(PackError, match="cannot be read"):
        model_of_file(tmp_path / "nowhere.skops")


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(file.read_text("utf-8"))
    change(document)
    file.write_text(json.dumps(document), "utf-8")


@pytest.mark.parametrize(
    "outputs",
    [
        {"transformed": "fit_transform"},
        {"transformed": "partial_fit"},
        {"transformed": "__class__"},
        {"transformed": "transform", "again": "fit_transform"},
        {"again": "transform"},
        {},
    ],
)
def test_no_package_says_which_methods_of_an_estimator_are_called(
    outputs: dict[str, str], tmp_path: Path, lock: str
) -> None:
    package = packed(DATA["a scaler"](), tmp_path / "one", lock)
    edit(package.folder / "package.json", lambda d: d["methods"]["transform"].update(outputs=outputs))
    with pytest.raises(FormatError, match="what the estimator does not do"):
        load_package(package.folder)


def test_a_signature_is_the_estimators_own(tmp_path: Path, lock: str) -> None:
    package = packed(DATA["a scaler"](), tmp_path / "one", lock)
    file = package.folder / "signature.json"
    file.write_text(file.read_text("utf-8").replace("float64", "float32"), "utf-8")
    with pytest.raises(FormatError):
        load_package(package.folder)


def test_a_package_of_two_methods_is_refused(tmp_path: Path, lock: str) -> None:
    package = packed(DATA["a scaler"](), tmp_path / "one", lock)
    edit(package.folder / "package.json", lambda d: d["methods"].update(other=d["methods"]["transform"]))
    spec = package.spec
    two = replace(spec, methods=(*spec.methods, replace(spec.methods[0], name="other"))).with_proto_package()
    (package.folder / "signature.json").write_text(json.dumps(two.to_json()), "utf-8")
    with pytest.raises(FormatError, match="several methods"):
        load_package(package.folder)


def written(estimator: Any, file: Path, change: Callable[[Any, dict[str, bytes]], object]) -> Path:
    """Write a file of skops' own, compressed, after *change* has had its tree and its other members."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(members.pop("schema.json"))
    change(tree, members)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, "schema.json": json.dumps(tree).encode()}.items():
            archive.writestr(name, content)
    return file


def zeros(count: int) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(count))
    return stream.getvalue()


def far_child(tree: Any, members: dict[str, bytes]) -> None:
    name = next(parts(tree, "Tree"))["content"]["content"]["nodes"]["file"]
    steps = np.load(io.BytesIO(members[name]))
    steps["left_child"][0] = 2**40
    stream = io.BytesIO()
    np.save(stream, steps)
    members[name] = stream.getvalue()


def endless(tree: Any, members: dict[str, bytes]) -> None:
    """Let a part claim to be the one that holds it."""
    del members[held(tree, "StandardScaler")["mean_"]["file"]]
    whole = next(parts(tree, "StandardScaler"))
    held(tree, "StandardScaler")["mean_"] = {**plain(1), "__id__": whole["__id__"]}


def laughing(tree: Any, members: dict[str, bytes]) -> None:
    """Let each of many lists hold the one before it twice, which is written out once."""
    del members[held(tree, "StandardScaler")["mean_"]["file"]]
    one: dict[str, Any] = {**plain(1), "__id__": 10**6}
    for number in range(60):
        kind = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 10**6 + number + 1}
        one = kind | {"content": [one, {**plain(1), "__id__": one["__id__"]}]}
    held(tree, "StandardScaler")["mean_"] = one


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("a forest", far_child, "leads out of itself"),
        ("a scaler", lambda t, _: held(t, "StandardScaler").update(n_features_in_=plain(30_000_000_000)), "features"),
        ("a scaler", lambda _, m: m.update({"pad.npy": zeros(10**7)}), "to which nothing in it refers"),
        ("a scaler", lambda t, m: m.update({held(t, "StandardScaler")["mean_"]["file"]: zeros(10**7)}), "unpacks to"),
        ("a scaler", endless, "claim to be one"),
        ("a scaler", laughing, "claim to be one"),
    ],
)
def test_a_strangers_file_is_looked_through_before_it_answers(
    name: str, change: Callable[[Any, dict[str, bytes]], object], said: str, tmp_path: Path
) -> None:
    file = written(DATA[name](), tmp_path / "strange.skops", change)
    with pytest.raises(PackError, match=said):
        model_of_file(file)


@pytest.mark.parametrize("name", DATA)
def test_a_file_that_skops_wrote_is_data_as_what_is_kept_of_it(name: str, tmp_path: Path) -> None:
    estimator = DATA[name]()
    file = written(estimator, tmp_path / "model.skops", lambda *_: None)
    assert model_of_file(file, data_only=True).files == EstimatorModel(estimator).files


def test_a_strangers_file_that_is_more_than_data_is_not_loaded(tmp_path: Path) -> None:
    file = written(CODE["support vectors"](), tmp_path / "model.skops", lambda *_: None)
    assert model_of_file(file).tier["level"] == "code-bearing"
    with pytest.raises(PackError, match=r"sklearn\.svm\._classes\.SVC") as caught:
        model_of_file(file, data_only=True)
    assert "where it was made" in caught.value.hint


def test_an_import_loads_data_alone(tmp_path: Path) -> None:
    written(CODE["support vectors"](), tmp_path / "model.skops", lambda *_: None)
    flavour = {"pickled_model": "model.skops", "serialization_format": "skops"}
    (tmp_path / "MLmodel").write_text(json.dumps({"flavors": {"sklearn": flavour}}), "utf-8")
    with pytest.raises(PackError, match="SVC"):
        import_mlflow(tmp_path)
    assert model_from_mlflow(tmp_path).spec.methods


def test_every_reviewed_part_is_there() -> None:
    from importlib import import_module

    for name in CLASSES | FUNCTIONS | PLAIN_TYPES:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name


def test_no_function_that_may_be_called_is_more_than_a_function_of_one_array() -> None:
    for name in FUNCTIONS:
        if name.startswith("numpy."):
            function = getattr(np, name.rpartition(".")[2])
            assert isinstance(function, np.ufunc)
            assert (function.nin, function.nout) == (1, 1)
