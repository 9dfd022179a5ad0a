"""Stand-ins: objects that answer like a trained object of scikit-learn or Keras, and run its second form.

A stand-in has the methods that callers of the object use most, and no others. Whether it answers as the object does
was tried on the package's examples when it was packed.
"""

from __future__ import annotations

import json
import threading
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
        heard: Where it notes what its file is given; None where nobody wants to know.
        classes_: The labels, where the estimator has some.
    """

    heard: list[Any] | None = None

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

        from modelport.package.files.refusals import unfit

        self.asked += 1
        if said := unfit(values, self._refused):
            raise ValueError(f"the estimator, which runs in its second form, takes no {said}")
        texts = self._input.type == "tensor(string)"
        kind = {"tensor(double)": np.float64, "tensor(float)": np.float32}.get(self._input.type, object)
        array = np.asarray(values, dtype=kind)
        fed = array.reshape(-1, 1) if texts else array
        (answer,) = self._session.run([output], {self._input.name: fed})
        if self.heard is not None:
            self.heard.append(fed)
        if method == "predict" and answer.ndim == 2 and answer.shape[1] == 1:  # noqa: PLR2004 - rows and one column
            answer = answer[:, 0]
        return answer.astype(str) if answer.dtype == object else answer


class LiteRtStandIn:
    """A Keras model of one input and one output that is a LiteRT file.

    It takes and gives the real numbers that the Keras model does, also where the file's own tensors are integers.

    Attributes:
        asked: How often it was called.
        heard: Where it notes what its file is given; None where nobody wants to know.
    """

    heard: list[Any] | None = None

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
            (self._input,), (self._output,) = (
                self._interpreter.get_input_details(),
                self._interpreter.get_output_details(),
            )
        except (RuntimeError, ValueError) as error:
            raise FormatError(f"LiteRT cannot load it: {error}") from error
        self._taken, self._given = Affine.of(self._input), Affine.of(self._output)

    @classmethod
    def load(cls, file: Path, *, refused: Collection[str] = ()) -> Self:  # noqa: ARG003 - none was tried of networks
        """Return the stand-in of *file*; FormatError where LiteRT cannot load it."""
        try:
            return cls(file.read_bytes())
        except FormatError as error:
            raise FormatError(f"{file}: {error.message}", hint=error.hint) from error

    def __call__(self, values: Any, *, training: bool = False) -> Any:
        """Return the answer for a batch, as an array."""
        import numpy as np

        if training:
            raise ValueError("a LiteRT file cannot be trained")
        self.asked += 1
        if self._taken is None:
            batch = np.ascontiguousarray(values, dtype=self._input["dtype"])
        else:
            batch = np.ascontiguousarray(self._taken.quantized(values))
        if self.heard is not None:
            self.heard.append(batch)
        with self._lock:
            self._interpreter.resize_tensor_input(self._input["index"], batch.shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(self._input["index"], batch)
            self._interpreter.invoke()
            answer = self._interpreter.get_tensor(self._output["index"])
        return answer if self._given is None else self._given.real(answer)

    def predict(self, values: Any, **_options: Any) -> Any:
        """Return the answer for a batch; how Keras would batch and talk does not matter."""
        return self(values)


STAND_INS: dict[str, type[OnnxStandIn | LiteRtStandIn]] = {".onnx": OnnxStandIn, ".tflite": LiteRtStandIn}
"""The stand-in by its file's suffix."""
