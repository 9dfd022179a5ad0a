# ruff: noqa: ANN401 - ONNX's generated classes have no types
"""ONNX graphs, nested ones among them: read, cut to what matters, and with weights in half the bytes.

Weights of 16 bits are widened where they are used, by a ``Cast`` that ONNX Runtime does once, when it loads the file:
calculated with are 32 bits, as ``float16`` is on LiteRT, too. The CPU has no operators for 16-bit numbers, and a graph
that is made of them would be widened and narrowed again around each one, in every call.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.errors import FormatError, SetupError
from modelport.package.files.graph import check_graph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["canonical", "graphs", "halved", "has_weights", "is_quantized", "opset", "read_model", "renumber", "written"]

_FEWEST = 256  # elements: of fewer, what says that they are narrow takes more than it saves
_LARGEST = 65504.0  # of 16-bit floats
_FIRST_CAST = 9  # opset: before, Cast has no such types, or another attribute


def read_model(file: Path) -> Any:
    """Return the model in an ONNX file.

    Raises:
        NotMadeError: It is damaged, or holds more than data.
        SetupError: onnx is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise SetupError("onnx is not installed", hint="pip install 'modelport[variants]'") from error
    content = file.read_bytes()
    try:
        check_graph(content)
        return onnx.load_model_from_string(content)
    except FormatError as error:
        raise NotMadeError(f"{file.name}: {error.message}", hint=error.hint) from error
    except DecodeError as error:
        raise NotMadeError(f"{file.name}: it is not an ONNX file: {error}") from error


def written(model: Any) -> bytes:
    """Return *model* as a file, which is the same whenever the model is."""
    return bytes(model.SerializeToString(deterministic=True))


def graphs(graph: Any) -> Iterator[Any]:
    """Give *graph* and all graphs in its nodes, the outer ones first."""
    yield graph
    for node in graph.node:
        for inner in _inside(node):
            yield from graphs(inner)


def is_quantized(model: Any) -> bool:
    """Tell whether an operator of *model* makes integers of floats, or the other way round."""
    names = {node.op_type for graph in graphs(model.graph) for node in graph.node}
    return any(name.endswith(("QuantizeLinear", "Integer")) or name.startswith("QLinear") for name in names)


def has_weights(model: Any) -> bool:
    """Tell whether *model* has 32-bit floats that are worth narrowing, in whatever graph."""
    return any(
        _is_weight(one) for graph in graphs(model.graph) for one in [*graph.initializer, *_constants(graph).values()]
    )


def _constants(graph: Any) -> dict[int, Any]:
    """Return the tensors of the nodes that are nothing else, by the nodes' places."""
    return {
        place: attribute.t
        for place, node in enumerate(graph.node)
        for attribute in node.attribute
        if node.op_type == "Constant" and attribute.name == "value"
    }


def _is_weight(tensor: Any) -> bool:
    return bool(tensor.data_type == tensor.FLOAT and prod(tensor.dims) >= _FEWEST)


def halved(model: Any) -> int:
    """Keep the weights of *model* in 16 bits where each fits; return how many tensors became narrower.

    Raises:
        NotMadeError: There are none, or the model is older than such numbers.
    """
    if opset(model) < _FIRST_CAST:
        raise NotMadeError(
            f"it is written in opset {opset(model)}, which cannot widen numbers of 16 bits",
            hint="convert it: onnx.version_converter.convert_version(model, 17)",
        )
    used = {name for graph in graphs(model.graph) for name in _names(graph)}
    count = 0
    for graph in reversed(list(graphs(model.graph))):
        _lift(graph)
        given = {one.name for one in graph.input}  # a caller may give another value for what is an input as well
        weights = [one for one in graph.initializer if one.name not in given and _is_weight(one)]
        count += sum(_halve(graph, one, used) for one in weights)
    if not count:
        raise NotMadeError(f"it has no tensor of {_FEWEST} or more 32-bit weights that fit in 16 bits")
    return count


def opset(model: Any) -> int:
    """Return the version of ONNX's own operators that *model* is written in."""
    return max((int(one.version) for one in model.opset_import if one.domain in {"", "ai.onnx"}), default=0)


