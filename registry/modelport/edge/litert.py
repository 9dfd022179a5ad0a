"""The LiteRT backend: eight forms of a Keras model, or of a ``.tflite`` file with floats.

::

    float32        converted from Keras; a .tflite as it is, its 16-bit constants widened
    float16        weights in half the bytes, calculated with in 32 bits
    weight-int8    weights in a quarter of the bytes, calculated with in 32 bits
    dynamic-int8   the same weights, and integers where an operator finds it can
    int8           weights, activations, inputs and outputs: integers alone, after calibration
    mixed-int8     the same by litert-quantizer, but floats where integers make nothing quicker, at both ends too
    int4           weights of 4 bits, otherwise like dynamic-int8
    rounded        32-bit floats on a grid, so that gzip makes the download a third

``int8`` of a Keras model is made twice, by TensorFlow's converter and by litert-quantizer, and the one is kept that
runs in every mode of LiteRT and whose answers to the calibration inputs are nearer to those of ``float32``. One whose
answers are off by more than half of their size is refused: it knows nothing of what the model does.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.converting import converted, converted_to_integers
from modelport.edge.distance import check_distance, distance
from modelport.edge.interface import Made, NotMadeError, Recipe
from modelport.edge.lite_file import is_quantized, parsed, widened
from modelport.edge.mixing import FEWEST, LARGEST
from modelport.edge.quantizing import RECIPES, float32_of, quantized
from modelport.edge.rounding import LEVELS, fewest_lost
from modelport.edge.trial import MODES, try_file
from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelport.edge.interface import Calibration, Source

__all__ = ["BACKEND", "LiteRt"]

_LOG = logging.getLogger(__name__)
_READER = "ai-edge-litert"
_QUANTIZER = ("litert-quantizer", _READER)
_CONVERTER = ("keras", "tensorflow-cpu", "tensorflow", _READER)
_MOST_CALLS = 512
"""Calls that ranges are taken from; of more, as many are picked evenly."""


class LiteRt:
    """Makes LiteRT files with litert-quantizer, of Keras models with TensorFlow's converter, too."""

    def recipes(self, parent: Path) -> Sequence[Recipe]:
        """Return the eight for a Keras model and for a ``.tflite`` file with floats; none for what has integers."""
        if parent.suffix not in {".keras", ".tflite"}:
            return ()
        from_keras = parent.suffix == ".keras"
        if not from_keras and _is_quantized(parent):
            return ()

        def of(name: str, *tools: str, needs_calibration: bool = False, **options: Any) -> Recipe:  # noqa: ANN401 - plain JSON
            return Recipe(
                name, "litert", base="float32", needs_calibration=needs_calibration, options=options, tools=tools
            )

        return (
            Recipe("float32", "litert", tools=_CONVERTER if from_keras else (_READER,)),
            of("float16", *_QUANTIZER),
            of("weight-int8", *_QUANTIZER),
            of("dynamic-int8", *_QUANTIZER),
            of("int8", *(_CONVERTER if from_keras else ()), *_QUANTIZER, needs_calibration=True, calls=_MOST_CALLS),
            of("mixed-int8", *_QUANTIZER, needs_calibration=True, calls=_MOST_CALLS, fewest=FEWEST, largest=LARGEST),
            of("int4", *_QUANTIZER, algorithm="OCTAV"),
            of("rounded", _READER, levels=list(LEVELS)),
        )

    def make(self, recipe: Recipe, source: Source, out: Path) -> Made:
        """Make the file; raises as `modelport.edge.interface.Backend.make` does."""
        content, how = _FORMS[recipe.name](source)
        file = out / f"{source.parent.stem}.tflite"
        file.write_bytes(content)
        return Made(file, how)


def _is_quantized(file: Path) -> bool:
    try:
        return is_quantized(parsed(file.read_bytes()))
    except FormatError as error:
        raise NotMadeError(f"{file.name}: {error.message}", hint=error.hint) from error


def _float32(source: Source) -> tuple[bytes, dict[str, Any]]:
    if source.parent.suffix == ".keras":
        return converted(source.parent), {"by": "converter", "weights": "float32"}
    content = source.parent.read_bytes()
    made = float32_of(content)
    return made, {"by": "as it is" if made == content else "widening", "weights": "float32"}


