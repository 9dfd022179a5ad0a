"""Keras: a network of two layers."""

import keras
import numpy as np

from modelport import Model

keras.utils.set_random_seed(0)
_LAYERS = [
    keras.layers.Input((4,), name="in"),
    keras.layers.Dense(3, activation="relu", name="a"),
    keras.layers.Dropout(0.5, name="b"),
    keras.layers.Dense(1, name="c"),
]
network = keras.Sequential(_LAYERS, name="network")
network.compile("adam", "mse")
_X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
network.fit(_X, _X.sum(axis=1), epochs=1, verbose=0)


def predict(a: list[float], b: list[float]) -> list[float]:
    """Predict from two numbers."""
    rows = np.column_stack([a, b, a, b]).astype("float32")
    return [float(one) for one in network(rows)[:, 0]]


model = Model(predict=predict)
model.add_example("predict", {"a": [1.0, 2.0, 3.0], "b": [0.5, 0.25, 0.125]}, tolerance=1e-5)
