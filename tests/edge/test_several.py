# ruff: noqa: ANN401 - TensorFlow and Keras have no types
"""Networks of several inputs and outputs: calibrated by their own names, and with the same variants as others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.edge.parents import built, packed
from tests.package.conftest import lock

from modelport.edge.calibration import calls_of_file
from modelport.package import Package, load_package, pack
from modelport.package.files.litert import LiteModel
from modelport.package.source import model_of
from modelport.package.state.standins import LiteRtStandIn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelport.edge.interface import Calibration

__all__ = ["lock"]

# TensorFlow's variables do not know NumPy 2's arguments yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EIGHT = ["float32", "float16", "weight-int8", "dynamic-int8", "int8", "mixed-int8", "int4", "rounded"]
ABOUT: dict[str, Any] = {"name": "noise", "split": "all of it", "source": "made up", "license": "CC0-1.0"}
RANDOM = np.random.default_rng(0)
ROWS = {
    "petals": RANDOM.uniform(-1, 1, (60, 24)).astype(np.float32),
    "more": RANDOM.uniform(-9, 9, (60, 8)).astype(np.float32),
}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a LiteRT file of TensorFlow's own, which calls its two inputs otherwise than its signature does."""
    import tensorflow as tf  # noqa: PLC0415 - it takes seconds

    first, second = (RANDOM.normal(size=(width, 64)).astype(np.float32) for width in (24, 8))

    class Module(tf.Module):  # type: ignore[misc] # it has no types
        def mix(self, petals: Any, more: Any) -> Any:
            return {"mixed": tf.nn.relu(petals @ first) + more @ second}

    module = Module()
    taken = [tf.TensorSpec([None, width], name=name) for name, width in (("petals", 24), ("more", 8))]
    function = tf.function(module.mix, input_signature=taken).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    file = tmp_path_factory.mktemp("two") / "two.tflite"
    file.write_bytes(converter.convert())
    return file


def package_of(model: Any, folder: Path, lock: str) -> Package:
    """Return a package whose examples and calibration data are of the rows."""
    (method,) = model.spec.methods
    model.add_example(method.name, {name: rows[:2] for name, rows in ROWS.items()}, tolerance=1e-4)
    model.add_data("calibration", method.name, ROWS, **ABOUT)
    return Package.read(pack(model, "several", folder, known_lock=lock, verify_in=None))


def calls_of(rows: Mapping[str, Any], folder: Path) -> Calibration:
    """Return the rows as a user's file gives them."""
    np.savez(folder / "rows.npz", allow_pickle=False, **rows)
    return calls_of_file(folder / "rows.npz")


