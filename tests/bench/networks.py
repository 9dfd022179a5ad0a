# ruff: noqa: ANN401, PLC0415 - Keras ships no types, and is imported late
"""Networks whose variants are measured: trained on Fashion-MNIST, or random where only bytes and times count.

Each is trained once and kept under ``build/networks``, by what it was made with.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import shutil
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from modelport.package.data import fetch_data
from modelport.package.state.keras import KerasBackend

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WIDTHS", "fashion", "mobilenet", "separable", "shipped"]

ROOT = Path(__file__).parents[2]
ENTRY = ROOT / "catalog" / "models" / "fashion-classifier"
KEPT = ROOT / "build" / "networks"
WIDTHS = (1.0, 0.5, 0.25)
_IMAGES, _EPOCHS = 30_000, 3


def fashion(part: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the pictures and labels of ``train`` or ``t10k``, from the package that the shipped entry names."""
    (source,) = yaml.safe_load((ENTRY / "model.yaml").read_text("utf-8"))["data"]
    folder = fetch_data(source, ROOT / "build" / "test-cache")
    images, labels = (
        np.frombuffer(gzip.decompress((folder / f"{part}-{name}-ubyte.gz").read_bytes()), np.uint8, offset=offset)
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return images.reshape(-1, 28, 28), labels


def separable(width: float) -> Path:
    """Return a network like MobileNet, trained for three epochs on half of the pictures: 0.55 MB at width 1."""
    return _kept(f"separable-{width}", partial(_trained, partial(_separable, width)))


def shipped() -> Path:
    """Return the network of the shipped fashion-classifier, trained as `separable` is."""
    return _kept("shipped", partial(_trained, _shipped))


def mobilenet() -> Path:
    """Return MobileNetV2 of width 1 with random weights, whose batch normalisation has seen noise: 14 MB."""
    return _kept("mobilenet", _mobilenet)


def _kept(name: str, make: Callable[[], Any]) -> Path:
    made_with = (Path(__file__).read_text("utf-8"), (ENTRY / "recipe.py").read_text("utf-8"), version("keras"))
    key = hashlib.sha256("\0".join(made_with).encode()).hexdigest()[:16]
    file = KEPT / key / f"{name}.keras"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".part")
        KerasBackend().save(make(), scratch)
        shutil.move(scratch, file)
    return file


def _trained(make: Callable[[], Any]) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    network = make()
    network.compile("adam", "sparse_categorical_crossentropy")
    images, labels = fashion("train")
    network.fit(images[:_IMAGES], labels[:_IMAGES], batch_size=128, epochs=_EPOCHS, verbose=0)
    return network


def _separable(width: float) -> Any:
    import keras

    layers = keras.layers

    def normal(found: Any) -> Any:
        return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(found))

    taken = layers.Input((28, 28))
    found = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(taken))
    found = normal(layers.Conv2D(int(32 * width), 3, strides=2, padding="same", use_bias=False)(found))
    for size, step in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        found = normal(layers.DepthwiseConv2D(3, strides=step, padding="same", use_bias=False)(found))
        found = normal(layers.Conv2D(int(size * width), 1, use_bias=False)(found))
    found = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(found))
    return keras.Model(taken, found, name="separable")


def _shipped() -> Any:
    spec = importlib.util.spec_from_file_location("recipe", ENTRY / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    return recipe._network()


def _mobilenet() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    # Without the last softmax: of a thousand classes that are all alike 8 bits leave nothing.
    network = keras.applications.MobileNetV2(weights=None, alpha=1.0, classifier_activation=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one look is all that it gets
    network(np.random.default_rng(0).uniform(-1, 1, (8, 224, 224, 3)).astype(np.float32), training=True)
    return network
