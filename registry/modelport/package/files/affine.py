"""Real numbers as a quantized tensor's integers, and back: ``real = (integer - zero) * scale``.

A file whose inputs or outputs are integers takes and gives the numbers of its float parent only through the scale and
zero point that each tensor carries, and within the range of the tensor's *own* type: an ``int16`` clipped to ±127
answers by chance, and says nothing of it.

Source: ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Affine"]


@dataclass(frozen=True, slots=True)
class Affine:
    """How a tensor's integers stand for real numbers, with one scale for the whole tensor.

    Attributes:
        scale: What one step is, above 0.
        zero: The integer that stands for 0.
        dtype: The type of the integers, as NumPy calls it.
    """

    scale: float
    zero: int
    dtype: str

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Self | None:
        """Return that of a tensor as LiteRT describes it; None where its numbers are meant as they are."""
        import numpy as np

        dtype, (scale, zero) = np.dtype(details["dtype"]), details["quantization"]
        return cls(float(scale), int(zero), dtype.name) if dtype.kind in "iu" and scale > 0 else None

    def quantized(self, values: ArrayLike) -> NDArray[Any]:
        """Return the integers nearest to real numbers of any type; those out of range become the range's ends.

        Raises:
            ValueError: There is a NaN, which no integer stands for.
        """
        import numpy as np

        real = np.asarray(values, np.float64)
        if np.isnan(real).any():
            raise ValueError("the model takes integers, which have no NaN")
        ends = np.iinfo(self.dtype)
        # Very large numbers may overflow to infinity, which is clipped as they are.
        with np.errstate(over="ignore"):
            found: NDArray[Any] = np.clip(np.rint(real / self.scale) + self.zero, ends.min, ends.max)
        return found.astype(self.dtype)

    def real(self, integers: NDArray[Any]) -> NDArray[Any]:
        """Return the real numbers that integers stand for, in 32 bits."""
        import numpy as np

        return ((integers.astype(np.float64) - self.zero) * self.scale).astype(np.float32)