def answers(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return what the package in *folder* answers to the rows."""
    model = load_package(folder).model
    (method,) = model.spec.methods
    given = model.call(method.name, {name: rows.tolist() for name, rows in ROWS.items()})
    return {name: np.array(value, float) for name, value in given.items()}


def far(folder: Path, parent: Path) -> float:
    """Return how far a variant's answers are from its parent's, as a part of their size; the worst of them."""
    mine, its = answers(folder), answers(parent)
    assert {name: value.shape for name, value in mine.items()} == {name: value.shape for name, value in its.items()}
    return max(float(np.linalg.norm(mine[name] - its[name]) / np.linalg.norm(its[name])) for name in its)


def test_a_file_of_two_inputs_is_calibrated_by_its_signatures_names_and_by_its_own(
    two: Path, tmp_path: Path, lock: str
) -> None:
    package = package_of(LiteModel(two), tmp_path / "package", lock)
    assert set(next(iter(package.info["methods"].values()))["inputs"].values()) == set(ROWS)
    found = built(package, tmp_path / "variants", only=["int8", "weight-int8"])
    assert {name: (one.status, one.message) for name, one in found.items()} == dict.fromkeys(
        ("int8", "weight-int8"), ("ok", "")
    )
    assert far(tmp_path / "variants/int8", package.folder) < 0.05
    own = {"petals" if one["shape"][1] == 24 else "more": str(one["name"]) for one in LiteRtStandIn.load(two)._inputs}
    assert set(own.values()).isdisjoint(ROWS), "else nothing is told by this"
    for number, rows in enumerate((ROWS, {own[name]: ROWS[name] for name in ROWS})):
        again = built(package, tmp_path / f"again-{number}", calibration=calls_of(rows, tmp_path), only=["int8"])[
            "int8"
        ]
        assert (again.status, again.calibration) == ("ok", found["int8"].calibration)
    calls = calls_of({"petals": ROWS["petals"], "others": ROWS["more"]}, tmp_path)
    wrong = built(package, tmp_path / "wrong", only=["int8"], calibration=calls)["int8"]
    assert wrong.message == "the calibration inputs are for petals, others, and the model takes petals, more"


def network() -> Any:
    """Return a network of two inputs and three outputs, none of which is like another."""
    import keras  # noqa: PLC0415 - it takes seconds

    keras.utils.set_random_seed(0)
    petals, more = keras.Input((24,), name="petals"), keras.Input((8,), name="more")
    layer = keras.layers.Dense(96, activation="relu", name="a")(keras.layers.Concatenate(name="both")([petals, more]))
    outputs = [keras.layers.Dense(size, name=name)(layer) for name, size in (("kind", 3), ("size", 1), ("age", 5))]
    return keras.Model([petals, more], outputs, name="network")


FAR = {"float32": 1e-4, "float16": 0.01, "int4": 0.5}


def test_a_keras_model_of_several_inputs_and_outputs_has_all_variants(tmp_path: Path, lock: str) -> None:
    package = package_of(model_of(network()), tmp_path / "package", lock)
    assert package.info["alternatives"][0]["runtime"] == "ai-edge-litert"
    found = built(package, tmp_path / "variants")
    assert {name: (one.status, one.message) for name, one in found.items()} == dict.fromkeys(EIGHT, ("ok", ""))
    for name in EIGHT:
        assert far(tmp_path / "variants" / name, package.folder) < FAR.get(name, 0.1), name


RECIPE = """\
import keras
import numpy as np

from modelport import Model
from tests.edge.test_several import network as made

network = made()


def measure(petals: list[float], more: list[float]) -> list[float]:
    batches = ASKED
    kind, size, age = network(batches, training=False)
    return [*np.asarray(kind)[0].tolist(), *np.asarray(size)[0].tolist(), *np.asarray(age)[0].tolist()]


rows = np.random.default_rng(0)
model = Model(measure=measure)
model.add_example("measure", {"petals": [0.5] * 24, "more": [-2.0, 1.0] * 4}, tolerance=1e-4)
about = {"name": "noise", "split": "all of it", "source": "made up", "license": "CC0-1.0"}
calls = [{"petals": rows.uniform(-1, 1, 24).tolist(), "more": rows.uniform(-9, 9, 8).tolist()} for _ in range(30)]
model.add_data("calibration", "measure", calls, **about)
"""
WAYS = {
    "list": "[np.array([petals], 'float32'), np.array([more], 'float32')]",
    "names": "{'more': np.array([more], 'float32'), 'petals': np.array([petals], 'float32')}",
}


@pytest.mark.parametrize("way", WAYS)
def test_code_may_hand_it_its_inputs_in_a_list_or_by_name(way: str, tmp_path: Path, lock: str) -> None:
    package = packed(RECIPE.replace("ASKED", WAYS[way]), tmp_path / "model", lock)
    found = built(package, tmp_path / "variants", only=["float32", "int8"])
    assert {name: (one.status, one.message) for name, one in found.items()} == dict.fromkeys(
        ("float32", "int8"), ("ok", "")
    )
    given = {"petals": [0.25] * 24, "more": [3.0, -1.0] * 4}
    expected = load_package(package.folder).model.call("measure", given)["value"]
    for name, tolerance in (("float32", 1e-4), ("int8", 0.1)):
        answer = load_package(tmp_path / "variants" / name).model.call("measure", given)["value"]
        assert np.linalg.norm(np.subtract(answer, expected)) < tolerance * np.linalg.norm(expected), name


def test_what_it_is_not_handed_is_said(tmp_path: Path, lock: str) -> None:
    package = package_of(model_of(network()), tmp_path / "package", lock)
    stand_in = LiteRtStandIn.load(package.folder / package.info["alternatives"][0]["path"])
    for wrong in (ROWS["petals"], [ROWS["petals"]], {"petals": ROWS["petals"]}):
        with pytest.raises(ValueError, match="the network takes 2 inputs: petals, more"):
            stand_in(wrong)
    assert [one.shape for one in stand_in([ROWS["petals"], ROWS["more"]])] == [(60, 3), (60, 1), (60, 5)]
