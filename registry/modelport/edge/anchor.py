# ruff: noqa: ANN401 - LiteRT's generated classes have no types
"""The anchor: a fixed small computation that tells how fast a machine is just now, and against another one.

Nine convolutions on a picture of 32 x 32 points with 16 channels: three times a dense one of 3 x 3, a depthwise one of
3 x 3 and one of 1 x 1, each with a rectifier behind it: 8.3 million multiplications. Weights follow from a formula, so
that the files are made anywhere and are the same bytes; they are never changed: another computation is another anchor,
with another name. What is measured is told in seconds and as a multiple of the anchor of the same runtime, which ran in
the same round.

::

    litert-convolutions-float32   a LiteRT file, in 32-bit floats
    litert-convolutions-int8      the same in 8-bit integers, a scale for each channel
    onnx-convolutions-float32     the same as an ONNX file
"""

from __future__ import annotations

import struct
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ANCHORS", "anchor_file", "write_bundle"]

ANCHORS: Final = {
    "litert": ("litert-convolutions-float32", "litert-convolutions-int8"),
    "onnx": ("onnx-convolutions-float32",),
}
"""The anchors of each runtime; the first is the one that times are told as multiples of."""

_SIZE, _CHANNELS, _BLOCKS = 32, 16, 3
_KERNELS = ((3, _CHANNELS), (3, 1), (1, _CHANNELS))
"""Of a block's convolutions: the kernel's side, and how many channels each output reads."""
_SCALE = 1 / 32  # of the activations in 8 bits


def anchor_file(name: str) -> bytes:
    """Return the bytes of an anchor's file: a ``.tflite``, or of those of ``onnx`` an ``.onnx``."""
    return _onnx_file() if name.startswith("onnx-") else _lite_file(whole=name.endswith("-int8"))


def write_bundle(folder: Path) -> list[Path]:
    """Write what measures a device without Modelport in *folder*: a program and two anchors; return the files."""
    from modelport.edge import probe

    folder.mkdir(parents=True, exist_ok=True)
    contents = {"device_profile.py": Path(probe.__file__).read_bytes()}
    contents |= {f"{name}.tflite": anchor_file(name) for name in ANCHORS["litert"]}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def _weights(side: int, read: int) -> list[int]:
    """Return a convolution's weights as integers from -125 to 125: output channel by row, column, input channel."""
    return [(37 * place * place + 101 * place + 31) % 251 - 125 for place in range(_CHANNELS * side * side * read)]


def _step(side: int, read: int) -> float:
    """Return what one of these integers is worth, so that activations neither grow nor vanish."""
    return sqrt(2 / (side * side * read)) / 72.5  # 72.5 is their deviation, and a rectifier halves the variance


def _lite_file(*, whole: bool) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    from modelport.edge.lite_file import written

    operators = schema.BuiltinOperator
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    model.operatorCodes = []
    for code in (operators.CONV_2D, operators.DEPTHWISE_CONV_2D):
        kind = schema.OperatorCodeT()
        kind.builtinCode = kind.deprecatedBuiltinCode = code
        kind.version = 3 if whole else 1  # the first version with 8-bit integers
        model.operatorCodes.append(kind)
    graph.tensors, graph.operators = [_picture(b"x", whole=whole)], []
    for number in range(_BLOCKS):
        for side, read in _KERNELS:
            _add_convolution(model, side, read, whole=whole, name=b"y" if _is_last(number, side) else b"t")
    graph.inputs, graph.outputs = [0], [len(graph.tensors) - 1]
    return written(model)


def _is_last(block: int, side: int) -> bool:
    return block == _BLOCKS - 1 and side == 1


def _add_convolution(model: Any, side: int, read: int, *, whole: bool, name: bytes) -> None:
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    (graph,), dense = model.subgraphs, read > 1
    source, step = len(graph.tensors) - 1, _step(side, read)
    numbers = np.array(_weights(side, read), np.int8).reshape(_CHANNELS, side, side, read)
    if not dense:
        numbers = np.ascontiguousarray(numbers.transpose(3, 1, 2, 0))
    weights = numbers if whole else numbers.astype(np.float32) * np.float32(step)
    bias = np.zeros(_CHANNELS, np.int32 if whole else np.float32)
    graph.tensors += [_constant(model, weights), _constant(model, bias), _picture(name, whole=whole)]
    if whole:
        _quantize(graph.tensors[-3], [step] * _CHANNELS, dimension=0 if dense else 3)
        _quantize(graph.tensors[-2], [step * _SCALE] * _CHANNELS, dimension=0)
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = int(not dense), [source, source + 1, source + 2], [source + 3]
    node.builtinOptions = schema.Conv2DOptionsT() if dense else schema.DepthwiseConv2DOptionsT()
    kinds = schema.BuiltinOptions
    node.builtinOptionsType = kinds.Conv2DOptions if dense else kinds.DepthwiseConv2DOptions
    options = node.builtinOptions
    options.padding, options.fusedActivationFunction = schema.Padding.SAME, schema.ActivationFunctionType.RELU
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    if not dense:
        options.depthMultiplier = 1
    graph.operators.append(node)


