# ruff: noqa: ANN401, PLC0415 - Keras ships no types, and is imported late
"""Networks that variants are made of: small ones with random weights, and somebody's real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tests.support.wheels import file_of_wheel

from modelport.package.state.keras import KerasBackend

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.edge.interface import Calibration

__all__ = ["calls_of", "face_detector", "lifeless", "pictures", "save", "separable"]

MEDIAPIPE = "mediapipe==0.10.21 --hash=sha256:05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
"""Its newest release with models."""


def separable(width: int = 16) -> Any:
    """Return a small separable network for 12 x 12 pictures of bytes, with batch normalisation that has seen some."""
    import keras

    keras.utils.set_random_seed(7)
    layers = keras.layers
    taken = layers.Input((12, 12))
    found = layers.Reshape((12, 12, 1))(layers.Rescaling(1 / 255)(taken))
    for step, size in ((1, width), (2, 2 * width), (1, 4 * width)):
        if found.shape[-1] > 1:
            found = layers.DepthwiseConv2D(3, strides=step, padding="same", use_bias=False)(found)
        found = layers.Conv2D(size, 3 if found.shape[-1] == 1 else 1, use_bias=False)(found)
        found = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.0)(found))
    found = layers.Dense(16 * width, activation="relu")(layers.GlobalAveragePooling2D()(found))
    model = keras.Model(taken, layers.Dense(10, activation="softmax")(found))
    model(pictures(64, seed=3), training=True)
    return model


def lifeless() -> Any:
    """Return a network whose activations shrink to next to nothing, as those of deep ones with random weights do."""
    import keras

    layers = keras.layers
    small = keras.initializers.Constant(1e-10)
    taken = layers.Input((12, 12))
    found = layers.Reshape((12, 12, 1))(taken)
    found = layers.DepthwiseConv2D(3, padding="same", use_bias=False, depthwise_initializer=small)(found)
    found = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(found))
    return keras.Model(taken, layers.Dense(2)(found))


def save(model: Any, file: Path) -> Path:
    """Write a Keras model as packages keep it; return the file."""
    KerasBackend().save(model, file)
    return file


def pictures(count: int, *, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return pictures of bytes, 12 x 12, each brighter to one side."""
    random = np.random.default_rng(seed)
    slopes = random.uniform(-1, 1, (count, 2, 1, 1))
    ramp = np.linspace(-1, 1, 12)
    found = 128 + 90 * (slopes[:, 0] * ramp + slopes[:, 1] * ramp[:, None]) + random.normal(0, 25, (count, 12, 12))
    return np.clip(found, 0, 255).astype(np.uint8)


def calls_of(rows: np.ndarray[Any, Any], name: str = "x") -> Calibration:
    """Return a call for each row, in 32-bit floats."""
    return [{name: row[None].astype(np.float32)} for row in rows]


def face_detector() -> Path:
    """Return MediaPipe's detector of near faces (Apache-2.0, 230 kB), from its wheel, fetched once."""
    return file_of_wheel(MEDIAPIPE, "mediapipe/modules/face_detection/face_detection_short_range.tflite")
