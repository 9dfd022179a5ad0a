"""Whether a variant's file loads and runs, in each mode of its runtime: once, on zeros, where it says how many.

A file may load with XNNPACK, which has kernels of its own, and not without (or the other way round), so that each mode
counts by itself. `modelport.edge.steps` calls this in a process of its own, for a runtime may end the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.errors import SetupError
from modelport.package.files.litegraph import check_lite

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DISTRIBUTIONS", "MODES", "port", "try_file"]

MODES = {"litert": ("xnnpack", "plain"), "onnx": ("cpu",)}
"""A runtime's modes: LiteRT with its delegate XNNPACK, as it runs by default, and with its own kernels alone."""

DISTRIBUTIONS = {"litert": ("ai-edge-litert", "ai_edge_litert"), "onnx": ("onnxruntime", "onnxruntime")}
"""The distribution that each runtime is, and its module."""


def try_file(file: Path, runtime: str, mode: str) -> dict[str, Any]:
    """Load *file*, run it once on zeros, and return its ``inputs`` and ``outputs``: plain JSON, a mapping for each.

    Each has ``name``, ``dtype``, ``shape`` (-1 where a dimension is open), and of LiteRT ``scale`` and ``zero_point``.
    Inputs of a LiteRT file with one signature have its word for them, too: ``argument``.

    Raises:
        NotMadeError: It does not load, or does not run.
        FormatError: It is damaged, or holds more than data.
        SetupError: The runtime is not installed.
    """
    return _try_lite(file, mode) if runtime == "litert" else _try_onnx(file)


def _try_lite(file: Path, mode: str) -> dict[str, Any]:
    import numpy as np

    content = file.read_bytes()
    check_lite(content)
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise SetupError("ai-edge-litert is not installed", hint="pip install 'modelport[edge]'") from error
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    kind = plain if mode == "plain" else OpResolverType.AUTO
    try:
        one = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kind)
        one.allocate_tensors()
        for given in one.get_input_details():
            one.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
        one.invoke()
    except (RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())[:300]
        where = "with XNNPACK" if mode == "xnnpack" else "without XNNPACK"
        raise NotMadeError(f"LiteRT cannot run it {where}: {said}") from error
    inputs, arguments = _told(one.get_input_details()), _arguments(one)
    inputs = [{**told, **({"argument": arguments[told["name"]]} if arguments else {})} for told in inputs]
    return {"inputs": inputs, "outputs": _told(one.get_output_details())}


def _arguments(one: Any) -> dict[str, str]:  # noqa: ANN401 - an interpreter, which has no types
    """Return what the file's one signature calls each input, by the input's own name; nothing without one."""
    if len(keys := list(one.get_signature_list())) != 1:
        return {}
    details = one.get_signature_runner(keys[0]).get_input_details()
    return {str(tensor["name"]): str(name) for name, tensor in details.items()}


def _told(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    import numpy as np

    return [
        {
            "name": str(one["name"]),
            "dtype": np.dtype(one["dtype"]).name,
            "shape": [int(size) for size in one["shape_signature"]],
            "scale": float(one["quantization"][0]),
            "zero_point": int(one["quantization"][1]),
        }
        for one in details
    ]


def _try_onnx(file: Path) -> dict[str, Any]:
    from modelport.package.files.onnx import open_session

    session = open_session(file.read_bytes())
    inputs, outputs = ([port(one) for one in side] for side in (session.get_inputs(), session.get_outputs()))
    if any(size < 0 for one in inputs for size in one["shape"][1:]):
        # Which sizes it takes nobody says: one element may be too few. The examples of its package run it.
        return {"inputs": inputs, "outputs": outputs}
    try:
        session.run(None, {one["name"]: _zeros(one) for one in inputs})
    except Exception as error:  # its errors have no base of their own
        raise NotMadeError(f"ONNX Runtime cannot run it: {' '.join(str(error).split())[:300]}") from error
    return {"inputs": inputs, "outputs": outputs}


_DTYPES = {"float": "float32", "double": "float64", "string": "object"}


def port(one: Any) -> dict[str, Any]:  # noqa: ANN401 - ONNX Runtime has no types
    """Return the name, the dtype and the shape (-1: open) of an input or output of an ONNX session."""
    dtype = one.type.removeprefix("tensor(").removesuffix(")")
    shape = [size if isinstance(size, int) else -1 for size in one.shape]
    return {"name": one.name, "dtype": _DTYPES.get(dtype, dtype), "shape": shape}


def _zeros(port: dict[str, Any]) -> Any:  # noqa: ANN401 - an array
    import numpy as np

    shape = [1 if size < 0 else size for size in port["shape"]]
    return np.full(shape, "", object) if port["dtype"] == "object" else np.zeros(shape, port["dtype"])
