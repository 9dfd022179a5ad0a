"""The ONNX backend: three forms of an ONNX file with floats.

::

    onnx            the file as it is
    onnx-float16    weights in half the bytes, calculated with in 32 bits
    onnx-int8       weights and activations in integers, after calibration; inputs and outputs as they were

``onnx-int8`` is made twice, with a scale for each channel of a weight and with one for each weight, and the one is kept
whose answers to the calibration inputs are nearer to those of the file as it is. Where both are far off, it is made
twice again with integers in the products alone, which have nearly all weights: a normalisation that is written out in
small steps, with a power and a root, loses all it knows in 8 bits, and the rest of the model after it.

What ONNX Runtime's quantizer cannot do fails alone: it does not look into nested graphs, and a model that remembers is
often made of them.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelport.edge.interface import Made, NotMadeError, Recipe
from modelport.edge.onnx_graph import canonical, halved, has_weights, is_quantized, read_model, written
from modelport.edge.onnx_quantizing import OPERATORS, SCALES, distance, quantized, simplified
from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelport.edge.interface import Calibration, Source

__all__ = ["BACKEND", "INTEGER_TOOLS", "MOST_CALLS", "Onnx", "in_integers"]

MOST_CALLS: Final = 512
"""Calls that ranges are taken from; of more, as many are picked evenly."""
INTEGER_TOOLS: Final = ("onnx", "onnxruntime")
"""The distributions that make integers of a graph."""
_FAR = 0.1
"""How far answers may be off, as a part of their size, before other ways to make integers are tried, too."""
_TOO_FAR = 0.5


class Onnx:
    """Makes ONNX files with weights of fewer bits: of 16 by itself, of 8 with ONNX Runtime's quantizer."""

    def recipes(self, parent: Path) -> Sequence[Recipe]:
        """Return the three for an ``.onnx`` file with floats to narrow; none for what has integers, or no weights."""
        if parent.suffix != ".onnx":
            return ()
        if find_spec("onnx") is not None:
            model = read_model(parent)
            if is_quantized(model) or not has_weights(model):
                return ()
        return (
            Recipe("onnx", "onnx"),
            Recipe("onnx-float16", "onnx", tools=("onnx",)),
            Recipe("onnx-int8", "onnx", needs_calibration=True, options={"calls": MOST_CALLS}, tools=INTEGER_TOOLS),
        )

    def make(self, recipe: Recipe, source: Source, out: Path) -> Made:
        """Make the file; raises as `modelport.edge.interface.Backend.make` does."""
        content, how = _FORMS[recipe.name](source)
        file = out / f"{source.parent.stem}.onnx"
        file.write_bytes(content)
        return Made(file, how)


def _as_it_is(source: Source) -> tuple[bytes, dict[str, Any]]:
    return source.file.read_bytes(), {"by": "as it is", "weights": "float32"}


def _float16(source: Source) -> tuple[bytes, dict[str, Any]]:
    model = read_model(source.file)
    tensors = halved(model)
    canonical(model, notes=list(model.metadata_props))
    return written(model), {"by": "casting", "weights": "float16", "tensors": tensors}


def _int8(source: Source) -> tuple[bytes, dict[str, Any]]:
    return in_integers(source.file, source.calibration)


def in_integers(file: Path, calibration: Calibration | None) -> tuple[bytes, dict[str, Any]]:
    """Return the graph in *file* with weights and activations of 8 bits, and how it was made.

    Raises:
        NotMadeError: It has no such form, or one whose answers are far off; or there is no calibration.
    """
    calls = _picked(calibration or ())
    reference = file.read_bytes()
    model = read_model(file)
    try:
        simple = simplified(model)
    except FormatError as error:
        raise NotMadeError(error.message, hint=error.hint) from error
    found: list[_Way] = []
    failed: dict[str, str] = {}
    for operators in OPERATORS:
        if found and min(found).far <= _FAR:
            break
        for scales in SCALES:
            try:
                content = quantized(simple, calls, scales=scales, operators=operators)
                found.append(_Way(distance(content, reference, calls), len(content), scales, operators, content))
            except (NotMadeError, FormatError) as error:
                failed[error.message] = error.hint
    if not found:
        raise NotMadeError("; ".join(failed), hint=next(iter(failed.values())))
    return _kept(min(found), len(calls), len(reference))


class _Way(NamedTuple):
    """A file of integers: how far it is from its parent, its bytes, and how it was made."""

    far: float
    size: int
    scales: str
    operators: str
    content: bytes


def _kept(way: _Way, calls: int, before: int) -> tuple[bytes, dict[str, Any]]:
    if not way.far <= _TOO_FAR:
        raise NotMadeError(
            f"in integers its answers to the calibration inputs are {way.far:.0%} off",
            hint="give calibration inputs that are like those it will be asked, and enough of them",
        )
    if way.size >= before:
        raise NotMadeError("it has no weights that ONNX Runtime's quantizer makes smaller")
    how = {"by": "quantizer", "form": "QDQ", "scales": way.scales, "operators": way.operators}
    weights = {"weights": "int8", "activations": "int8"}
    return way.content, {**how, **weights, "calls": calls, "distance": float(f"{way.far:.2g}")}


def _picked(calibration: Calibration) -> Calibration:
    """Return the calls, or as many of them as are enough, from all over."""
    if not calibration:
        raise NotMadeError("there are no calibration inputs", hint="add data: model.add_data('calibration', ...)")
    count = min(len(calibration), MOST_CALLS)
    return [calibration[number * len(calibration) // count] for number in range(count)]


_FORMS: Final = {"onnx": _as_it_is, "onnx-float16": _float16, "onnx-int8": _int8}

BACKEND: Final = Onnx()
"""The backend, as `modelport.edge.interface` looks for it."""
