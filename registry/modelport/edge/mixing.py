# ruff: noqa: ANN401 - LiteRT's generated classes have no types
"""Which layers of a network integers make quicker, and which they only make less exact: the choice of ``mixed-int8``.

Integers pay where many products go into one number. On x86 processors XNNPACK's kernels for 8 bits take longer than
those for floats in three places, which nearly every network for pictures has (microseconds with LiteRT 2.3.0, one
thread, a Xeon with AVX512-VNNI and AMX; without AMX the first is 14, the others are the same)::

    first convolution, 28x28x1 -> 26x26x32     11 in floats, 63 in integers: a kernel of 3x3 over one channel fills
                                               9 of the 64 numbers that a row of AMX's tiles has
    depthwise convolution, 7x7x128             3.3 and 8.5: no product of several numbers, one multiplication each
    pointwise, 112x112x16 -> 112x112x96        637 and 517, for comparison 7x7x128 -> 7x7x128: 11.4 and 2.5

So floats remain up to the first layer in which at least `FEWEST` products make a number, in depthwise convolutions
whose input has at most `LARGEST` numbers (above that, turning it into floats and back costs more than is saved: it
does not fit into a core's cache), and behind the last layer with weights. On processors where integers are quicker
everywhere ``int8`` remains the better one: both are measured, neither is assumed.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FEWEST", "LARGEST", "floats", "kind"]

FEWEST: Final = 32
"""Products that make one number of a layer's output, from which on integers are quicker."""
LARGEST: Final = 160_000
"""Numbers in the input of a depthwise convolution, one row, up to which floats are quicker."""


def floats(model: Any) -> Sequence[Any]:
    """Return those operators of *model*'s main graph that stay in floats: all of them where integers gain nothing.

    Args:
        model: A LiteRT file as objects (`modelport.edge.lite_file.parsed`), with 32-bit floats. What is the same
            for each row has one there: an open dimension counts as 1.
    """
    graph = model.subgraphs[0]
    heavy = [place for place, one in enumerate(graph.operators) if _products(model, graph, one) >= FEWEST]
    if not heavy:
        return list(graph.operators)
    within = range(heavy[0], heavy[-1] + 1)
    return [
        one
        for place, one in enumerate(graph.operators)
        if place not in within or _is_small_depthwise(model, graph, one)
    ]


def _products(model: Any, graph: Any, operator: Any) -> int:
    """Return how many products make one number of the output of a layer with weights, else 0."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator as Kind

    what = kind(model, operator)
    if what in {Kind.CONV_2D, Kind.FULLY_CONNECTED, Kind.TRANSPOSE_CONV}:
        return prod(int(one) for one in graph.tensors[operator.inputs[1]].shape[1:])
    if what == Kind.BATCH_MATMUL:
        return int(graph.tensors[operator.inputs[0]].shape[-1])
    return 0


def _is_small_depthwise(model: Any, graph: Any, operator: Any) -> bool:
    from ai_edge_litert.schema_py_generated import BuiltinOperator as Kind

    if kind(model, operator) != Kind.DEPTHWISE_CONV_2D:
        return False
    return prod(int(one) for one in graph.tensors[operator.inputs[0]].shape) <= LARGEST


def kind(model: Any, operator: Any) -> int:
    """Return the operator's number in LiteRT's ``BuiltinOperator``."""
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))
