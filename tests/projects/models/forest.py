"""A forest of scikit-learn."""

from typing import NamedTuple

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from modelport import Model

iris = load_iris()
forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(iris.data, iris.target)
names = [str(name) for name in iris.target_names]


class Flowers(NamedTuple):
    sepal_length: list[float]
    sepal_width: list[float]
    petal_length: list[float]
    petal_width: list[float]


class Species(NamedTuple):
    species: list[str]


def classify(flowers: Flowers) -> Species:
    """Tell the species of irises."""
    return Species([names[n] for n in forest.predict(list(zip(*flowers)))])


model = Model(classify=classify)
model.add_example(
    "classify",
    {"sepal_length": [5.1, 6.3], "sepal_width": [3.5, 3.3], "petal_length": [1.4, 6.0], "petal_width": [0.2, 2.5]},
)