def _picture(name: bytes, *, whole: bool) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    found = schema.TensorT()
    found.name, found.buffer = name, 0
    found.shape = [1, _SIZE, _SIZE, _CHANNELS]
    found.type = schema.TensorType.INT8 if whole else schema.TensorType.FLOAT32
    if whole:
        _quantize(found, [_SCALE], dimension=0)
    return found


def _constant(model: Any, array: Any) -> Any:
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.TensorType
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(array.tobytes(), np.uint8)
    model.buffers.append(buffer)
    found = schema.TensorT()
    found.name, found.buffer, found.shape = b"w", len(model.buffers) - 1, list(array.shape)
    found.type = {"int8": kinds.INT8, "int32": kinds.INT32, "float32": kinds.FLOAT32}[array.dtype.name]
    return found


def _quantize(tensor: Any, scales: list[float], *, dimension: int) -> None:
    from ai_edge_litert import schema_py_generated as schema

    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = scales, [0] * len(scales)
    tensor.quantization.quantizedDimension = dimension


# An ONNX file is a protobuf message, and few of its fields are needed here: ONNX Runtime comes without what writes it.


def _onnx_file() -> bytes:
    nodes, constants, value = b"", b"", "x"
    for number in range(_BLOCKS * len(_KERNELS)):
        side, read = _KERNELS[number % len(_KERNELS)]
        step, after = _step(side, read), "y" if number == _BLOCKS * len(_KERNELS) - 1 else f"t{number}"
        # ONNX has an output's inputs before rows and columns.
        order = [(o, r, c, i) for o in range(_CHANNELS) for i in range(read) for r in range(side) for c in range(side)]
        integers = _weights(side, read)
        flat = [integers[((o * side + r) * side + c) * read + i] * step for o, r, c, i in order]
        constants += _message(5, _tensor(f"w{number}", (_CHANNELS, read, side, side), flat))
        nodes += _message(1, _convolution(value, f"w{number}", f"c{number}", side, _CHANNELS // read))
        nodes += _message(1, _node("Relu", [f"c{number}"], after))
        value = after
    graph = nodes + _message(2, b"anchor") + constants + _message(11, _port("x")) + _message(12, _port("y"))
    return _number(1, 8) + _message(7, graph) + _message(8, _message(1, b"") + _number(2, 13))


def _convolution(value: str, weights: str, after: str, side: int, groups: int) -> bytes:
    pads = _message(1, b"pads") + b"".join(_number(8, side // 2) for _ in range(4)) + _number(20, 7)
    group = _message(1, b"group") + _number(3, groups) + _number(20, 2)
    return _node("Conv", [value, weights], after) + _message(5, pads) + _message(5, group)


def _node(operator: str, inputs: list[str], output: str) -> bytes:
    taken = b"".join(_message(1, one.encode()) for one in inputs)
    return taken + _message(2, output.encode()) + _message(4, operator.encode())


def _tensor(name: str, shape: tuple[int, ...], values: list[float]) -> bytes:
    sizes = b"".join(_number(1, one) for one in shape)
    return sizes + _number(2, 1) + _message(8, name.encode()) + _message(9, struct.pack(f"<{len(values)}f", *values))


def _port(name: str) -> bytes:
    shape = b"".join(_message(1, _number(1, size)) for size in (1, _CHANNELS, _SIZE, _SIZE))
    return _message(1, name.encode()) + _message(2, _message(1, _number(1, 1) + _message(2, shape)))


def _number(field: int, value: int) -> bytes:
    return bytes(_varint(field << 3)) + bytes(_varint(value))


def _message(field: int, content: bytes) -> bytes:
    return bytes(_varint(field << 3 | 2)) + bytes(_varint(len(content))) + content


def _varint(value: int) -> Iterator[int]:
    while value > 127:  # noqa: PLR2004 - seven bits a byte
        yield value & 127 | 128
        value >>= 7
    yield value
