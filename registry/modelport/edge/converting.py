"""A Keras model as a LiteRT file, by TensorFlow's converter: with 32-bit floats, or with integers alone."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from modelport.edge.interface import NotMadeError
from modelport.edge.lite_file import parsed, written
from modelport.errors import SetupError
from modelport.package.state.conversion import NotConvertedError, litert_of
from modelport.package.state.keras import KerasBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelport.edge.interface import Calibration

__all__ = ["converted", "converted_to_integers"]


def converted(file: Path) -> bytes:
    """Return the Keras model in *file* with 32-bit floats, batch normalisation folded into the weights.

    Raises:
        NotMadeError: There is no such form of it.
        SetupError: TensorFlow is not installed.
    """
    return _converted(file, lambda _: None)


def converted_to_integers(file: Path, calibration: Calibration) -> bytes:
    """Return the Keras model in *file* with weights, activations, input and output of 8 bits; raises as `converted`."""

    def prepare(converter: Any) -> None:  # noqa: ANN401 - TensorFlow has no types
        import tensorflow as tf

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _fed(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8

    return _converted(file, prepare)


def _converted(file: Path, prepare: Callable[[Any], None]) -> bytes:
    try:
        import tensorflow as tf  # noqa: F401 - said here, before Keras says it in its way
    except ImportError as error:
        raise SetupError("TensorFlow is not installed", hint="pip install 'modelport[variants]'") from error
    model: Any = KerasBackend().load(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of statistics that it then takes itself
            return written(parsed(litert_of(model, prepare=prepare)))
    except NotConvertedError as error:
        said = " ".join(str(error.__cause__ or "").split())[:300]
        raise NotMadeError(f"{error}: {said}" if said else str(error)) from error


def _fed(calibration: Calibration) -> Iterator[list[Any]]:
    for call in calibration:
        yield list(call.values())
