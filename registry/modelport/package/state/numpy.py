"""NumPy arrays and scalars as ``.npy`` (format 1.0 to 3.0 of NumPy's NEP 1), never with pickle."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from modelport.errors import FormatError, PackError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NumpyBackend"]


class NumpyBackend:
    """Keeps arrays and NumPy scalars; a scalar comes back as an array of no dimension's item."""

    suffix = ".npy"
    imports = ("numpy",)

    def keeps(self, value: object) -> bool:
        """Tell whether *value* is an array or a NumPy scalar."""
        numpy = sys.modules.get("numpy")
        return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))

    def save(self, value: object, file: Path) -> tuple[str, ...]:
        """Write the array in C order."""
        import numpy as np

        array = np.asarray(value)
        if array.dtype.hasobject:
            raise PackError(
                f"an array of dtype {array.dtype} holds Python objects, which .npy keeps only with pickle",
                hint="use an array of numbers or of fixed-width text (dtype 'U'), or a plain list",
            )
        with file.open("wb") as stream:
            np.save(stream, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
        return ()

    def load(self, file: Path) -> object:
        """Return the array, or the scalar."""
        import numpy as np

        try:
            array = np.load(file, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise FormatError(f"{file} is not an .npy file of plain data: {error}") from error
        return array if array.ndim else array[()]
