"""NumPy arrays and scalars as ``.npy`` (format 1.0 to 3.0 of NumPy's NEP 1), never with pickle."""

from __future__ import annotations

import math
import sys
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from modelport.errors import FormatError, PackError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NumpyBackend", "without_padding"]


class NumpyBackend:
    """Keeps arrays and NumPy scalars; a scalar comes back as an array of no dimension's item."""

    suffix: ClassVar[str] = ".npy"
    imports: ClassVar[tuple[str, ...]] = ("numpy",)

    def keeps(self, value: object) -> bool:
        """Tell whether *value* is an array or a NumPy scalar."""
        numpy = sys.modules.get("numpy")
        return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))

    def save(self, value: Any, file: Path) -> tuple[str, ...]:
        """Write the array in C order; refuse what would come back as something else."""
        import numpy as np

        if not isinstance(value, np.generic) and type(value) not in {np.ndarray, np.memmap}:
            raise PackError(
                f"a {type(value).__name__} is more than the array in it, which .npy keeps alone",
                hint="keep its parts as plain arrays, and put them together in the method's code",
            )
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise PackError(
                f"an array of dtype {array.dtype} holds Python objects, which .npy keeps only with pickle",
                hint="use an array of numbers or of fixed-width text (dtype 'U'), or a plain list",
            )
        if not _has_form(array.dtype):
            raise PackError(
                f"an array of dtype {array.dtype} has no form in .npy",
                hint="keep it as one of NumPy's own dtypes, and convert it in the method's code",
            )
        array = without_padding(array)
        with file.open("wb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # names of fields beyond ASCII take a younger form of .npy
            np.save(stream, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
        return ()

    def load(self, file: Path) -> object:
        """Return the array, or the scalar; the file must be as long as its header says."""
        import numpy as np

        try:
            _check_header(file)
            array = np.load(file, allow_pickle=False)
        except FormatError:
            raise
        except Exception as error:  # a header is a Python literal, and its dtype may be anything
            raise FormatError(f"{file} is not an .npy file of plain data: {error}") from error
        return array if array.ndim else array[()]


def _check_header(file: Path) -> None:
    from numpy.lib import format as npy

    with file.open("rb") as stream:
        read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        size = stream.tell() + math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0 or size != file.stat().st_size:
        raise FormatError(f"{file} is not an .npy file of plain data: its header says something else")


def without_padding(array: Any) -> Any:
    """Return *array* with zeros between the fields of its records, where NumPy leaves what memory held."""
    import numpy as np

    if array.dtype.names is None:
        return array
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = without_padding(array[name])
    return clean


def _has_form(dtype: Any) -> bool:
    """Tell whether *dtype* comes back from a header; those of other libraries (bfloat16) do not."""
    from numpy.lib import format as npy

    try:
        return bool(npy.descr_to_dtype(npy.dtype_to_descr(dtype)) == dtype)
    except (TypeError, ValueError, UserWarning):
        return False
