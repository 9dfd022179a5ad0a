# ruff: noqa: ANN401 - LiteRT's generated classes have no types
"""Which layers of a network integers make quicker, and which they only make less exact: the choice of ``mixed-int8``.

Integers pay where many products go into one number. On x86 processors XNNPACK's kernels for 8 bits take longer than
those for floats in two kinds of layers, which nearly every network for pictures has, and are hardly quicker in a third
(microseconds with LiteRT 2.3.0, one thread, a Xeon with AVX512-VNNI and AMX)::

    layer                                       products   floats   integers
    convolution 3x3, 28x28x1 -> 26x26x32               9       11         63   without AMX 14: nine numbers fill
                                                                               its rows of 64 badly
    depthwise convolution 3x3, 7x7x128                 9      3.3        8.5   one multiplication at a time
    pointwise, 112x112x16 -> 112x112x96               16      637        517
    pointwise, 7x7x128 -> 7x7x128                    128     11.4        2.5

So integers reach from the first layer in which at least `FEWEST` products make a number to the last such layer, those
between them included, but for depthwise convolutions whose input has at most `LARGEST` numbers (above that, turning it
into floats and back costs more than is saved: it does not fit into a core's cache). Before and behind them, and in the
file's own inputs and outputs, floats remain. Where no layer has as many products, those with the most take their place.
On processors where integers are quicker everywhere ``int8`` remains the better one: both are
measured, neither is assumed.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FEWEST", "LARGEST", "floats", "kind"]

FEWEST: Final = 32
"""Products that make one number of a layer's output, from which on integers are much quicker."""
LARGEST: Final = 160_000
"""Numbers in the input of a depthwise convolution, one row, up to which floats are quicker."""


def floats(model: Any) -> Sequence[Any]:
    """Return those operators of *model*'s main graph that stay in floats: all of them where none has weights.

    Args:
        model: A LiteRT file as objects (`modelport.edge.lite_file.parsed`), with 32-bit floats. What is the same
            for each row has one there: an open dimension counts as 1.
    """
    graph = model.subgraphs[0]
    products = [_products(model, graph, one) for one in graph.operators]
    enough = min(FEWEST, max(products, default=0))
    heavy = [place for place, count in enumerate(products) if count >= max(1, enough)]
    if not heavy:
        return list(graph.operators)
    within = range(heavy[0], heavy[-1] + 1)
    return [
        one
        for place, one in enumerate(graph.operators)
        if place not in within or _is_small_depthwise(model, graph, one)
    ]


def _products(model: Any, graph: Any, operator: Any) -> int:
    """Return how many products make one number of a layer's output; 0 of what adds none up, and of depthwise layers."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator as Kind

    what = kind(model, operator)
    if what in {Kind.CONV_2D, Kind.FULLY_CONNECTED, Kind.TRANSPOSE_CONV}:
        return prod(int(one) for one in graph.tensors[operator.inputs[1]].shape[1:])
    if what == Kind.BATCH_MATMUL:
        is_turned = operator.builtinOptions is not None and operator.builtinOptions.adjX
        return int(graph.tensors[operator.inputs[0]].shape[-2 if is_turned else -1])
    return 0


def _is_small_depthwise(model: Any, graph: Any, operator: Any) -> bool:
    from ai_edge_litert.schema_py_generated import BuiltinOperator as Kind

    if kind(model, operator) != Kind.DEPTHWISE_CONV_2D:
        return False
    return prod(int(one) for one in graph.tensors[operator.inputs[0]].shape) <= LARGEST


def kind(model: Any, operator: Any) -> int:
    """Return the operator's number in LiteRT's ``BuiltinOperator``."""
    from ai_edge_litert.tools.flatbuffer_utils import get_builtin_code_from_operator_code

    return int(get_builtin_code_from_operator_code(model.operatorCodes[operator.opcodeIndex]))