def _lift(graph: Any) -> None:
    """Make initializers of the nodes of *graph* that are weights."""
    for place, tensor in reversed(_constants(graph).items()):
        if _is_weight(tensor):
            kept = graph.initializer.add()
            kept.CopyFrom(tensor)
            kept.name = graph.node[place].output[0]
            del graph.node[place]


def _halve(graph: Any, tensor: Any, used: set[str]) -> bool:
    """Narrow a weight of *graph*, and widen it in its first node; tell whether its numbers fit in 16 bits."""
    import numpy as np
    from onnx import TensorProto, helper
    from onnx.numpy_helper import from_array, to_array

    values = to_array(tensor)
    finite = values[np.isfinite(values)]
    if finite.size and np.abs(finite).max() > _LARGEST:
        return False
    wide, narrow = tensor.name, f"{tensor.name}.16"
    while narrow in used:
        narrow += "_"
    used.add(narrow)
    tensor.CopyFrom(from_array(values.astype(np.float16), narrow))
    graph.node.insert(0, helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))
    return True


def _names(graph: Any) -> Iterator[str]:
    yield from (one.name for one in [*graph.input, *graph.output, *graph.initializer])
    for node in graph.node:
        yield from [*node.input, *node.output]


def canonical(model: Any, *, notes: Any) -> None:
    """Leave out of *model* what no runtime needs: words, nodes' names, who made it, domains that it does not use.

    Args:
        model: The model.
        notes: The metadata that it has afterwards, which may name its labels; that of tools is left out.
    """
    from onnx import StringStringEntryProto

    kept = {one.key: one.value for one in notes}
    model.producer_name = model.producer_version = model.domain = model.doc_string = ""
    model.model_version = 0
    del model.metadata_props[:]
    model.metadata_props.extend(StringStringEntryProto(key=key, value=kept[key]) for key in sorted(kept))
    used = {node.domain for graph in graphs(model.graph) for node in graph.node}
    used |= {node.domain for function in model.functions for node in function.node}
    versions = {one.domain: one.version for one in model.opset_import if one.domain in used | {""}}
    del model.opset_import[:]
    for domain in sorted(versions):
        model.opset_import.add(domain=domain, version=versions[domain])
    for graph in graphs(model.graph):
        _strip(graph)


def _strip(graph: Any) -> None:
    graph.doc_string = ""
    del graph.value_info[:]
    del graph.quantization_annotation[:]
    for one in [*graph.input, *graph.output, *graph.initializer]:
        one.doc_string = ""
    for node in graph.node:
        node.name = node.doc_string = ""
        attributes = sorted(node.attribute, key=lambda one: one.name)
        del node.attribute[:]
        node.attribute.extend(attributes)


def renumber(model: Any) -> None:
    """Name the values of *model* in the order they are met, but for its inputs and outputs; drop what none uses."""
    given = [one.name for one in [*model.graph.input, *model.graph.output]]
    prefix = "v"
    while any(name.startswith(prefix) for name in given):
        prefix += "v"
    _renumber(model.graph, {name: name for name in given}, prefix)
    model.graph.name = "model"


def _renumber(graph: Any, names: dict[str, str], prefix: str) -> None:
    def new(name: str) -> str:
        return names.setdefault(name, f"{prefix}{len(names)}") if name else ""

    for one in graph.input:
        one.name = new(one.name)
    for node in graph.node:
        node.input[:] = [new(name) for name in node.input]
        for inner in _inside(node):
            _renumber(inner, names, prefix)
        node.output[:] = [new(name) for name in node.output]
    for one in graph.output:
        one.name = new(one.name)
    order = {name: number for number, name in enumerate(names)}
    kept = sorted((one for one in graph.initializer if one.name in names), key=lambda one: order[one.name])
    for one in kept:
        one.name = names[one.name]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _inside(node: Any) -> Iterator[Any]:
    """Give the graphs that are attributes of *node*."""
    for attribute in node.attribute:
        yield from attribute.graphs
        if attribute.HasField("g"):
            yield attribute.g
