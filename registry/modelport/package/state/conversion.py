"""Trained objects in a second form: scikit-learn's as ONNX, Keras's as LiteRT with 32-bit floats.

The bytes depend on the object alone: what names the converter's version is left out, and what it writes in no order of
its own is sorted. Whether a second form answers as the object does is for `modelport.package.alternatives` to try.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from modelport.errors import FormatError
from modelport.package.state.standins import ABOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["Column", "NotConvertedError", "litert_of", "onnx_forms", "onnx_of"]


class NotConvertedError(Exception):
    """Why an object has no second form."""


class Column(NamedTuple):
    """One input of an ONNX file: its name, the type of its elements, and how many each row has."""

    name: str
    type: str
    width: int


def onnx_of(estimator: Any) -> Iterator[bytes]:
    """Return the ONNX files of *estimator* with one input, ``x``, that run: of 64-bit numbers first, or of texts.

    ONNX Runtime lacks some operators for 64-bit numbers, and trees read 32-bit ones: which agrees is to be tried.
    """
    width = getattr(estimator, "n_features_in_", None)
    kinds = ["string"] if width is None else ["double", "float"]
    return onnx_forms(estimator, [[Column("x", kind, width or 1)] for kind in kinds])


def onnx_forms(estimator: Any, layouts: Iterable[Sequence[Column]]) -> Iterator[bytes]:
    """Return the ONNX files of *estimator* that run, one for each of *layouts*, its inputs, that has one.

    Each says which of its outputs is which method's.
    """
    from skl2onnx.common import data_types as kinds

    types = {
        "double": kinds.DoubleTensorType,
        "float": kinds.FloatTensorType,
        "string": kinds.StringTensorType,
        "int64": kinds.Int64TensorType,
        "bool": kinds.BooleanTensorType,
    }
    for layout in layouts:
        if any(re.fullmatch(r"v[0-9]+", one.name) for one in layout):
            continue  # as the values between are called, while inputs keep their names
        inputs = [(one.name, types[one.type]([None, one.width])) for one in layout]
        # Some classifiers have no such option.
        forms = (_converted(estimator, inputs, zipmap=has) for has in (hasattr(estimator, "classes_"), False))
        if content := next(filter(None, forms), b""):
            yield content


def litert_of(model: Any, *, prepare: Callable[[Any], None] = lambda _: None) -> bytes:
    """Return the Keras model *model* as a LiteRT file with 32-bit floats.

    Its inputs and outputs are in the model's order. The only input is called ``x``; several have the model's names.

    Args:
        model: It is built: its inputs and outputs are known.
        prepare: Gets TensorFlow's converter before it runs, and may set how it quantizes.

    Raises:
        NotConvertedError: There is no such form of it.
    """
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    given = list(model.inputs)
    structure = getattr(model, "_inputs_struct", None) if len(given) > 1 else None

    def ask(*values: Any) -> Any:
        if structure is not None:
            return keras.tree.flatten(model(keras.tree.pack_sequence_as(structure, values), training=False))
        answer = model(values[0] if len(values) == 1 else list(values), training=False)
        return answer if len(model.outputs) == 1 else keras.tree.flatten(answer)

    try:
        names = ["x"] if len(given) == 1 else [one.name for one in given]
        tensors = [tf.TensorSpec(one.shape, one.dtype, name=name) for one, name in zip(given, names, strict=True)]
        function = tf.function(ask).get_concrete_function(*tensors)
        # Keras's variables stay behind otherwise: they are not TensorFlow's own.
        frozen = convert_variables_to_constants_v2(function)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        prepare(converter)
        return bytes(converter.convert())
    except Exception as error:  # a converter raises what it likes
        raise NotConvertedError("TensorFlow has no form of it that LiteRT runs") from error


def _converted(estimator: Any, inputs: list[tuple[str, Any]], *, zipmap: bool) -> bytes:
    """Return the ONNX file for *inputs*, with *zipmap* turned off, or nothing where there is none that runs."""
    from skl2onnx import convert_sklearn

    from modelport.package.files.onnx import open_session

    options = {id(estimator): {"zipmap": False}} if zipmap else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = convert_sklearn(estimator, name="model", initial_types=inputs, options=options)
        _make_canonical(made, estimator)
        content = bytes(made.SerializeToString(deterministic=True))
        open_session(content)
    except Exception:  # noqa: BLE001 - converters of all kinds raise what they like, and there is a first form
        return b""
    return content


def _make_canonical(made: Any, estimator: Any) -> None:
    """Say what the outputs are; leave out the converter's version, and what its counters and sets have left in it."""
    made.producer_name = made.producer_version = made.domain = made.doc_string = ""
    versions: dict[str, int] = {}
    for one in made.opset_import:
        versions[one.domain] = max(one.version, versions.get(one.domain, 0))
    del made.opset_import[:]
    for domain in sorted(versions):
        made.opset_import.add(domain=domain, version=versions[domain])
    _renumber(made.graph, {one.name: one.name for one in [*made.graph.input, *made.graph.output]})
    outputs = [output.name for output in made.graph.output]
    about = {"methods": _methods(outputs, estimator), "classes": _classes(estimator)}
    made.metadata_props.add(key=ABOUT, value=json.dumps(about, sort_keys=True))


def _renumber(graph: Any, names: dict[str, str]) -> None:
    """Name the values of *graph*, and of the graphs in it, in the order they are met; its nodes need no names."""

    def new(name: str) -> str:
        return names.setdefault(name, f"v{len(names)}") if name else ""

    del graph.value_info[:]
    for one in [*graph.input, *graph.initializer]:
        one.name = new(one.name)
    for node in graph.node:
        node.name = node.doc_string = ""
        node.input[:] = [new(name) for name in node.input]
        attributes = sorted(node.attribute, key=lambda one: one.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
        for attribute in node.attribute:
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                _renumber(inner, names)
        node.output[:] = [new(name) for name in node.output]
    for one in graph.output:
        one.name = new(one.name)


def _methods(outputs: list[str], estimator: Any) -> dict[str, str]:
    """Return which method of the estimator gives which of the converter's outputs."""
    named = {"predict": "label", "predict_proba": "probabilities"}
    found = {method: output for method, output in named.items() if output in outputs and hasattr(estimator, method)}
    if "variable" in outputs:
        found["predict" if hasattr(estimator, "predict") else "transform"] = "variable"
    if not found:
        raise FormatError("no output of it is a method's")
    return found


def _classes(estimator: Any) -> list[Any] | None:
    classes: Any = getattr(estimator, "classes_", None)
    return list(classes.tolist()) if getattr(classes, "ndim", 0) == 1 else None
