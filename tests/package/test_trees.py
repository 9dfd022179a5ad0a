"""Second forms of trees inside functions: scikit-learn's trees read 32-bit numbers, and what is kept does, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelport.errors import ModelportError
from modelport.package import Package, load_package, model_from_file, pack
from modelport.package.closeness import close
from modelport.package.files.objects import inside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelport import Model

SOURCE = """\
from typing import Annotated

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelport import Model, Tensor

rows = np.random.default_rng(0).normal(size=(60, 2)).round({digits})
forest = {train}.fit(rows, (rows.sum(axis=1) > 0).astype(int))


def ask(x: Annotated[np.ndarray, Tensor("float64", "n", 2)]) -> list[float]:
    return [float(one) for one in {answer}]


model = Model(ask=ask)
model.add_example("ask", {{"x": [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25]]}})
"""
FOREST = "RandomForestClassifier(10, random_state=0)"
SCALED = f"make_pipeline(StandardScaler(), {FOREST})"
NONE = "it gives other answers to rows that were made up"


@pytest.fixture
def made(tmp_path: Path, lock: str) -> Callable[..., Package]:
    """Return a function that packs a function which asks trees."""

    def make(train: str, answer: str = "forest.predict(x)", digits: int = 1) -> Package:
        (tmp_path / "model.py").write_text(SOURCE.format(train=train, answer=answer, digits=digits), "utf-8")
        model = model_from_file(tmp_path / "model.py")
        return Package.read(pack(model, "some", tmp_path / "out", known_lock=lock, verify_in=None))

    return make


def between_neighbours(folder: Path) -> np.ndarray:
    """Return rows of numbers at, beside and between the float32 neighbours of all numbers at which the trees part."""
    found = model_from_file(folder / "model.py").methods["ask"].inner.__globals__["forest"]
    trees = [one.tree_ for one in inside(found) if hasattr(one, "tree_")]
    columns = []
    for feature in (0, 1):
        steps = np.unique(np.concatenate([tree.threshold[tree.feature == feature] for tree in trees]))
        below, above = (np.nextafter(steps.astype("float32"), np.float32(way)) for way in (-np.inf, np.inf))
        parts = [steps, below, above, (steps + below) / 2, (steps + above) / 2, steps + 1e-12, steps - 1e-12]
        columns.append(np.concatenate([*parts, steps.round(1)]))
    random = np.random.default_rng(1)
    return np.column_stack([random.choice(one, size=3000) for one in columns])


def both(package: Package) -> list[Model]:
    return [load_package(package.folder, alternatives=one).model for one in (False, True)]


@pytest.mark.parametrize("digits", [0, 1, 9])
@pytest.mark.parametrize(
    ("train", "answer"),
    [
        (FOREST, "forest.predict_proba(x)[:, 0]"),
        (FOREST, "forest.predict(x)"),
        ("DecisionTreeClassifier(random_state=0)", "forest.predict_proba(x)[:, 0]"),
        ("GradientBoostingRegressor(n_estimators=5, random_state=0)", "forest.predict(x)"),
    ],
)
def test_trees_part_at_the_same_numbers_in_the_form_that_is_kept(
    train: str, answer: str, digits: int, made: Callable[..., Package], tmp_path: Path
) -> None:
    package = made(train, answer, digits)
    (form,) = package.info["alternatives"]
    assert form["rows"] >= 2
    rows = between_neighbours(tmp_path)
    one, other = (np.array(model.methods["ask"](x=rows)) for model in both(package))
    assert close(one, other).all()


@pytest.mark.parametrize("digits", [1, 9])
def test_trees_behind_a_scaler_keep_no_form_that_rounds_otherwise(digits: int, made: Callable[..., Package]) -> None:
    package = made(SCALED, digits=digits)
    assert "alternatives" not in package.info
    (said,) = package.info["without_alternative"]
    assert (said["of"], said["reason"]) == ("state/forest.skops", NONE)
    assert "state/forest.onnx" not in package.files()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e300, 3e38])
def test_what_the_estimator_refuses_its_second_form_refuses_too(number: float, made: Callable[..., Package]) -> None:
    package = made(FOREST, "forest.predict_proba(x)[:, 0]")
    answers: list[list[float]] = []  # none where it refuses
    for model in both(package):
        try:
            answers.append(list(model.methods["ask"](x=np.array([[0.0, number], [number, 0.3]])).value))
        except ModelportError:
            answers.append([])
    first, second = answers
    assert not second or close(np.array(first), np.array(second)).all()
    assert bool(second) == (number == 3e38)
    (form,) = package.info["alternatives"]
    assert form["refuses"] == ["missing", "infinite", "large"]
