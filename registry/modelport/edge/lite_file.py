# ruff: noqa: ANN401 - LiteRT's generated classes and the quantizer have no types
"""A LiteRT file as objects, and back as bytes that depend on the model alone.

Converter and quantizer write names of layers, which count what a process has made, the converter's version, the same
zero points for each tensor anew, and larger constants behind the end of the tables, where this project's readers take
none (`modelport.package.files.litegraph`). `written` numbers the tensors, leaves out what only tools read and writes
equal vectors once: same model, same bytes, and fewer of them.

Source: ``schema.fbs`` of LiteRT; the objects are those of ``ai_edge_litert.schema_py_generated``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.package.files.litegraph import check_lite

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["constants", "is_quantized", "numbered", "parsed", "parsed_of_tool", "signed", "widened", "written"]

_ALIGNMENT = 16
"""Bytes: what LiteRT's own writer aligns constants to, so that a runtime can use them where they lie."""
_OF_TOOLS = {b"CONVERSION_METADATA", b"min_runtime_version"}
_SIGNATURE = b"serving_default"
_NO_TENSOR = -1
"""What an operator has in the place of an input that it does without."""


def parsed(content: bytes) -> Any:
    """Return the model in *content* as objects; its constants are views of it.

    Raises:
        FormatError: It is no LiteRT file, or holds more than data.
    """
    check_lite(content)
    return parsed_of_tool(content)


def parsed_of_tool(content: bytes) -> Any:
    """Return the model in *content*, which a tool has written here; constants may lie behind the tables."""
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(content)


def written(model: Any) -> bytes:
    """Return the bytes of *model*, which is changed: tensors are numbered, what only tools read is left out."""
    model.description = None
    for code in model.operatorCodes:
        # Files from before 2020 have the number in the old field alone, which tools take for 0: an addition.
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    model.metadata = [one for one in model.metadata or [] if one.name not in _OF_TOOLS]
    for graph in model.subgraphs:
        graph.name = None
        numbered(graph)
        for tensor in graph.tensors:
            _tidy(tensor.quantization)
    _gather(model)
    builder = _builder()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def signed(model: Any) -> bool:
    """Give *model* a signature, which calibration needs, where it has none; return whether it was given one."""
    from ai_edge_litert import schema_py_generated as schema

    if model.signatureDefs:
        return False
    (graph, *others) = model.subgraphs
    if others:
        raise NotMadeError("the model has several graphs and no signature that says which one is meant")

    def named(places: Any) -> list[Any]:
        return [schema.TensorMapT(name=graph.tensors[one].name, tensorIndex=int(one)) for one in places]

    model.signatureDefs = [
        schema.SignatureDefT(
            inputs=named(graph.inputs), outputs=named(graph.outputs), signatureKey=_SIGNATURE, subgraphIndex=0
        )
    ]
    return True


def widened(model: Any) -> int:
    """Make 16-bit constants of *model* that an operator widens constants of 32 bits; return how many there were."""
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    count = 0
    for graph in model.subgraphs:
        kept = []
        for node in graph.operators:
            source, data = _constant_of(model, graph, node)
            if data is None or source.type != schema.TensorType.FLOAT16:
                kept.append(node)
                continue
            target = graph.tensors[node.outputs[0]]
            wide = np.frombuffer(bytes(data), np.float16).astype(np.float32)
            model.buffers.append(schema.BufferT(data=np.frombuffer(wide.tobytes(), np.uint8)))
            target.buffer = len(model.buffers) - 1
            count += 1
        graph.operators = kept
    if count:
        _drop_unused_tensors(model)
    return count


def constants(model: Any) -> Iterator[tuple[Any, Any]]:
    """Give each tensor with 32-bit floats that are kept in the file, with its buffer, once for each buffer."""
    from ai_edge_litert import schema_py_generated as schema

    seen = set()
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            buffer = model.buffers[tensor.buffer]
            if tensor.type == schema.TensorType.FLOAT32 and buffer.data is not None and tensor.buffer not in seen:
                seen.add(tensor.buffer)
                yield tensor, buffer


def is_quantized(model: Any) -> bool:
    """Tell whether *model* keeps integers that stand for real numbers: weights in fewer bits already."""
    return any(
        tensor.quantization is not None
        and tensor.quantization.scale is not None
        and len(tensor.quantization.scale) > 0
        and model.buffers[tensor.buffer].data is not None
        for graph in model.subgraphs
        for tensor in graph.tensors
    )


