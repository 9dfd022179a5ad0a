"""What a LiteRT file (``.tflite``) must not hold: it is looked through here before any runtime gets it.

Source: ``schema.fbs`` of LiteRT (github.com/google-ai-edge/LiteRT), file identifier TFL3. A runtime follows the numbers
of tensors, buffers and operators; here each has to lead to one that is there. Custom operators, delegates and Flex are
code that somebody would have to bring; buffers in other files are a path.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from modelport.errors import FormatError
from modelport.package.files.flatbuffer import root

if TYPE_CHECKING:
    from modelport.package.files.flatbuffer import Table

__all__ = ["check_lite"]

_CUSTOM, _DELEGATE, _MORE = 32, 51, 127
_STABLEHLO_CUSTOM_CALL = 173
_WIDTHS = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 8: 8, 9: 1, 10: 8, 11: 16, 12: 8, 15: 4, 16: 2, 18: 2}
"""Bytes of an element, by the number of its type; texts and the types that are packed have none."""
_NONE, _MOST_PARTS, _MOST_ELEMENTS = -1, 1_000_000, 2**31


def check_lite(content: bytes) -> None:
    """Check that the LiteRT file in *content* is whole in itself and runs LiteRT's own operators alone.

    Raises:
        FormatError: It is no LiteRT file, is damaged, keeps tensors elsewhere, or needs operators of somebody's.
    """
    try:
        model = root(content, b"TFL3")
        operators, buffers, graphs = (model.tables(number) for number in (1, 4, 2))
        if not graphs or not operators:
            raise FormatError("no graph with operators")  # noqa: TRY301 - told like the others
        if model.has(8) or model.has(9):
            raise FormatError("buffers that lie in other files")  # noqa: TRY301 - told like the others
        for code in operators:
            _check_operator(code)
        sizes = [_buffer(one) for one in buffers]
        tensors = [_check_graph(graph, sizes, len(operators)) for graph in graphs]
        for one in model.tables(6):
            one.text(0)
            _within(one.scalar(1, "I"), len(buffers), "a note")
        _check_signatures(model, tensors)
        model.text(3)
    except FormatError as error:
        raise FormatError(
            f"it is not a LiteRT file that runs by itself: it holds {error.message}", hint=error.hint
        ) from error


def _check_operator(code: Table) -> None:
    number = max(code.scalar(0, "b"), code.scalar(3, "i"))
    name = code.text(1)
    if number in {_CUSTOM, _DELEGATE, _STABLEHLO_CUSTOM_CALL, _MORE} or number < 0 or name:
        raise FormatError(
            f"the operator {name or number}, which LiteRT itself does not have",
            hint="convert it with LiteRT's built-in operators alone (no SELECT_TF_OPS, no custom operators)",
        )


def _buffer(buffer: Table) -> int:
    if buffer.scalar(1, "Q") or buffer.scalar(2, "Q"):
        raise FormatError("a buffer behind the end of its tables")
    return buffer.size(0, 1)


def _check_graph(graph: Table, sizes: list[int], operators: int) -> int:
    """Check one graph; return how many tensors it has."""
    tensors = graph.tables(0)
    for one in tensors:
        _check_tensor(one, sizes)
    for number in (1, 2):
        for place in graph.numbers(number, "i"):
            _within(place, len(tensors), "a graph's input or output")
    nodes = graph.tables(3)
    if len(nodes) + len(tensors) > _MOST_PARTS:
        raise FormatError(f"more than {_MOST_PARTS} parts")
    for node in nodes:
        _check_node(node, len(tensors), operators)
    graph.text(4)
    return len(tensors)


def _check_node(node: Table, tensors: int, operators: int) -> None:
    _within(node.scalar(0, "I"), operators, "an operator")
    for number in (1, 2, 8):
        for place in node.numbers(number, "i"):
            if place != _NONE:
                _within(place, tensors, "an operator's tensor")
    for number in (4, 12):
        node.table(number)
    if node.has(5) or node.scalar(9, "Q") or node.scalar(10, "Q"):
        raise FormatError("options of an operator that LiteRT itself does not have")
    node.size(7, 1)


def _check_tensor(tensor: Table, sizes: list[int]) -> None:
    shape = tensor.numbers(0, "i")
    buffer = tensor.scalar(2, "I")
    _within(buffer, len(sizes), "a tensor's buffer")
    if any(one < 0 for one in shape) or prod(shape) >= _MOST_ELEMENTS or tensor.scalar(10, "I"):
        raise FormatError("a tensor without a shape of its own")
    width = _WIDTHS.get(tensor.scalar(1, "b"))
    if sizes[buffer] and width and sizes[buffer] != prod(shape) * width:
        raise FormatError("a tensor that is larger or smaller than its buffer")
    signature = tensor.numbers(7, "i")
    if any(one < _NONE for one in signature) or (signature and len(signature) != len(shape)):
        raise FormatError("a tensor with two shapes")
    tensor.text(3)
    if quantized := tensor.table(4):
        scales, zeros = quantized.size(2, 4), quantized.size(3, 8)
        axis = quantized.scalar(6, "i")
        if zeros not in {0, 1, scales} or (scales > 1 and not (0 <= axis < len(shape) and shape[axis] == scales)):
            raise FormatError("a tensor whose scales are not those of its shape")


def _check_signatures(model: Table, tensors: list[int]) -> None:
    keys = []
    for one in model.tables(7):
        graph = one.scalar(4, "I")
        _within(graph, len(tensors), "a signature's graph")
        keys.append(one.text(2))
        for number in (0, 1):
            for tensor in one.tables(number):
                tensor.text(0)
                _within(tensor.scalar(1, "I"), tensors[graph], "a signature's tensor")
    if len(set(keys)) != len(keys):
        raise FormatError("two signatures of one name")


def _within(place: int, count: int, what: str) -> None:
    if not 0 <= place < count:
        raise FormatError(f"{what} that is not there: {place} of {count}")
