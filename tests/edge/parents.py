"""Packages of every kind of which variants are made, and backends that do what real ones do on a bad day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.edge.build import Build
from modelport.edge.interface import BACKENDS
from modelport.edge.variant import parent_of
from modelport.package import Package, model_from_file, pack
from modelport.package.modelpack import manifest_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.edge.build import Outcome
    from modelport.edge.interface import Calibration

NETWORK = """\
import keras
import numpy as np

from modelport import Model

keras.utils.set_random_seed(0)
layers = [
    keras.layers.Input((2,), name="x"),
    keras.layers.Dense(96, activation="relu", name="a"),
    keras.layers.Dense(64, activation="relu", name="b"),
    keras.layers.Dense(1, activation="sigmoid", name="c"),
]
network = keras.Sequential(layers, name="network")


def score(x: list[float], y: list[float]) -> list[float]:
    batch = np.array([x, y], "float32").T
    return network.predict(batch, verbose=0)[:, 0].tolist() if len(batch) else []


model = Model(score=score)
model.add_example("score", {"x": [1.0, 2.0, -0.5], "y": [0.5, -0.5, 0.25]}, tolerance=0.0001)
"""
CALIBRATION = """
columns = np.linspace(-1, 1, 40), np.linspace(1, -1, 40) ** 3
inputs = {"x": columns[0].tolist(), "y": columns[1].tolist()}
about = {"name": "a curve", "split": "all of it", "source": "made up", "license": "CC0-1.0"}
model.add_data("calibration", "score", inputs, **about)
"""

BACKEND = """\
import os
import shutil

import numpy

from modelport.edge.interface import Made, NotMadeError, Recipe


class Fickle:
    def recipes(self, parent):
        if parent.read_bytes()[:4] == b"bad!":
            raise NotMadeError("the file is damaged from its beginning")
        runtime = {".onnx": "onnx", ".skops": "onnx"}.get(parent.suffix, "litert")
        names = ["copy"] if runtime == "onnx" else ["copy", "crash", "raise", "refuse", "greedy", "garbage", "liar"]
        return [Recipe(name, runtime) for name in names] + [Recipe("later", runtime, base=names[-1])]

    def make(self, recipe, source, out):
        print("a converter talks")
        if recipe.name == "crash":
            os.abort()
        if recipe.name == "raise":
            raise RuntimeError("it met\\nsomething new")
        if recipe.name == "refuse":
            raise NotMadeError("the operator Gather is not supported", hint="use another layer")
        if recipe.name == "greedy":
            pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**26
            os.held = [numpy.zeros(2**26, "int8") for _ in range(2 * pages)]  # twice what there is, none of it written
        file = out / f"made{'.onnx' if recipe.runtime == 'onnx' else '.tflite'}"
        if recipe.name == "garbage":
            file.write_bytes(b"garbage" * 9)
        elif source.parent.suffix == ".skops":
            from modelport.package.state.conversion import onnx_of
            from modelport.package.state.sklearn import SklearnBackend

            file.write_bytes(next(iter(onnx_of(SklearnBackend().load(source.parent)))))
        elif recipe.name != "liar":
            shutil.copyfile(source.file, file)
        return Made(file, {"by": "copying"})


BACKEND = Fickle()
"""


def packed(source: str, folder: Path, lock: str) -> Package:
    """Return the package of a Python source."""
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(source, "utf-8")
    model = model_from_file(folder / "model.py")
    return Package.read(pack(model, "some", folder / "package", known_lock=lock, verify_in=None))


def built(
    package: Package,
    place: Path,
    *,
    only: Sequence[str] = (),
    cache: Path | None = None,
    modules: Sequence[str] = BACKENDS,
    calibration: Calibration | None = None,
    verify: bool = False,
) -> Mapping[str, Outcome]:
    """Build variants of *package*, and return what becomes of each; their packages are left in *place*."""

    def keep(made: Package) -> str:
        digest = str(manifest_digest(made))
        made.folder.rename(place / made.info["variant"]["name"])
        return digest

    place.mkdir(parents=True, exist_ok=True)
    build = Build(
        parent_of(package, str(manifest_digest(package))),
        cache or place / "cache",
        keep,
        calibration=calibration,
        verify=verify,
        modules=modules,
    )
    build.find()
    return {one.name: one for one in build.run(only)}
