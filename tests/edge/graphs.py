# ruff: noqa: ANN401 - ONNX's generated classes have no types
"""ONNX files that variants are made of: a small network with random weights, and two that others have trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tests.support.wheels import file_of_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from modelport.edge.interface import Calibration

__all__ = ["calls_of_bytes", "magika", "network", "samples", "silero"]

MAGIKA = "magika==1.0.3 --hash=sha256:3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529"
SILERO = "silero-vad==6.2.3 --hash=sha256:7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"


def magika() -> Path:
    """Return Google's model that tells kinds of files (Apache-2.0, 3.2 MB), from its wheel, fetched once."""
    return file_of_wheel(MAGIKA, "magika/models/standard_v3_3/model.onnx")


def silero() -> Path:
    """Return the model that hears voices (MIT, 2.3 MB), all of it inside If, from its wheel, fetched once."""
    return file_of_wheel(SILERO, "silero_vad/data/silero_vad.onnx")


def calls_of_bytes(files: list[Path]) -> Calibration:
    """Return what magika is fed of *files*: their first and last 1024 bytes, 256 where there are none."""
    calls = []
    for file in files:
        content = file.read_bytes().strip()
        row = np.full((1, 2048), 256, np.int32)
        first, last = content[:1024], content[-1024:]
        row[0, : len(first)] = list(first)
        row[0, 2048 - len(last) :] = list(last)
        calls.append({"bytes": row})
    return calls


def network(*, opset: int = 17, normalised: bool = True, scale: float = 1.0) -> Any:
    """Return a small network for 3 x 16 x 16 pictures, with names, notes and words as exporters leave them."""
    random = np.random.default_rng(3)

    def weights(name: str, *shape: int) -> Any:
        values = random.normal(0, scale / np.sqrt(np.prod(shape[1:]) or 1), shape).astype(np.float32)
        values *= np.geomspace(0.05, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1)).astype(np.float32)
        return numpy_helper.from_array(values, name)

    def ones(name: str, size: int) -> Any:
        return numpy_helper.from_array(random.uniform(0.5, 1.5, size).astype(np.float32), name)

    normal = ["s", "b", "m", "v"]
    initializers = [weights("w1", 32, 3, 3, 3), weights("w2", 64, 32, 3, 3), weights("w3", 10, 64)]
    initializers += [*(ones(name, 32) for name in normal), numpy_helper.from_array(np.zeros((1, 10), np.float32), "c")]
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["a"], name="Conv_0", doc_string="/home/somebody/net.py(3)"),
        helper.make_node("BatchNormalization", ["a", *normal], ["n"], name="BatchNormalization_1"),
        helper.make_node("Relu", ["n" if normalised else "a"], ["r"]),
        helper.make_node("Conv", ["r", "w2"], ["d"], strides=[2, 2]),
        helper.make_node("Relu", ["d"], ["e"]),
        helper.make_node("GlobalAveragePool", ["e"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "c"], ["scores"], transB=1),
    ]
    if not normalised:
        del nodes[1]
        initializers = [one for one in initializers if one.name not in normal]
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])],
        initializers,
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="somebody", ir_version=8
    )
    model.metadata_props.add(key="labels", value='["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]')
    return model


def samples(count: int, *, seed: int = 0) -> Calibration:
    """Return a call of `network` for each of *count* pictures."""
    random = np.random.default_rng(seed)
    return [{"image": random.normal(0, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(count)]
