# ruff: noqa: ANN401 - LiteRT's generated classes and the quantizer have no types
"""A LiteRT file with 32-bit floats in fewer bits, by litert-quantizer: from the file alone, whatever it was made from.

Ranges for integer activations come from calibration. The quantizer's own default is a moving average of each call's
least and greatest number, which depends on the order of the calls and cuts off what seldom comes; here the ranges are
those of all calls, as the converter of TensorFlow takes them.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.edge.lite_file import numbered, parsed, parsed_of_tool, signed, widened, written
from modelport.edge.mixing import floats, kind
from modelport.errors import SetupError

if TYPE_CHECKING:
    from modelport.edge.interface import Calibration

__all__ = ["RECIPES", "float32_of", "quantized"]

RECIPES = {
    "float16": "float_casting",
    "weight-int8": "weight_only_wi8_afp32",
    "dynamic-int8": "dynamic_wi8_afp32",
    "int8": "static_wi8_ai8",
    "mixed-int8": "static_wi8_ai8",
    "int16": "static_wi8_ai16",
    "weight-int4": "weight_only_wi4_afp32",
    "dynamic-int4": "dynamic_wi4_afp32",
}
"""The quantizer's name of each form. ``int16``, activations of 16 bits, has no quick kernels: it is no variant."""
_WITH_WEIGHTS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D_TRANSPOSE", "EMBEDDING_LOOKUP")


def float32_of(content: bytes) -> bytes:
    """Return the file in *content* with all its constant floats in 32 bits, as it is where they are."""
    model = parsed(content)
    return written(model) if widened(model) else content


def quantized(
    content: bytes, form: str, calibration: Calibration | None = None, *, algorithm: str = "MIN_MAX_UNIFORM_QUANT"
) -> bytes:
    """Return the file in *content*, which has 32-bit floats, in *form*, one of `RECIPES`.

    Args:
        content: The file.
        form: What it becomes.
        calibration: What it is fed, for integer activations.
        algorithm: How weights are rounded, by the quantizer's name.

    Raises:
        NotMadeError: The quantizer cannot do it.
        SetupError: It is not installed.
    """
    try:
        import litert_quantizer  # noqa: F401 - said once, for all that import parts of it
    except ImportError as error:
        raise SetupError("litert-quantizer is not installed", hint="pip install 'modelport[variants]'") from error
    model = parsed(content)
    added = signed(model)
    names = _names(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of memory and of what it does for itself
            made = _made(written(model), form, algorithm, calibration)
    except NotMadeError:
        raise
    except Exception as error:  # it raises what it likes
        said = " ".join(str(error).split())[:300]
        raise NotMadeError(f"litert-quantizer cannot make {RECIPES[form]} of it: {said}") from error
    found = parsed_of_tool(made)
    if added:
        found.signatureDefs = []
    _rename(found, names)
    return written(found)


def _made(content: bytes, form: str, algorithm: str, calibration: Calibration | None) -> bytes:
    from litert_quantizer import quantizer, recipe

    one = quantizer.Quantizer(content)
    if form == "float16":
        _cast(one)
    else:
        make = getattr(recipe, RECIPES[form])
        one.load_quantization_recipe(make(quantizer.AlgorithmName[algorithm]))
    if form == "mixed-int8":
        _leave(one, content)
    ranges = _ranges(content, one, calibration) if one.need_calibration else None
    made = one.quantize(ranges, enable_progress_bar=False, enable_progress_report=False).quantized_model
    if made is None:
        raise NotMadeError(f"litert-quantizer gives nothing for {RECIPES[form]}")
    return bytes(made)


def _cast(one: Any) -> None:
    """Ask for weights of 16 bits; it has no recipe of that."""
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    how = qtyping.OpQuantizationConfig(
        weight_tensor_config=weights, compute_precision=qtyping.ComputePrecision.FLOAT, explicit_dequantize=True
    )
    for name in _WITH_WEIGHTS:
        one.update_quantization_recipe(".*", qtyping.TFLOperationName[name], how, AlgorithmName.FLOAT_CASTING)


def _leave(one: Any, content: bytes) -> None:
    """Ask for nothing where `mixing.floats` says so, nor for inputs and outputs."""
    from litert_quantizer.qtyping import TFLOperationName
    from litert_quantizer.quantizer import AlgorithmName
    from litert_quantizer.utils.tfl_flatbuffer_utils import TFL_OP_CODE_TO_NAME, get_op_scope

    model = parsed(content)
    kept = floats(model)
    if len(kept) == len(model.subgraphs[0].operators):
        raise NotMadeError("it has no layer that multiplies by weights")
    for name in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        one.update_quantization_recipe(".*", name, None, AlgorithmName.NO_QUANTIZE)
    for operator in kept:
        # The quantizer never touches an operator that it has no name for.
        if (name := TFL_OP_CODE_TO_NAME.get(kind(model, operator))) is not None:
            scope = f"^{re.escape(get_op_scope(operator, model.subgraphs[0].tensors))}$"
            one.update_quantization_recipe(scope, name, None, AlgorithmName.NO_QUANTIZE)


def _ranges(content: bytes, one: Any, calibration: Calibration | None) -> Any:
    """Return the least and the greatest number of each tensor over all calls."""
    if not calibration:
        raise NotMadeError("there are no calibration inputs", hint="add data: model.add_data('calibration', ...)")
    from litert_quantizer import calibrator, recipe_manager
    from litert_quantizer.utils import qsv_utils

    key, names = _signature(parsed(content))
    if any(len(call) != len(names) or (len(names) > 1 and set(call) != set(names)) for call in calibration):
        raise NotMadeError(f"the calibration inputs are not for {', '.join(names)}")
    alone = next(iter(names.values())) if len(names) == 1 else ""
    calls = [{alone or names[one]: array for one, array in call.items()} for call in calibration]
    plan = recipe_manager.RecipeManager()
    plan.load_quantization_recipe(one.get_quantization_recipe())
    watcher = calibrator.Calibrator(content, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    watcher.calibrate({key: calls}, plan)
    return watcher.get_model_qsvs()


def _signature(model: Any) -> tuple[str, dict[str, str]]:
    """Return the signature's key, and what it calls each input, by the input's own name."""
    if len(model.signatureDefs) != 1:
        raise NotMadeError(f"the model has {len(model.signatureDefs)} signatures, and calibration inputs are of one")
    (one,) = model.signatureDefs
    tensors = model.subgraphs[one.subgraphIndex].tensors
    return one.signatureKey.decode(), {tensors[i.tensorIndex].name.decode(): i.name.decode() for i in one.inputs}


def _names(model: Any) -> list[list[bytes]]:
    """Return what the inputs and outputs of each graph are called."""
    return [[g.tensors[one].name for one in (*g.inputs, *g.outputs)] for g in model.subgraphs]


def _rename(model: Any, names: list[list[bytes]]) -> None:
    """Call inputs and outputs as they were, where the quantizer has put others before or behind them."""
    for graph, known in zip(model.subgraphs, names, strict=True):
        numbered(graph)
        for place, name in zip((*graph.inputs, *graph.outputs), known, strict=True):
            graph.tensors[place].name = name
