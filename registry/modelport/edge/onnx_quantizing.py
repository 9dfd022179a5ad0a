# ruff: noqa: ANN401 - ONNX's generated classes have no types
"""An ONNX graph in integers, by ONNX Runtime's quantizer: each tensor rounded in the range that calibration saw.

The result has pairs of QuantizeLinear and DequantizeLinear (QDQ), of which ONNX Runtime makes operators on integers
where it has them; its inputs and outputs stay as they were. Before, ONNX Runtime itself makes the graph simpler, with
what it does on every machine alike: a normalisation after a convolution becomes part of it.
"""

from __future__ import annotations

import tempfile
import warnings
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.edge.onnx_graph import canonical, graphs, is_quantized, opset, renumber, written
from modelport.errors import FormatError, SetupError
from modelport.package.files.graph import check_graph
from modelport.package.files.onnx import open_session

if TYPE_CHECKING:
    from modelport.edge.interface import Calibration

__all__ = ["OPERATORS", "SCALES", "distance", "quantized", "simplified"]

SCALES = {"channel": True, "tensor": False}
"""What of a weight may have a scale of its own."""
OPERATORS = {"all": None, "products": ["Conv", "ConvTranspose", "Gemm", "MatMul"]}
"""Which operators may become integers: all that the quantizer knows, or those that multiply by weights."""

_FIRST = 11  # opset: of older ones the quantizer says another number and hopes that it holds
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")  # the quantizer looks for it, and else advises


def simplified(model: Any) -> Any:
    """Return *model* as ONNX Runtime makes it simpler, or a copy where that needs operators of its own.

    Raises:
        FormatError: ONNX Runtime cannot load it.
        SetupError: ONNX Runtime is not installed.
    """
    import onnx

    content = written(model)
    open_session(content)  # says what is wrong in words
    import onnxruntime as runtime

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "simple.onnx"
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(file)
        runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        made = file.read_bytes()
    try:
        check_graph(made)
    except FormatError:
        made = content
    found = onnx.load_model_from_string(made)
    _flatten(found.graph)
    return found


def _flatten(graph: Any) -> None:
    """Make what Gemm adds to each row a list: of one row, [1, n], the quantizer can make nothing for each channel."""
    uses: dict[str, list[Any]] = {}
    for one in graphs(graph):
        for node in one.node:
            for name in node.input:
                uses.setdefault(name, []).append(node)
    for tensor in graph.initializer:
        by = uses.get(tensor.name, [])
        if len(tensor.dims) == 2 and tensor.dims[0] == 1 and all(_adds(node, tensor.name) for node in by):  # noqa: PLR2004 - rows and columns
            del tensor.dims[0]


def _adds(node: Any, name: str) -> bool:
    return node.op_type == "Gemm" and name not in node.input[:2]


def quantized(model: Any, calibration: Calibration, *, scales: str, operators: str) -> bytes:
    """Return *model*, which `simplified` returned, in integers.

    Args:
        model: It is left as it is.
        calibration: What its inputs are fed.
        scales: What of a weight has a scale of its own, one of `SCALES`.
        operators: Which operators become integers, one of `OPERATORS`.

    Raises:
        NotMadeError: The quantizer cannot do it.
        SetupError: ONNX Runtime is not installed.
    """
    try:
        from onnxruntime import quantization
    except ImportError as error:
        raise SetupError("onnxruntime is not installed", hint="pip install 'modelport[variants]'") from error
    import onnx

    if opset(model) < _FIRST:
        raise NotMadeError(
            f"it is written in opset {opset(model)}, and integers need {_FIRST}",
            hint="convert it: onnx.version_converter.convert_version(model, 17)",
        )
    notes = list(model.metadata_props)
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    prepared.metadata_props.add(key=_PREPARED[0], value=_PREPARED[1])
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = Path(folder) / "quantized.onnx"
            quantization.quantize_static(
                prepared, str(file), _reader(calibration), per_channel=SCALES[scales],
                op_types_to_quantize=OPERATORS[operators],
                quant_format=quantization.QuantFormat.QDQ, activation_type=quantization.QuantType.QInt8,
                weight_type=quantization.QuantType.QInt8, calibrate_method=quantization.CalibrationMethod.MinMax,
            )  # fmt: skip
            found = onnx.load(str(file))
    except Exception as error:  # it raises what it likes
        said = " ".join(str(error).split())[:300]
        raise NotMadeError(f"ONNX Runtime's quantizer fails: {said or type(error).__name__}") from error
    if not is_quantized(found):
        inner = sorted({node.op_type for node in model.graph.node if any(one.HasField("g") for one in node.attribute)})
        where = f": what it computes is inside {', '.join(inner)}, where it does not look" if inner else ""
        raise NotMadeError(f"ONNX Runtime's quantizer finds nothing to compute in integers{where}")
    canonical(found, notes=notes)
    renumber(found)
    return written(found)


def _reader(calls: Calibration) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Calls(CalibrationDataReader):  # type: ignore[misc] # it has no types
        def __init__(self) -> None:
            self._left = iter(calls)

        def get_next(self) -> Any:
            return next(self._left, None)

    return Calls()


def distance(content: bytes, reference: bytes, calls: Calibration) -> float:
    """Return how far the answers of one file are from another's: root of the mean square, over that of the reference.

    Outputs that are no floats do not count.

    Raises:
        FormatError: A file does not load, or does not run on *calls*.
    """
    import numpy as np

    one, other = open_session(content), open_session(reference)
    difference = size = 0.0
    for call in calls:
        for mine, its in zip(_answers(one, call), _answers(other, call), strict=True):
            if its.dtype.kind == "f":
                difference += float(np.square(mine.astype(np.float64) - its).sum())
                size += float(np.square(its.astype(np.float64)).sum())
    return sqrt(difference / size) if size else float(difference > 0)


def _answers(session: Any, call: Any) -> Any:
    try:
        return session.run(None, dict(call))
    except Exception as error:  # its errors have no base of their own
        raise FormatError(f"ONNX Runtime cannot run it: {' '.join(str(error).split())[:300]}") from error
