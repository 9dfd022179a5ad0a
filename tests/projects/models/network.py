"""A small network of Keras."""

import keras
import numpy as np

from modelport import Model

keras.utils.set_random_seed(0)
layers = [keras.layers.Input((2,), name="in"), keras.layers.Dense(1, name="out", use_bias=False)]
network = keras.Sequential(layers, name="network")
network.set_weights([np.array([[2.0], [-1.0]], dtype="float32")])


def weigh(x: list[float], y: list[float]) -> list[float]:
    """Return 2x - y."""
    rows = np.stack([x, y], axis=1).astype("float32")
    return [float(one) for one in network.predict(rows, verbose=0)[:, 0]]


model = Model(weigh=weigh)
model.add_example("weigh", {"x": [1.0, 2.0], "y": [0.5, 4.0]}, tolerance=1e-5)
