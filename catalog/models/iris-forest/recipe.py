"""The random forest of the Acumos paper's Fig. 2: iris flowers told apart by the sizes of their sepals and petals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from modelport import Evaluation, Model


class Input(NamedTuple):
    """Flowers, a column for each measure in centimetres."""

    sepal_length: list[float]
    sepal_width: list[float]
    petal_length: list[float]
    petal_width: list[float]


class Output(NamedTuple):
    """The species of each flower: 0 is setosa, 1 versicolor, 2 virginica."""

    IrisType: list[int]


def model() -> Model:
    """Train on two thirds of the data and measure on the rest, as the paper does."""
    iris = load_iris()
    train, test, train_species, test_species = train_test_split(iris.data, iris.target, test_size=0.33, random_state=42)
    forest = RandomForestClassifier(random_state=0)
    forest.fit(train, train_species)

    def classify_iris(flowers: Input) -> Output:
        """Tell the species of each flower."""
        return Output(IrisType=forest.predict(np.column_stack(flowers)))

    made = Model(classify=classify_iris)
    one_of_each = [0, 50, 100]
    made.add_example("classify", dict(zip(Input._fields, iris.data[one_of_each].T.tolist(), strict=True)))
    made.add_evaluation(
        Evaluation.accuracy(
            correct=int((forest.predict(test) == test_species).sum()),
            n=len(test),
            data="Iris",
            split="a third held out (test_size=0.33, random_state=42)",
            tolerance=0.02,
        )
    )
    return made
