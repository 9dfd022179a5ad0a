# ruff: noqa: PLC0415 - scikit-learn is imported late: it takes seconds
"""Two real networks for scikit-learn's handwritten digits, trained in seconds: a small poor one, and a good one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelport import Evaluation
from modelport.package import Package, pack
from modelport.package.files.onnx import OnnxModel
from modelport.package.modelpack import manifest_digest
from modelport.package.state.conversion import onnx_of
from modelport.package.store import keep_package

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Digits", "Trained", "digits"]

ROOT = Path(__file__).parents[2]
_TRAINED_ON = 800
_MADE_WITH = {"narrow": (4, 20), "wide": (32, 60)}
"""The width of each, and how often it saw the pictures."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A network's package.

    Attributes:
        right: Of each picture, whether it knows it.
    """

    name: str
    package: Package
    right: NDArray[np.bool_]

    def item(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a plan's variant
        """Return what a plan says of it."""
        value = float(self.right.mean())
        accuracy = {"value": value, "interval": 1.96 * (value * (1 - value) / len(self.right)) ** 0.5}
        size = (self.package.folder / "state" / f"{self.name}.onnx").stat().st_size
        return {
            "name": self.name, "digest": str(manifest_digest(self.package)), "size": size, "accuracy": accuracy, **more
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Digits:
    """The networks, and the pictures that they have not seen."""

    narrow: Trained
    wide: Trained
    pictures: list[list[float]]
    labels: list[int]
    store: Path


def digits(folder: Path) -> Digits:
    """Train both networks and keep their packages in ``folder/store``."""
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    seen, unseen = order[:_TRAINED_ON], order[_TRAINED_ON:]
    pictures = (pictures / 16).astype(np.float32)
    made = {
        name: _trained(folder / name, made_with, (pictures[seen], labels[seen]), (pictures[unseen], labels[unseen]))
        for name, made_with in _MADE_WITH.items()
    }
    for name, one in made.items():
        keep_package(one.package.folder, folder / "store", tags=[name])
    return Digits(**made, pictures=pictures[unseen].tolist(), labels=labels[unseen].tolist(), store=folder / "store")


def _trained(folder: Path, made_with: tuple[int, int], seen: tuple[Any, Any], unseen: tuple[Any, Any]) -> Trained:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    name, (width, times) = folder.name, made_with
    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is good enough
        network = MLPClassifier((width,), learning_rate_init=0.01, max_iter=times, random_state=0).fit(*seen)
    file = folder / f"{name}.onnx"
    *_, content = onnx_of(network)  # that of 32-bit numbers
    file.write_bytes(content)
    model = OnnxModel(file, method="classify")
    example = {"x": [unseen[0][0].tolist()]}
    model.add_example("classify", example, tolerance=1e-4)
    told = model.call("classify", {"x": unseen[0].tolist()})["label"]
    right = np.array([int(one) for one in told]) == unseen[1]
    data = "scikit-learn's digits"
    model.add_evaluation(Evaluation.accuracy(correct=int(right.sum()), n=len(right), data=data, split="test"))
    lock = (ROOT / "requirements" / "dev.lock").read_text("utf-8")
    return Trained(
        name, Package.read(pack(model, "digits", folder / "package", known_lock=lock, verify_in=None)), right
    )
