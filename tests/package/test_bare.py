# ruff: noqa: ANN401, PLC0415 - estimators of any type; heavy imports are late
"""Second forms of trained objects that are packed as they are: they answer alike, stay data, and are told of."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.package.estimators import CODE, DATA, arguments, of
from tests.package.trained import TRAINED, X, Y

from modelport.errors import CallError, FormatError, PackError
from modelport.package import Package, load_package, pack
from modelport.package.closeness import close
from modelport.package.files.outcomes import decides_by_chances
from modelport.package.modelpack import manifest_digest
from modelport.package.packing import verify_clean
from modelport.package.source import model_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# TensorFlow's variables do not know NumPy 2's arguments yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONVERTED = [
    "a boosted model", "a forest", "a line", "a network", "a scaler", "a stack", "a table", "a tree", "bags",
    "boosted numbers", "chances set right", "clusters", "labels without chances", "neighbours", "powers",
    "support vectors", "two lines",
]  # fmt: skip


def packed(value: Any, out: Path, lock: str, *, example: bool = False, alternatives: bool = True) -> Package:
    made = model_of(value)
    if example:
        made.add_example(made.spec.methods[0].name, arguments(made), tolerance=1e-9)
    return Package.read(pack(made, "bare", out, known_lock=lock, verify_in=None, alternatives=alternatives))


@pytest.mark.parametrize("name", sorted(DATA | CODE))
def test_each_has_a_second_form_that_answers_alike_or_says_why_not(name: str, tmp_path: Path, lock: str) -> None:
    package = packed((DATA | CODE)[name](), tmp_path / "one", lock)
    if name not in CONVERTED:
        (said,) = package.info["without_alternative"]
        assert said["reason"] == "the converter has no form of it that runs"
        assert not list((package.folder / "state").glob("*.onnx"))
        return
    (form,) = package.info["alternatives"]
    assert (form["path"], form["of"], form["agreed"]) == ("state/model.onnx", "state/model.skops", 0)
    assert form["rows"] >= 2
    assert package.is_data == (name in DATA)
    first, second = (load_package(package.folder, alternatives=one).model for one in (False, True))
    (method,) = first.spec.methods
    given = arguments(first)
    one, other = (model.call(method.name, given) for model in (first, second))
    assert one.keys() == other.keys()
    for field, value in one.items():
        mine, its = np.asarray(value), np.asarray(other[field])
        assert mine.dtype.kind == its.dtype.kind
        assert close(mine, its).all() if mine.dtype.kind == "f" else (mine == its).all()


def test_trees_part_in_both_forms_at_the_same_numbers(tmp_path: Path, lock: str) -> None:
    data = np.round(X, 1)  # as people write measurements: 0.7 is another number in 32 bits
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(20, random_state=0).fit(data, Y)
    package = packed(forest, tmp_path / "one", lock)
    places = np.unique([step for tree in forest for step in tree.tree_.threshold])
    rows = np.random.default_rng(0).choice(np.round(places, 6), size=(500, 4))
    first, second = (load_package(package.folder, alternatives=one).model for one in (False, True))
    chances = [model.methods["predict"](x=rows).probabilities for model in (first, second)]
    assert close(*chances).all()


def test_chances_are_never_above_one(tmp_path: Path, lock: str) -> None:
    from sklearn.datasets import load_wine
    from sklearn.ensemble import RandomForestClassifier

    wines, kinds = load_wine(return_X_y=True)
    wines = wines[:, [0, 1, 10]]
    package = packed(RandomForestClassifier(20, random_state=0).fit(wines, kinds), tmp_path / "one", lock)
    second = load_package(package.folder, alternatives=True).model  # of its sums of 32-bit floats, some are more
    chances = second.methods["predict"](x=wines).probabilities
    assert (chances.min() >= 0, chances.max() <= 1) == (True, True)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)


def test_what_the_first_form_refuses_the_second_refuses_too(tmp_path: Path, lock: str) -> None:
    package = packed(DATA["a line"](), tmp_path / "one", lock)
    for alternatives in (False, True):
        model = load_package(package.folder, alternatives=alternatives).model
        for number in (np.nan, np.inf):
            with pytest.raises(CallError):
                model.methods["predict"](x=np.full((1, 4), number))
        assert model.methods["predict"](x=np.full((1, 4), 1e300)).values.shape == (1,)


def test_the_same_state_gives_the_same_package_also_of_what_was_loaded(tmp_path: Path, lock: str) -> None:
    packages = [packed(DATA["a forest"](), tmp_path / name, lock, example=True) for name in ("one", "two")]
    again = load_package(packages[0].folder).model
    packages.append(Package.read(pack(again, "bare", tmp_path / "three", known_lock=lock, verify_in=None)))
    assert len({str(manifest_digest(one)) for one in packages}) == 1
    (form,) = packages[0].info["alternatives"]
    assert form["agreed"] == 1


def test_data_stays_data_in_the_clean_environment(tmp_path: Path, lock: str, cache: Path) -> None:
    package = packed(DATA["a forest"](), tmp_path / "one", lock, example=True)
    assert verify_clean(package.folder, cache).examples == 1
    needed = package.info["needed_by"]
    assert needed["onnxruntime"] == ["state/model.onnx"]
    assert needed["scikit-learn"] == ["state/model.skops"]


def test_the_second_form_runs_without_the_framework(tmp_path: Path, lock: str) -> None:
    package = packed(DATA["a table"](), tmp_path / "one", lock)
    (package.folder / "state" / "model.skops").unlink()
    text = (
        "import sys; from pathlib import Path; from modelport.package import load_package\n"
        f"model = load_package(Path({str(package.folder)!r}), alternatives=True).model\n"
        "print(model.call('predict', {'age_years': [1.0], 'colour': ['red']})['labels'])\n"
        "print([one for one in ('sklearn', 'skops', 'pandas') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[1] == "[]"


def test_a_damaged_or_foreign_second_form_is_refused(tmp_path: Path, lock: str) -> None:
    package = packed(DATA["a forest"](), tmp_path / "one", lock)
    other = packed(DATA["a line"](), tmp_path / "other", lock)
    for content in (b"damaged", (other.folder / "state" / "model.onnx").read_bytes()):
        (package.folder / "state" / "model.onnx").write_bytes(content)
        load_package(package.folder)
        with pytest.raises(FormatError, match=r"model\.onnx: it"):
            load_package(package.folder, alternatives=True)


def test_second_forms_may_be_declined_and_are_not_packed_alone(tmp_path: Path, lock: str) -> None:
    plain = packed(DATA["a line"](), tmp_path / "plain", lock, alternatives=False)
    assert not {"alternatives", "without_alternative"} & plain.info.keys()
    package = packed(DATA["a line"](), tmp_path / "one", lock)
    second = load_package(package.folder, alternatives=True).model
    with pytest.raises(PackError, match="second form cannot be packed"):
        pack(second, "bare", tmp_path / "two", known_lock=lock, verify_in=None)


def test_an_example_that_the_second_form_refuses_keeps_it_out(tmp_path: Path, lock: str) -> None:
    made = model_of(DATA["a forest"]())
    made.add_example("predict", {"x": [["NaN", 1.0, 2.0, 3.0]]})
    package = Package.read(pack(made, "bare", tmp_path / "one", known_lock=lock, verify_in=None))
    (said,) = package.info["without_alternative"]
    assert said["reason"] == "it does not answer the examples"


def test_a_bare_network_has_litert_beside_it(tmp_path: Path, lock: str) -> None:
    network = TRAINED["network"]()
    package = packed(network, tmp_path / "one", lock)
    (form,) = package.info["alternatives"]
    assert (form["path"], form["runtime"]) == ("state/model.tflite", "ai-edge-litert")
    first, second = (load_package(package.folder, alternatives=one).model for one in (False, True))
    (method,) = first.spec.methods
    (field,) = first.spec.message(method.input).fields
    (given,) = first.spec.message(method.output).fields
    shape = [size if isinstance(size, int) else 3 for size in field.type.shape]  # type: ignore[union-attr]  # a network takes tensors
    batch = np.random.default_rng(1).normal(size=shape).astype("float32")
    one, other = (getattr(model.methods[method.name](**{field.name: batch}), given.name) for model in (first, second))
    assert close(one, other).all()


@pytest.mark.parametrize(
    ("make", "once"),
    [
        (DATA["a forest"], True),
        (DATA["a tree"], True),
        (DATA["bags"], True),
        (of("ensemble", "ExtraTreesClassifier", n_estimators=3, random_state=0), True),
        (DATA["a table"], False),  # the probabilities are made of what decides
        (DATA["a boosted model"], False),
        (DATA["a network"], False),
        (DATA["a line"], False),
    ],
)
def test_labels_come_of_probabilities_only_where_the_estimator_itself_does_so(
    make: Callable[[], Any], *, once: bool
) -> None:
    estimator = make()
    assert decides_by_chances(estimator) == once
    if once:
        rows = np.random.default_rng(2).normal(size=(200, 4))
        asked: list[Any] = []
        model = model_of(estimator)
        own = estimator.predict_proba

        def watched(values: Any) -> Any:
            asked.append(values)
            return own(values)

        estimator.predict_proba = watched
        given = model.methods["predict"](x=rows)
        assert len(asked) == 1
        assert given.labels == estimator.predict(rows).tolist()
        assert (given.probabilities == own(rows)).all()


def test_a_class_that_answers_in_its_own_way_is_asked_twice() -> None:
    from sklearn.tree import DecisionTreeClassifier

    class Cautious(DecisionTreeClassifier):  # type: ignore[misc]  # scikit-learn has no types
        def predict(self, values: Any) -> Any:
            return np.full(len(values), self.classes_[0])

    assert not decides_by_chances(Cautious().fit(X, Y))
