"""A forest as a service, whose code has filters of warnings of its own; it tells how many there are in all."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from tests.serve.models import MODELS, main

from modelport import Model

forest = RandomForestClassifier(5, random_state=0).fit(np.arange(20).reshape(10, 2), np.arange(10) % 2)


def trees() -> Model:
    for category in (UserWarning, FutureWarning):
        warnings.filterwarnings("ignore", "no such warning", category)
        warnings.filterwarnings("ignore", category=category, module="no.such.module")

    def predict(x: float, y: float) -> int:
        return int(forest.predict([[x, y]])[0])

    def filters() -> int:
        return len(warnings.filters)

    model = Model(predict=predict, filters=filters)
    model.add_example("predict", {"x": 1.0, "y": 2.0})
    return model


MODELS["trees"] = trees

if __name__ == "__main__":
    main()
