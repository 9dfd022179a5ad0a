# ruff: noqa: ANN401 - estimators of any type are kept
"""The backend of estimators: their ONNX form answers as they do, and a forest of fewer trees nearly so."""

from __future__ import annotations

import gzip
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn import datasets, ensemble
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.edge.making import digests, digests_elsewhere, make, make_all
from tests.edge.parents import built, packed
from tests.package.conftest import lock

from modelport.edge.calibration import calls_of_file, digest_of
from modelport.edge.interface import Made, NotMadeError, Source
from modelport.edge.pruning import best, forest_in, last_step
from modelport.edge.trees import BACKEND
from modelport.errors import CallError
from modelport.package import Package, load_package, pack
from modelport.package.files.estimator import EstimatorModel
from modelport.package.state.conversion import onnx_of
from modelport.package.state.sklearn import SklearnBackend
from modelport.package.state.standins import OnnxStandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from modelport.edge.build import Outcome
    from modelport.edge.interface import Calibration

__all__ = ["lock"]

IRIS = datasets.load_iris(return_X_y=True)
LETTERS = datasets.make_classification(
    2400, 16, n_informative=12, n_classes=8, n_clusters_per_class=2, class_sep=1.5, random_state=0
)
"""As the data set of that name: 16 measures of a letter, though of eight ones."""


def forest(trees: int = 8) -> Any:
    return ensemble.RandomForestClassifier(trees, random_state=0, min_samples_leaf=3)


ENSEMBLES: dict[str, Callable[[], Any]] = {
    "forest": forest,
    "extra trees": lambda: ensemble.ExtraTreesClassifier(8, random_state=0, max_depth=5),
    "bags": lambda: ensemble.BaggingClassifier(n_estimators=8, max_features=3, max_samples=12, random_state=0),
    "boosted": lambda: ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0, max_depth=2),
    "forest of numbers": lambda: ensemble.RandomForestRegressor(8, random_state=0, min_samples_leaf=3),
    "bags of numbers": lambda: ensemble.BaggingRegressor(n_estimators=8, random_state=0),
    "boosted numbers": lambda: ensemble.GradientBoostingRegressor(n_estimators=8, random_state=0, max_depth=2),
    "pipeline": lambda: make_pipeline(SelectKBest(k=3), forest()),
}
NAMES = ["onnx", "onnx-pruned-4", "onnx-pruned-2"]
INTEGERS = "onnx-int8"


def save(estimator: Any, file: Path) -> Path:
    SklearnBackend().save(estimator, file)
    return file


def calls_of(rows: Any) -> Calibration:
    return [{"x": row[None]} for row in rows]


def answers(estimator: Any, rows: Any) -> Any:
    return estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else estimator.predict(rows)


def near(seed: int, count: int = 200) -> Any:
    """Return flowers that nobody has seen."""
    return np.random.default_rng(seed).uniform(0, 8, (count, 4))


@pytest.mark.parametrize("name", ENSEMBLES)
def test_onnx_answers_as_the_estimator_and_a_forest_of_all_trees_is_the_forest(name: str, tmp_path: Path) -> None:
    estimator = ENSEMBLES[name]().fit(*IRIS)
    file = save(estimator, tmp_path / "trees.skops")
    assert [one.name for one in BACKEND.recipes(file)] == [*NAMES, INTEGERS]
    with pytest.raises(NotMadeError, match=f"{type(last_step(estimator)).__name__} has no form in integers: trees"):
        make(BACKEND, INTEGERS, file, tmp_path)  # though there is no calibration
    made = make(BACKEND, "onnx", file, tmp_path)
    stand_in, rows = OnnxStandIn.load(made.file), near(1)
    assert (made.recipe["trees"], made.recipe["rows"] > 100) == (8, True)
    assert np.allclose(answers(stand_in, rows), answers(estimator, rows), atol=1e-5)
    if hasattr(estimator, "classes_"):
        assert stand_in.classes_.tolist() == estimator.classes_.tolist()
        assert (stand_in.predict(rows) == estimator.predict(rows)).mean() > 0.98  # others are as probable
    found = forest_in(estimator)
    assert found is not None
    assert (answers(found.pruned(range(8)), rows) == answers(estimator, rows)).all()


@pytest.mark.parametrize("name", [name for name in ENSEMBLES if not name.startswith("boosted")])
def test_fewer_trees_answer_their_own_mean(name: str, tmp_path: Path) -> None:
    estimator = ENSEMBLES[name]().fit(*IRIS)
    file = save(estimator, tmp_path / "trees.skops")
    found = forest_in(estimator)
    assert found is not None
    calls = calls_of(near(2, 60))
    places = best(found.votes(near(2, 60)), 4)
    expected = found.votes(near(3))[sorted(places)].mean(axis=0)
    made = make(BACKEND, "onnx-pruned-4", file, tmp_path, calls)
    answer = np.asarray(answers(OnnxStandIn.load(made.file), near(3))).reshape(expected.shape)
    assert np.allclose(answer, expected, atol=1e-5)
    assert (made.recipe["trees"], made.recipe["of"], made.recipe["chosen"]) == (4, 8, "by calibration")
    assert found.count == len(found.votes(near(2, 3))) == 8  # the forest itself stays whole


