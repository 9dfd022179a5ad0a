"""The random forest of the Acumos paper's Fig. 2: iris flowers told apart by the sizes of their sepals and petals."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Annotated, NamedTuple

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from modelport import About, Model

SPECIES = ("setosa", "versicolor", "virginica")
NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPLIT = "(test_size=0.33, random_state=42)"


@dataclass(frozen=True)
class Input:
    """Flowers, a column for each measure in centimetres: the first item of each list belongs to the first flower."""

    sepal_length: Annotated[list[float], About("length of the sepal", unit="cm", minimum=0)]
    sepal_width: Annotated[list[float], About("width of the sepal", unit="cm", minimum=0)]
    petal_length: Annotated[list[float], About("length of the petal", unit="cm", minimum=0)]
    petal_width: Annotated[list[float], About("width of the petal", unit="cm", minimum=0)]

    def __post_init__(self) -> None:
        columns = vars(self)
        if len({len(column) for column in columns.values()}) > 1:
            counts = ", ".join(f"{name} has {len(column)}" for name, column in columns.items())
            raise ValueError(f"every list needs a number for every flower; {counts}")
        for name, column in columns.items():
            if not all(math.isfinite(measure) for measure in column):
                raise ValueError(f"{name} has a number that is no length")


class Output(NamedTuple):
    """The species of each flower, by number and by name."""

    IrisType: Annotated[list[int], About("0, 1 or 2, as in the data set", minimum=0, maximum=2)]
    species: Annotated[list[str], About("setosa, versicolor or virginica")]


def model() -> Model:
    """Train on two thirds of the data and measure on the rest, as the paper does."""
    iris = load_iris()
    train, test, train_species, test_species = train_test_split(iris.data, iris.target, test_size=0.33, random_state=42)
    forest = RandomForestClassifier(random_state=0)
    forest.fit(train, train_species)

    def classify_iris(flowers: Input) -> Output:
        """Tell the species of each flower."""
        columns = astuple(flowers)
        kinds = forest.predict(np.column_stack(columns)) if columns[0] else []
        return Output(IrisType=kinds, species=[SPECIES[kind] for kind in kinds])

    made = Model(classify=classify_iris)
    made.add_example("classify", _columns(iris.data[[0, 50, 100]]))
    made.add_example("classify", {name: [] for name in NAMES})
    words = {"name": "Iris", "source": "scikit-learn's load_iris, after Fisher (1936)", "license": "CC-BY-4.0"}
    made.add_data("calibration", "classify", _columns(train), split=f"the two thirds trained on {SPLIT}", **words)
    right = {"IrisType": test_species.tolist()}
    held_out = made.add_data(
        "evaluation", "classify", _columns(test), right, split=f"a third held out {SPLIT}", **words
    )
    made.add_evaluation(held_out.evaluate(made, tolerance=0.02))
    return made


def _columns(flowers: np.ndarray) -> dict[str, list[float]]:
    """Return rows of measures as the method's arguments."""
    return dict(zip(NAMES, flowers.T.tolist(), strict=True))
