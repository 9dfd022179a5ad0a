"""Boosted trees of LightGBM."""

import lightgbm
import numpy as np

from modelport import Model

x = np.linspace(0.0, 10.0, 200).reshape(-1, 1)
options = {"objective": "regression", "num_leaves": 4, "verbose": -1, "num_threads": 1, "deterministic": True}
booster = lightgbm.train(options, lightgbm.Dataset(x, label=(x[:, 0] > 5).astype(float)), num_boost_round=40)


def step(x: list[float]) -> list[bool]:
    """Tell which numbers are above five."""
    return [bool(one > 0.5) for one in booster.predict(np.array(x).reshape(-1, 1))]


model = Model(step=step)
model.add_example("step", {"x": [1.0, 9.0]})
