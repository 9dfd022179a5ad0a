# ruff: noqa: ANN401 - Keras ships no types
"""Which layers ``mixed-int8`` leaves in floats: those in which few products make a number, and both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.edge.networks import calls_of, pictures, save

from modelport.edge.converting import converted
from modelport.edge.interface import NotMadeError
from modelport.edge.lite_file import parsed
from modelport.edge.mixing import LARGEST, floats, kind
from modelport.edge.quantizing import quantized

if TYPE_CHECKING:
    from pathlib import Path

# Keras's own way with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CALLS = calls_of(pictures(40, seed=2))


def network(*layers: Any, size: int = 12) -> Any:
    import keras  # noqa: PLC0415 - it takes seconds

    return keras.Sequential([keras.layers.Input((size, size)), keras.layers.Reshape((size, size, 1)), *layers])


def kinds(content: bytes, *, of: Any = None) -> list[str]:
    """Return the names of the operators with weights, or of those of *of*, in their order."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator as Kind  # noqa: PLC0415 - LiteRT's own

    known = {getattr(Kind, name): name for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")}
    model = parsed(content)
    found = [kind(model, one) for one in (model.subgraphs[0].operators if of is None else of(model))]
    return [known[one] for one in found if one in known]


def dtypes(content: bytes, name: str) -> list[str]:
    """Return what each operator called *name* reads: floats or integers."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator as Kind  # noqa: PLC0415 - LiteRT's own
    from ai_edge_litert.schema_py_generated import TensorType  # noqa: PLC0415

    model = parsed(content)
    graph = model.subgraphs[0]
    types = {TensorType.FLOAT32: "float32", TensorType.INT8: "int8"}
    wanted = getattr(Kind, name)
    return [types[graph.tensors[one.inputs[0]].type] for one in graph.operators if kind(model, one) == wanted]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a network as most for pictures are: convolution, depthwise and pointwise ones, two dense layers."""
    from keras import layers  # noqa: PLC0415 - it takes seconds

    model = network(
        layers.Conv2D(16, 3, activation="relu"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.Conv2D(32, 1, activation="relu"),
        layers.Conv2D(48, 1, activation="relu"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.Conv2D(64, 1, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )
    return converted(save(model, tmp_path_factory.mktemp("usual") / "usual.keras"))


def test_few_products_and_depthwise_layers_and_both_ends_stay_in_floats(usual: bytes) -> None:
    assert kinds(usual, of=floats) == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D"]
    found = quantized(usual, "mixed-int8", CALLS)
    # 9 products, 16 products; then 32, and 48.
    assert dtypes(found, "CONV_2D") == ["float32", "float32", "int8", "int8"]
    assert dtypes(found, "DEPTHWISE_CONV_2D") == ["float32", "float32"]
    assert dtypes(found, "FULLY_CONNECTED") == ["int8", "int8"]
    assert dtypes(found, "SOFTMAX") == ["float32"]


def test_a_large_depthwise_layer_is_in_integers(tmp_path: Path) -> None:
    from keras import layers  # noqa: PLC0415 - it takes seconds

    def noise(count: int, size: int) -> np.ndarray[Any, Any]:
        return np.random.default_rng(0).integers(0, 256, (count, size, size), dtype=np.uint8)

    def made(size: int) -> list[str]:
        model = network(
            layers.Conv2D(8, 5, padding="same", strides=2),
            layers.Conv2D(32, 3, padding="same"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
            size=size,
        )
        file = save(model, tmp_path / f"{size}.keras")
        return dtypes(quantized(converted(file), "mixed-int8", calls_of(noise(4, size))), "DEPTHWISE_CONV_2D")

    small = int((LARGEST / 32) ** 0.5) * 2
    assert made(small) == ["float32"]
    assert made(small + 2) == ["int8"]


def test_where_no_layer_has_many_products_those_with_the_most_are_in_integers(tmp_path: Path) -> None:
    from keras import layers  # noqa: PLC0415 - it takes seconds

    file = save(network(layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3)), tmp_path / "few.keras")
    found = quantized(converted(file), "mixed-int8", CALLS)
    assert (dtypes(found, "CONV_2D"), dtypes(found, "FULLY_CONNECTED")) == (["int8"], ["float32"])


def test_a_network_without_weights_is_not_made(tmp_path: Path) -> None:
    from keras import layers  # noqa: PLC0415 - it takes seconds

    file = save(network(layers.GlobalAveragePooling2D(), layers.Softmax()), tmp_path / "none.keras")
    with pytest.raises(NotMadeError, match="no layer that multiplies by weights"):
        quantized(converted(file), "mixed-int8", CALLS)