def _float16(source: Source) -> tuple[bytes, dict[str, Any]]:
    if source.parent.suffix == ".tflite":
        content = source.parent.read_bytes()
        if widened(parsed(content)):
            return content, {"by": "as it is", "weights": "float16"}
    return _of_quantizer(source, "float16", weights="float16")


def _weight_int8(source: Source) -> tuple[bytes, dict[str, Any]]:
    return _of_quantizer(source, "weight-int8", weights="int8")


def _dynamic_int8(source: Source) -> tuple[bytes, dict[str, Any]]:
    return _of_quantizer(source, "dynamic-int8", weights="int8", activations="dynamic")


def _int4(source: Source) -> tuple[bytes, dict[str, Any]]:
    return _of_quantizer(source, "dynamic-int4", algorithm="OCTAV", weights="int4", activations="dynamic")


def _of_quantizer(
    source: Source, form: str, *, algorithm: str = "MIN_MAX_UNIFORM_QUANT", **how: str
) -> tuple[bytes, dict[str, Any]]:
    content = source.file.read_bytes()
    made = quantized(content, form, algorithm=algorithm)
    if len(made) >= len(content):
        raise NotMadeError("it has no weights that litert-quantizer makes smaller")
    return made, {"by": "quantizer", "form": RECIPES[form], **how}


def _int8(source: Source) -> tuple[bytes, dict[str, Any]]:
    calls = _picked(source.calibration or ())
    reference = source.file.read_bytes()
    ways: dict[str, Callable[[], bytes]] = {"quantizer": lambda: quantized(reference, "int8", calls)}
    if source.parent.suffix == ".keras":
        ways["converter"] = lambda: converted_to_integers(source.parent, calls)
    found: list[tuple[float, str, bytes]] = []
    failed = []
    for by, make in ways.items():
        try:
            content = make()
            _try(content)
            found.append((distance(content, reference, calls), by, content))
        except (NotMadeError, FormatError, RuntimeError, ValueError) as error:
            failed.append(f"by the {by}: {error}")
            _LOG.info("int8 by the %s: %s", by, error)
    if not found:
        raise NotMadeError("; ".join(failed))
    far, by, content = min(found)
    check_distance(far)
    form = {"form": RECIPES["int8"]} if by == "quantizer" else {}
    how = {"by": by, **form, "weights": "int8", "activations": "int8", "calls": len(calls)}
    return content, how | {"distance": float(f"{far:.2g}")}


def _mixed_int8(source: Source) -> tuple[bytes, dict[str, Any]]:
    calls = _picked(source.calibration or ())
    reference = source.file.read_bytes()
    made = quantized(reference, "mixed-int8", calls)
    far = distance(made, reference, calls)
    check_distance(far)
    how = {"by": "quantizer", "form": RECIPES["mixed-int8"], "weights": "int8", "activations": "mixed"}
    return made, how | {"calls": len(calls), "distance": float(f"{far:.2g}")}


def _picked(calibration: Calibration) -> Calibration:
    """Return the calls, or as many of them as are enough, from all over."""
    if not calibration:
        raise NotMadeError("there are no calibration inputs", hint="add data: model.add_data('calibration', ...)")
    count = min(len(calibration), _MOST_CALLS)
    return [calibration[number * len(calibration) // count] for number in range(count)]


def _try(content: bytes) -> None:
    """Run the file in each of LiteRT's modes; NotMadeError where one refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        file.write_bytes(content)
        for mode in MODES["litert"]:
            try_file(file, "litert", mode)


def _rounded(source: Source) -> tuple[bytes, dict[str, Any]]:
    made, levels = fewest_lost(source.file.read_bytes())
    return made, {"by": "rounding", "weights": "float32", "levels": levels}


_FORMS: Final = {
    "float32": _float32, "float16": _float16, "weight-int8": _weight_int8, "dynamic-int8": _dynamic_int8,
    "int8": _int8, "mixed-int8": _mixed_int8, "int4": _int4, "rounded": _rounded,
}  # fmt: skip

BACKEND: Final = LiteRt()
"""The backend, as `modelport.edge.interface` looks for it."""