@pytest.mark.parametrize("name", [name for name in ENSEMBLES if name.startswith("boosted")])
def test_of_boosted_trees_the_first_are_left_and_the_file_is_said_to_hold_more_than_data(
    name: str, tmp_path: Path
) -> None:
    estimator = ENSEMBLES[name]().fit(*IRIS)
    made = make(BACKEND, "onnx-pruned-4", save(estimator, tmp_path / "trees.skops"), tmp_path, calls_of(near(2)))
    steps = (estimator.staged_predict_proba if hasattr(estimator, "classes_") else estimator.staged_predict)(near(4))
    expected = [next(steps) for _ in range(4)][-1]
    assert np.allclose(answers(OnnxStandIn.load(made.file), near(4)), expected, atol=1e-5)
    assert made.recipe["chosen"] == "the first"
    assert "RandomState" in made.recipe["holds"][0]


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, Any, Any]:
    """Return a forest of letters, its file, and rows and answers that it was not trained on."""
    train, test, labels, expected = train_test_split(*LETTERS, test_size=800, random_state=0)
    estimator = forest(20).fit(train, labels)
    return estimator, save(estimator, tmp_path_factory.mktemp("letters") / "letters.skops"), test, expected


@pytest.fixture(scope="module")
def family(letters: tuple[Any, Path, Any, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    names = [one.name for one in BACKEND.recipes(letters[1]) if one.name != INTEGERS]
    return make_all(BACKEND, letters[1], tmp_path_factory.mktemp("made"), calls_of(letters[2][:300]), names)


def test_fewer_trees_are_fewer_bytes_and_half_of_them_are_hardly_worse(
    letters: tuple[Any, Path, Any, Any], family: dict[str, Made]
) -> None:
    estimator, _, rows, expected = letters
    assert list(family) == ["onnx", "onnx-pruned-10", "onnx-pruned-5", "onnx-pruned-2"]
    contents = [one.file.read_bytes() for one in family.values()]
    sizes, downloads = [len(one) for one in contents], [len(gzip.compress(one, 9, mtime=0)) for one in contents]
    assert sizes == sorted(sizes, reverse=True)
    assert downloads == sorted(downloads, reverse=True)
    assert sizes[1] < 0.55 * sizes[0]
    assert sizes[3] < 0.15 * sizes[0]
    right = [float((OnnxStandIn(one).predict(rows) == expected).mean()) for one in contents]
    assert right[0] == float((estimator.predict(rows) == expected).mean()) > 0.7
    assert right[1] > right[0] - 0.04


def test_trees_that_calibration_chooses_are_nearer_to_the_forest_than_the_first(
    letters: tuple[Any, Path, Any, Any],
) -> None:
    found = forest_in(letters[0])
    assert found is not None
    seen, unseen = found.votes(letters[2][:300]), found.votes(letters[2][300:])
    order = best(seen, 20)
    assert sorted(order) == list(range(20))

    def far(votes: Any, places: list[int]) -> float:
        return float(np.square(votes[places].mean(axis=0) - votes.mean(axis=0)).mean())

    for count in (2, 5, 10):
        assert best(seen, count) == order[:count]
        assert far(seen, order[:count]) < far(seen, list(range(count)))
    # On what it has not seen each number of trees may be luck: all of them together are not.
    assert sum(far(unseen, order[:n]) for n in range(1, 11)) < sum(far(unseen, list(range(n))) for n in range(1, 11))
    assert far(seen, order[:1]) == min(far(seen, [one]) for one in range(20))


def test_the_same_parent_gives_the_same_bytes_in_another_process_and_folder(tmp_path: Path) -> None:
    file, calls = save(forest().fit(*IRIS), tmp_path / "trees.skops"), calls_of(near(5))
    made = make_all(BACKEND, file, tmp_path / "first", calls, NAMES)
    assert digests_elsewhere("modelport.edge.trees", file, calls, tmp_path, NAMES) == digests(made)


def test_what_is_no_forest_has_its_onnx_form_alone_and_of_others_files_there_is_none(tmp_path: Path) -> None:
    file = save(LogisticRegression(max_iter=500).fit(*IRIS), tmp_path / "line.skops")
    assert [one.name for one in BACKEND.recipes(file)] == ["onnx", INTEGERS]
    assert "trees" not in make(BACKEND, "onnx", file, tmp_path).recipe
    with pytest.raises(NotMadeError, match="LogisticRegression multiplies by no weights that are worth narrowing"):
        make(BACKEND, INTEGERS, file, tmp_path, calls_of(near(2)))
    assert BACKEND.recipes(tmp_path / "model.onnx") == ()


RECIPE = """\
import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from modelport import Model

rows, kinds = load_iris(return_X_y=True)
trained = ESTIMATOR.fit(rows, kinds)


def kind(lengths: list[float], widths: list[float], petals: list[float], petal_widths: list[float]) -> list[int]:
    return trained.predict(np.column_stack((lengths, widths, petals, petal_widths))).tolist() if lengths else []


names = ("lengths", "widths", "petals", "petal_widths")
model = Model(kind=kind)
model.add_example("kind", dict(zip(names, rows[[0, 75, 120]].T.tolist())))
about = {"name": "Iris", "source": "scikit-learn", "license": "CC-BY-4.0"}
model.add_data("calibration", "kind", dict(zip(names, rows[::3].T.tolist())), split="every third", **about)
"""


def of_code(estimator: str, place: Path, lock: str, only: list[str]) -> Mapping[str, Outcome]:
    """Build variants of a package whose code asks an estimator that was trained on flowers."""
    package = packed(RECIPE.replace("ESTIMATOR", estimator), place / "model", lock)
    assert package.info["alternatives"], "its code is asked with the second form in the estimator's place"
    return built(package, place / "variants", only=only)


def test_a_network_behind_code_becomes_integers_by_what_the_code_feeds_it(tmp_path: Path, lock: str) -> None:
    network = "MLPClassifier((64, 32), max_iter=500, random_state=0)"
    found = of_code(network, tmp_path, lock, ["onnx", INTEGERS])
    assert {name: (one.status, one.message) for name, one in found.items()} == dict.fromkeys(
        ("onnx", INTEGERS), ("ok", "")
    )
    assert found[INTEGERS].size < 0.6 * found["onnx"].size
    assert (found["onnx"].calibration, found[INTEGERS].recipe["calls"]) == ("", 50)
    rows, kinds = IRIS
    np.save(tmp_path / "rows.npy", rows[::3])
    assert digest_of(calls_of_file(tmp_path / "rows.npy")) == found[INTEGERS].calibration
    variant = load_package(tmp_path / "variants" / INTEGERS).model
    names = [one.name for one in variant.spec.messages[0].fields]
    answers = variant.call("kind", dict(zip(names, rows.T.tolist(), strict=True)))["value"]
    assert (np.array(answers) == kinds).mean() > 0.93
    with pytest.raises(CallError, match="takes no missing numbers"):
        variant.call("kind", {name: [math.nan] for name in names})


def test_a_forest_behind_code_is_pruned_by_what_the_code_feeds_it(tmp_path: Path, lock: str) -> None:
    found = of_code("RandomForestClassifier(8, random_state=0)", tmp_path, lock, ["onnx", "onnx-pruned-2", INTEGERS])
    assert found["onnx-pruned-2"].recipe["chosen"] == "by calibration"
    assert found["onnx-pruned-2"].calibration
    assert (found["onnx"].status, found[INTEGERS].status) == ("ok", "failed")
    assert "RandomForestClassifier has no form in integers: trees" in found[INTEGERS].message


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_an_estimator_that_is_the_package_is_fed_all_its_columns(given: str, tmp_path: Path, lock: str) -> None:
    rows, kinds = IRIS
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    known = pd.DataFrame(rows, columns=names) if given == "columns" else rows
    model = EstimatorModel(ensemble.RandomForestClassifier(4, random_state=0).fit(known, kinds))
    fields = [one.name for one in model.spec.messages[0].fields]
    inputs = dict(zip(fields, rows.T.tolist(), strict=True)) if given == "columns" else {"x": rows}
    model.add_example("predict", {name: value[:3] for name, value in inputs.items()})
    about: dict[str, Any] = {"name": "Iris", "split": "all", "source": "scikit-learn", "license": "CC-BY-4.0"}
    model.add_data("calibration", "predict", inputs, **about)
    package = Package.read(pack(model, "iris", tmp_path / "package", known_lock=lock, verify_in=None))
    found = built(package, tmp_path / "variants", only=["onnx-pruned-2"])["onnx-pruned-2"]
    assert (found.status, found.recipe.get("chosen")) == ("ok", "by calibration"), found.message
    np.save(tmp_path / "rows.npy", rows.astype(np.float32))  # as the form of a forest takes them
    assert found.calibration == digest_of(calls_of_file(tmp_path / "rows.npy"))


def test_what_skl2onnx_cannot_do_is_said(tmp_path: Path) -> None:
    estimator = ensemble.HistGradientBoostingClassifier(max_iter=2).fit(*IRIS)
    file = save(estimator, tmp_path / "histogram.skops")
    with pytest.raises(NotMadeError, match="skl2onnx has no form of HistGradientBoostingClassifier that"):
        make(BACKEND, "onnx", file, tmp_path)
    assert not list((tmp_path / "onnx").iterdir())


def test_what_rounds_before_it_comes_to_the_trees_is_refused(tmp_path: Path) -> None:
    """A scaler's 32-bit numbers fall on the other side of where trees part: also in a pruned forest."""
    file = save(make_pipeline(StandardScaler(), forest()).fit(*IRIS), tmp_path / "scaled.skops")
    for name in NAMES[:2]:
        with pytest.raises(NotMadeError, match="it gives other answers to rows that were made up"):
            make(BACKEND, name, file, tmp_path)


@pytest.mark.parametrize("name", ["forest", "bags", "boosted", "forest of numbers", "boosted numbers", "pipeline"])
def test_how_many_numbers_a_form_has_is_known_before(name: str) -> None:
    """A file of millions is not looked through, and is told from what cannot be converted."""
    estimator = ENSEMBLES[name]().fit(*IRIS)
    found = forest_in(estimator)
    assert found is not None
    nodes = onnx.load_model_from_string(next(iter(onnx_of(estimator)))).graph.node
    attributes = [one for node in nodes for one in node.attribute]
    count = sum(len(one.ints) + len(one.floats) + len(one.strings) for one in attributes)
    assert 0.6 * count < found.numbers < 1.5 * count


def test_a_forest_of_millions_of_numbers_has_its_form_and_a_smaller_one(tmp_path: Path) -> None:
    """Trees that learn noise by heart: as many nodes as some hundred thousand rows make of what can be learned."""
    random = np.random.default_rng(0)
    rows, kinds = random.uniform(size=(30_000, 4)), random.integers(0, 2, 30_000)
    estimator = ensemble.RandomForestClassifier(30, random_state=0).fit(rows, kinds)
    found = forest_in(estimator)
    assert found is not None
    assert found.numbers > 5_000_000
    file = save(estimator, tmp_path / "noise.skops")
    recipes = {one.name: one for one in BACKEND.recipes(file)}
    small = BACKEND.make(recipes["onnx-pruned-3"], Source(file, file), tmp_path).file.stat().st_size
    whole = BACKEND.make(recipes["onnx"], Source(file, file), tmp_path).file  # in the other's place
    assert whole.stat().st_size > 9 * small
    assert np.allclose(answers(OnnxStandIn.load(whole), rows[:300]), answers(estimator, rows[:300]))


def test_calibration_of_another_model_is_refused(tmp_path: Path) -> None:
    file = save(forest().fit(*IRIS), tmp_path / "trees.skops")
    with pytest.raises(NotMadeError, match="the forest does not take the calibration inputs: X has 7 features"):
        make(BACKEND, "onnx-pruned-4", file, tmp_path, calls_of(np.ones((3, 7))))
    made = make(BACKEND, "onnx-pruned-2", file, tmp_path, [])
    assert made.recipe["chosen"] == "the first"


def test_damaged_files_are_refused_in_words(tmp_path: Path) -> None:
    file = save(forest().fit(*IRIS), tmp_path / "trees.skops")
    content = file.read_bytes()
    for damaged in (b"nothing", content[: len(content) // 2], b""):
        file.write_bytes(damaged)
        with pytest.raises(NotMadeError, match=r"trees\.skops"):
            BACKEND.recipes(file)


def test_a_forests_variants_are_packages_that_answer_without_scikit_learn(tmp_path: Path, lock: str) -> None:
    """The forest of the catalog: trained on two thirds of the flowers, and right about as many of the others."""
    train, test, kinds, expected = train_test_split(*IRIS, test_size=0.33, random_state=42)
    estimator = ensemble.RandomForestClassifier(random_state=0).fit(train, kinds)
    model = EstimatorModel(estimator)
    model.add_example("predict", {"x": test[:3].tolist()})
    package = Package.read(pack(model, "iris", tmp_path / "package", known_lock=lock, verify_in=None))
    only = ["onnx", "onnx-pruned-10"]
    outcomes = built(package, tmp_path / "variants", only=only, modules=["modelport.edge.trees"])
    assert {name: one.status for name, one in outcomes.items()} == dict.fromkeys(only, "ok")
    assert outcomes["onnx-pruned-10"].size < 0.15 * outcomes["onnx"].size
    for name in only:
        variant = load_package(tmp_path / "variants" / name)
        assert "scikit-learn" not in Package.read(tmp_path / "variants" / name).lock
        answer = variant.model.call("predict", {"x": test.tolist()})
        assert (np.array(next(iter(answer.values()))) == expected).mean() >= 0.96, name