def _constant_of(model: Any, graph: Any, node: Any) -> tuple[Any, Any]:
    """Return what a widening operator reads, and its bytes where they are kept in the file."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools.flatbuffer_utils import get_builtin_code_from_operator_code

    code = get_builtin_code_from_operator_code(model.operatorCodes[node.opcodeIndex])
    if code != schema.BuiltinOperator.DEQUANTIZE:
        return None, None
    tensor = graph.tensors[node.inputs[0]]
    return tensor, model.buffers[tensor.buffer].data


def numbered(graph: Any) -> None:
    """Number a graph's tensors, which tools want to differ in name; inputs and outputs keep theirs."""
    kept = {int(one) for one in (*graph.inputs, *graph.outputs)}
    taken = {graph.tensors[one].name for one in kept}
    for place, tensor in enumerate(graph.tensors):
        if place not in kept:
            name = f"t{place}".encode()
            tensor.name = name if name not in taken else b"_" + name


def _tidy(quantized: Any) -> None:
    """Keep of how a tensor is quantized what runtimes read, as arrays, so that equal ones are written once."""
    import numpy as np

    if quantized is None:
        return
    quantized.min = quantized.max = None
    if quantized.scale is not None:
        quantized.scale = np.asarray(quantized.scale, np.float32)
    if quantized.zeroPoint is not None:
        quantized.zeroPoint = np.asarray(quantized.zeroPoint, np.int64)


def _builder() -> Any:
    """Return what builds the bytes: it aligns them as LiteRT's own does, and writes equal arrays once."""
    import flatbuffers  # type: ignore[import-untyped]

    class Builder(flatbuffers.Builder):  # type: ignore[misc]  # it has no types
        def __init__(self) -> None:
            super().__init__(1024)
            self._places: dict[tuple[str, bytes], int] = {}

        def StartVector(self, size: int, count: int, alignment: int) -> Any:  # noqa: N802 - its own name
            return super().StartVector(size, count, _ALIGNMENT if size == 1 and count >= _ALIGNMENT else alignment)

        def CreateNumpyVector(self, x: Any) -> Any:  # noqa: N802 - its own name
            key = x.dtype.str, x.tobytes()
            if key not in self._places:
                self._places[key] = super().CreateNumpyVector(x)
            return self._places[key]

    return Builder()


def _gather(model: Any) -> None:
    """Keep each buffer that holds something, inside of the tables; the first one is for all that hold nothing."""
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    kept, places = [schema.BufferT()], {}

    def place(number: int) -> int:
        buffer = model.buffers[number]
        if buffer.data is None or not len(buffer.data):
            return 0
        if number not in places:
            buffer.offset = buffer.size = 0
            buffer.data = np.frombuffer(buffer.data, np.uint8)
            places[number] = len(kept)
            kept.append(buffer)
        return places[number]

    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = place(tensor.buffer)
    for one in model.metadata:
        one.buffer = place(one.buffer)
    model.buffers = kept


def _drop_unused_tensors(model: Any) -> None:
    """Leave out tensors that no operator reads or writes: LiteRT would hold their bytes all the same."""
    for number, graph in enumerate(model.subgraphs):
        sides = [(*node.inputs, *node.outputs, *_listed(node.intermediates)) for node in graph.operators]
        used = {int(one) for side in sides for one in side if one >= 0}
        used |= {int(one) for one in (*graph.inputs, *graph.outputs)}
        places = {old: new for new, old in enumerate(sorted(used))}
        graph.tensors = [graph.tensors[one] for one in sorted(used)]
        for part in (graph, *graph.operators):
            part.inputs = [places.get(int(one), _NO_TENSOR) for one in part.inputs]
            part.outputs = [places.get(int(one), _NO_TENSOR) for one in part.outputs]
        for node in graph.operators:
            if _listed(node.intermediates):
                node.intermediates = [places.get(int(one), _NO_TENSOR) for one in node.intermediates]
        for signature in model.signatureDefs or []:
            if signature.subgraphIndex == number:
                for one in (*signature.inputs, *signature.outputs):
                    one.tensorIndex = places[one.tensorIndex]


def _listed(places: Any) -> list[int]:
    return [] if places is None else [int(one) for one in places]
