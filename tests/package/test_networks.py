# ruff: noqa: ANN401, PLC0415 - Keras ships no types, and is imported late
"""Bare Keras models and ``.keras`` files: their interface, their tier, and their answers after a reload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelport.errors import CallError, PackError
from modelport.package import Package, load_package, pack
from modelport.package.modelpack import manifest_digest
from modelport.package.source import model_from_file, model_of

if TYPE_CHECKING:
    from pathlib import Path


# TensorFlow's variables are older than NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def network() -> Any:
    """A model of two named inputs and two named outputs."""
    import keras

    keras.utils.set_random_seed(0)
    petals, more = keras.Input((4,), name="petals"), keras.Input((2,), name="more")
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(keras.layers.Concatenate()([petals, more]))
    return keras.Model([petals, more], [kind, keras.layers.Dense(1, name="size")(kind)])


ARGUMENTS = {"petals": [[1, 2, 3, 4], [0, 0, 0, 0]], "more": [[0, 1], [1, 0]]}


def test_inputs_and_outputs_are_the_graphs(network: Any) -> None:
    spec = model_of(network, method="measure").spec
    shown = [{f.name: str(f.type) for f in message.fields} for message in spec.messages]
    assert shown == [
        {"petals": "float32[n, 4]", "more": "float32[n, 2]"},
        {"kind": "float32[n, 3]", "size": "float32[n, 1]"},
    ]


def test_it_answers_the_same_after_a_reload(network: Any, tmp_path: Path, lock: str) -> None:
    made = model_of(network)
    answer = made.add_example("predict", ARGUMENTS, tolerance=1e-6)
    package = Package.read(pack(made, "net", tmp_path / "one", known_lock=lock, verify_in=None))
    assert (package.info["tier"]["level"], package.is_data) == ("code-bearing", False)
    model = load_package(package.folder).model
    assert model.call("predict", ARGUMENTS) == answer
    again = Package.read(pack(model, "net", tmp_path / "two", known_lock=lock, verify_in=None))
    assert manifest_digest(again) == manifest_digest(package)


def test_a_file_is_read(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "net.keras")
    made = model_of(tmp_path / "net.keras")
    assert made.call("predict", ARGUMENTS) == model_of(network).call("predict", ARGUMENTS)
    (tmp_path / "bad.keras").write_bytes(b"PK")
    with pytest.raises(PackError, match=r"bad\.keras is not a \.keras file"):
        model_of(tmp_path / "bad.keras")


def test_inputs_may_have_names(tmp_path: Path, lock: str) -> None:
    import keras

    inputs = {"a": keras.Input((1,), name="a"), "b": keras.Input((1,), name="b")}
    model = model_of(keras.Model(inputs, {"c": keras.layers.Subtract(name="c")([inputs["a"], inputs["b"]])}))
    assert model.call("predict", {"a": [[5]], "b": [[2]]}) == {"c": [[3.0]]}
    loaded = load_package(pack(model, "named", tmp_path / "one", known_lock=lock, verify_in=None)).model
    assert loaded.call("predict", {"a": [[5]], "b": [[2]]}) == {"c": [[3.0]]}


def test_what_a_model_refuses_is_the_callers_mistake(network: Any) -> None:
    with pytest.raises(CallError):
        model_of(network).call("predict", {"petals": [[1, 2, 3]], "more": [[0, 1]]})


def test_a_model_that_is_not_built_is_refused_with_the_way_out() -> None:
    import keras

    with pytest.raises(PackError, match="does not say what it takes") as caught:
        model_of(keras.Sequential([keras.layers.Dense(1)]))
    assert "keras.Input" in caught.value.hint


def test_code_in_a_model_is_refused() -> None:
    import keras

    with pytest.raises(PackError, match="Lambda"):
        model_of(keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x + 1)]))


def test_a_layer_of_ones_own_is_named_as_its_author_knows_it(tmp_path: Path) -> None:
    source = "import keras\n\n\nclass Twice(keras.layers.Layer):\n    def call(self, x):\n        return x * 2\n"
    (tmp_path / "own.py").write_text(f"{source}\n\nnet = keras.Sequential([keras.Input((1,)), Twice()])\n", "utf-8")
    with pytest.raises(PackError, match="holds Twice, which cannot be kept as data"):
        model_from_file(tmp_path / "own.py", "net")
