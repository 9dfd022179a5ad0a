"""The same model for Modelport: modelport pack modelport_app.py."""

import os
from typing import NamedTuple

import joblib
import numpy as np

from modelport import Model

estimator = joblib.load(os.environ["ESTIMATOR"])


class Flowers(NamedTuple):
    sepal_length: list[float]
    sepal_width: list[float]
    petal_length: list[float]
    petal_width: list[float]


class Species(NamedTuple):
    species: list[int]


def classify(flowers: Flowers) -> Species:
    return Species(estimator.predict(np.column_stack(flowers)).tolist())


model = Model(classify=classify)
model.add_example(
    "classify",
    {
        "sepal_length": [5.1, 7.0, 6.3],
        "sepal_width": [3.5, 3.2, 3.3],
        "petal_length": [1.4, 4.7, 6.0],
        "petal_width": [0.2, 1.4, 2.5],
    },
)
