"""Stand-ins: objects that answer like a trained object of scikit-learn or Keras, and run its second form.

A stand-in has the methods that callers of the object use most, and no others. Whether it answers as the object does
was tried on the package's examples when it was packed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from modelport.errors import FormatError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

__all__ = ["ABOUT", "STAND_INS", "LiteRtStandIn", "OnnxStandIn"]

ABOUT = "modelport"
"""The key of an ONNX file's metadata under which its stand-in finds the methods' outputs and the classes."""


class OnnxStandIn:
    """An estimator that is an ONNX file; its methods are the file's outputs.

    Args:
        content: The file.
        refused: Which numbers it refuses, with a ValueError, as the estimator does: keys of `REFUSED`.

    Attributes:
        asked: How often a method was called.
        heard: Where it notes what its file is given in each call, by input; None where nobody wants to know.
        classes_: The labels, where the estimator has some.
    """

    heard: list[dict[str, Any]] | None = None

    def __init__(self, content: bytes, *, refused: Collection[str] = ()) -> None:
        from modelport.package.files.onnx import open_session

        self.asked = 0
        self._refused = refused
        self._session = open_session(content)
        try:
            about = json.loads(self._session.get_modelmeta().custom_metadata_map[ABOUT])
            self._outputs = {str(method): str(output) for method, output in about["methods"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FormatError("it does not say which methods its outputs are of") from error
        self._input = self._session.get_inputs()[0]
        if about.get("classes") is not None:
            import numpy as np

            self.classes_ = np.array(about["classes"])

    @classmethod
    def load(cls, file: Path, *, refused: Collection[str] = ()) -> Self:
        """Return the stand-in of *file*; FormatError where it is no second form."""
        try:
            return cls(file.read_bytes(), refused=refused)
        except FormatError as error:
            raise FormatError(f"{file}: {error.message}", hint=error.hint) from error

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        output = self.__dict__.get("_outputs", {}).get(name)
        if output is None:
            raise AttributeError(f"the second form of the estimator has no {name!r}")
        return lambda values: self._run(name, output, values)

    def _run(self, method: str, output: str, values: Any) -> Any:
        import numpy as np

        from modelport.package.files.refusals import UnfitError, unfit

        self.asked += 1
        if said := unfit(values, self._refused):
            raise UnfitError(f"the estimator, which runs in its second form, takes no {said}")
        texts = self._input.type == "tensor(string)"
        kind = {"tensor(double)": np.float64, "tensor(float)": np.float32}.get(self._input.type, object)
        array = np.asarray(values, dtype=kind)
        fed = array.reshape(-1, 1) if texts else array
        (answer,) = self._session.run([output], {self._input.name: fed})
        if self.heard is not None:
            self.heard.append({self._input.name: fed})
        if method == "predict" and answer.ndim == 2 and answer.shape[1] == 1:  # noqa: PLR2004 - rows and one column
            answer = answer[:, 0]
        if method == "predict_proba":
            answer = np.clip(answer, 0, 1)  # 32-bit floats may sum to a little more
        return answer.astype(str) if answer.dtype == object else answer


class LiteRtStandIn:
    """A Keras model that is a LiteRT file: of several inputs it takes a list, or a mapping by their names.

    Of several outputs it gives a list, in their order. It takes and gives the real numbers that the Keras model does,
    also where the file's own tensors are integers.

    Attributes:
        asked: How often it was called.
        heard: Where it notes what its file is given in each call, by input; None where nobody wants to know.
    """

    heard: list[dict[str, Any]] | None = None

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise SetupError(
                "ai-edge-litert is not installed, which runs LiteRT models", hint="pip install 'modelport[edge]'"
            ) from error
        from modelport.package.files.affine import Affine

        self.asked = 0
        self._lock = threading.Lock()  # an interpreter holds the tensors of one call
        try:
            self._interpreter = Interpreter(model_content=content)
            self._inputs, self._outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (RuntimeError, ValueError) as error:
            raise FormatError(f"LiteRT cannot load it: {error}") from error
        self._taken, self._given = ([Affine.of(one) for one in side] for side in (self._inputs, self._outputs))

    @classmethod
    def load(cls, file: Path, *, refused: Collection[str] = ()) -> Self:  # noqa: ARG003 - none was tried of networks
        """Return the stand-in of *file*; FormatError where LiteRT cannot load it."""
        try:
            return cls(file.read_bytes())
        except FormatError as error:
            raise FormatError(f"{file}: {error.message}", hint=error.hint) from error

    def __call__(self, values: Any, *, training: bool = False) -> Any:
        """Return the answer for a batch: an array for each output, alone where it is the only one."""
        if training:
            raise ValueError("a LiteRT file cannot be trained")
        self.asked += 1
        batches = self._batches(values)
        if self.heard is not None:
            self.heard.append({str(one["name"]): batch for one, batch in zip(self._inputs, batches, strict=True)})
        with self._lock:
            for one, batch in zip(self._inputs, batches, strict=True):
                self._interpreter.resize_tensor_input(one["index"], batch.shape)
            self._interpreter.allocate_tensors()
            for one, batch in zip(self._inputs, batches, strict=True):
                self._interpreter.set_tensor(one["index"], batch)
            self._interpreter.invoke()
            answers = [self._interpreter.get_tensor(one["index"]) for one in self._outputs]
        real = [one if affine is None else affine.real(one) for one, affine in zip(answers, self._given, strict=True)]
        return real[0] if len(real) == 1 else real

    @property
    def ports(self) -> tuple[int, int]:
        """How many inputs and outputs it has."""
        return len(self._inputs), len(self._outputs)

    def _batches(self, values: Any) -> list[Any]:
        """Return what each input of the file is fed."""
        import numpy as np

        if len(self._inputs) == 1:
            values = [values]
        elif isinstance(values, Mapping):
            values = [values[str(one["name"])] for one in self._inputs if one["name"] in values]
        if not isinstance(values, list | tuple) or len(values) != len(self._inputs):
            names = ", ".join(str(one["name"]) for one in self._inputs)
            raise ValueError(f"the network takes {len(self._inputs)} inputs: {names}")
        return [
            np.ascontiguousarray(value, dtype=one["dtype"])
            if affine is None
            else np.ascontiguousarray(affine.quantized(value))
            for value, one, affine in zip(values, self._inputs, self._taken, strict=True)
        ]

    def predict(self, values: Any, **_options: Any) -> Any:
        """Return the answer for a batch; how Keras would batch and talk does not matter."""
        return self(values)


STAND_INS: dict[str, type[OnnxStandIn | LiteRtStandIn]] = {".onnx": OnnxStandIn, ".tflite": LiteRtStandIn}
"""The stand-in by its file's suffix."""
