"""How far a LiteRT file's answers are from another's on the same calls: which of two is better, and if any is good."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.package.files.affine import Affine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from modelport.edge.interface import Calibration

__all__ = ["TOO_FAR", "check_distance", "distance"]

TOO_FAR = 0.5
"""How far the answers of a file in integers may be from those of the floats it was made of, as a part of their size."""


def check_distance(far: float) -> None:
    """Raise NotMadeError when a file's `distance`, *far*, is above `TOO_FAR`, or is no number."""
    if not far <= TOO_FAR:
        raise NotMadeError(
            f"in integers its answers to the calibration inputs are {far:.0%} off",
            hint="give calibration inputs that are like those it will be asked, and enough of them",
        )


def distance(content: bytes, reference: bytes, calls: Calibration) -> float:
    """Return the difference of the answers, root of the mean square, over that of the reference's answers.

    0 is the same answers, 1 is as far as answering nothing. Both files have the same inputs and outputs, of which
    either one's may be integers. Answers count alike whatever they say: which label wins is far too coarse a measure
    for some hundred calls.

    Raises:
        RuntimeError, ValueError: A file does not run.
    """
    import numpy as np

    difference = size = 0.0
    for mine, its in zip(_answers(content, calls), _answers(reference, calls), strict=True):
        for one, other in zip(mine, its, strict=True):
            difference += float(np.square(one.astype(np.float64) - other).sum())
            size += float(np.square(other.astype(np.float64)).sum())
    return sqrt(difference / size) if size else float(difference > 0)


def _answers(content: bytes, calls: Calibration) -> Iterator[list[NDArray[Any]]]:
    """Give what a file's outputs say to each call, as real numbers."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    one = Interpreter(model_content=content, num_threads=1)
    inputs, outputs = one.get_input_details(), one.get_output_details()
    for call in calls:
        values = _values(call, [tensor["name"] for tensor in inputs])
        for tensor, value in zip(inputs, values, strict=True):
            one.resize_tensor_input(tensor["index"], value.shape)
        one.allocate_tensors()
        for tensor, value in zip(inputs, values, strict=True):
            affine = Affine.of(tensor)
            one.set_tensor(tensor["index"], affine.quantized(value) if affine else np.asarray(value, tensor["dtype"]))
        one.invoke()
        yield [_real(one.get_tensor(tensor["index"]), tensor) for tensor in outputs]


def _values(call: Mapping[str, NDArray[Any]], names: list[str]) -> list[NDArray[Any]]:
    """Return what each input is fed; the only one may be called anything."""
    if len(names) == len(call) == 1:
        return list(call.values())
    if set(call) != set(names):
        raise ValueError(f"the calibration inputs are for {', '.join(call)}, and the model takes {', '.join(names)}")
    return [call[name] for name in names]


def _real(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[Any]:
    affine = Affine.of(tensor)
    return affine.real(values) if affine else values
