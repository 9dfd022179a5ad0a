"""A model behind BentoML, as its documentation shows it: bentoml serve bentoml_app:Iris."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service
class Iris:
    def __init__(self) -> None:
        self.estimator = joblib.load(os.environ["ESTIMATOR"])

    @bentoml.api
    def classify(
        self,
        sepal_length: list[float],
        sepal_width: list[float],
        petal_length: list[float],
        petal_width: list[float],
    ) -> list[int]:
        columns = [sepal_length, sepal_width, petal_length, petal_width]
        return self.estimator.predict(np.column_stack(columns)).tolist()
