"""A small convolutional network that tells ten kinds of clothing apart, trained on Fashion-MNIST."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Annotated, NamedTuple

import keras
import numpy as np

from modelport import About, Model, Tensor

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
SOURCE = "Zalando Research, https://github.com/zalandoresearch/fashion-mnist, as Debian's dataset-fashion-mnist"


class Clothes(NamedTuple):
    """Photographs of single pieces of clothing."""

    images: Annotated[
        np.ndarray, Tensor("uint8", "n", 28, 28), About("grey values: 0 is the background, 255 the brightest cloth")
    ]


class Kinds(NamedTuple):
    """What each image shows.

    The ten kinds in order: T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot.
    """

    labels: Annotated[list[str], About("the likeliest kind")]
    probabilities: Annotated[np.ndarray, Tensor("float32", "n", 10), About("of the ten kinds", minimum=0, maximum=1)]
    certainty: Annotated[np.ndarray, Tensor("float32", "n"), About("of the likeliest kind", minimum=0, maximum=1)]


def model(data: dict[str, Path]) -> Model:
    """Train for three epochs on the 60,000 training images and measure on the 10,000 test images."""
    images, labels = _read(data["fashion-mnist"], "train")
    test_images, test_labels = _read(data["fashion-mnist"], "t10k")
    network = _network()
    network.fit(images, labels, batch_size=128, epochs=3, verbose=0)

    def classify(clothes: Clothes) -> Kinds:
        """Tell the kind of clothing in each image."""
        if not len(clothes.images):
            return Kinds([], np.zeros((0, len(LABELS)), np.float32), np.zeros(0, np.float32))
        probabilities = network.predict(clothes.images, verbose=0)
        labels = [LABELS[i] for i in probabilities.argmax(axis=1)]
        return Kinds(labels, probabilities, probabilities.max(axis=1))

    made = Model(classify=classify)
    for image in test_images[:2]:
        made.add_example("classify", {"images": [image.tolist()]}, tolerance=1e-3)
    made.add_example("classify", {"images": []})
    words = {"name": "Fashion-MNIST", "source": SOURCE, "license": "MIT"}
    made.add_data(
        "calibration", "classify", {"images": images[::300]}, split="every 300th of the 60,000 training images", **words
    )
    right = {"labels": [LABELS[i] for i in test_labels]}
    test = made.add_data("evaluation", "classify", {"images": test_images}, right, split="test", **words)
    made.add_evaluation(test.evaluate(made, tolerance=0.01))
    return made


def _network() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(96, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="fashion",
    )
    network.compile("adam", "sparse_categorical_crossentropy")
    return network


def _read(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a part of the data set; its files are gzipped IDX."""
    images = np.frombuffer(gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels
