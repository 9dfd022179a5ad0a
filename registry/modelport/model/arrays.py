"""Tensors as NumPy arrays: checked against dtype and shape, read from and written as JSON's nested lists.

NumPy is imported late: a model without tensors does without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from modelport.model.spec import ModelSpec, TensorOf

__all__ = ["SPECIAL_FLOATS", "Exchange", "array_from_json", "array_to_json", "check_array"]

SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""What JSON numbers cannot say, spelled as the protobuf JSON mapping spells it."""


@dataclass(slots=True)
class Exchange:
    """One call on its way through the codec: its signature and classes, and what it has shown so far.

    Attributes:
        spec: The signature.
        types: The Python class of each message.
        problems: Every misfit found, as ``path: message``.
        sizes: The size that each named dimension stands for in this call, and where it was first met.
    """

    spec: ModelSpec
    types: Mapping[str, type]
    problems: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, path: str, message: str) -> None:
        """Note a misfit at *path*."""
        self.problems.append(f"{path}: {message}")


def check_array(array: np.ndarray[Any, Any], kind: TensorOf, path: str, exchange: Exchange) -> bool:
    """Tell whether *array* has the dtype and the dimensions of *kind*; note what is wrong otherwise."""
    if array.dtype.name != kind.dtype:
        exchange.add(path, f"is {array.dtype.name}, not {kind.dtype}")
        return False
    if array.ndim != len(kind.shape):
        exchange.add(path, f"has {array.ndim} dimensions, {kind} has {len(kind.shape)}")
        return False
    before = len(exchange.problems)
    for axis, (size, wanted) in enumerate(zip(array.shape, kind.shape, strict=True)):
        if isinstance(wanted, int) and size != wanted:
            exchange.add(path, f"dimension {axis} is {size}, {kind} has {wanted}")
        elif isinstance(wanted, str):
            known, where = exchange.sizes.setdefault(wanted, (size, path))
            if known != size:
                exchange.add(path, f"dimension {wanted!r} is {size}, in {where} it is {known}")
    return len(exchange.problems) == before


def array_from_json(value: object, kind: TensorOf, path: str, exchange: Exchange) -> np.ndarray[Any, Any] | None:
    """Return the array that nested lists stand for, or note why they are none and return None."""
    import numpy as np

    try:
        loose = np.asarray(value)
    except (ValueError, OverflowError, TypeError):
        exchange.add(path, f"is not an array of {kind}: its lists differ in length")
        return None
    array = _cast(loose, value, kind, path, exchange)
    if array is None:
        return None
    if array.size == 0 and array.ndim < len(kind.shape):
        # [] is all that JSON has for any array without elements: its other dimensions are the declared ones.
        missing = kind.shape[array.ndim :]
        array = array.reshape(array.shape + tuple(d if isinstance(d, int) else 0 for d in missing))
    return array if check_array(array, kind, path, exchange) else None


def array_to_json(array: np.ndarray[Any, Any]) -> Any:
    """Return nested lists; short floats have the fewest digits that give the same float back."""
    import numpy as np

    if array.dtype.kind != "f":
        return array.tolist()
    if array.dtype.itemsize < 8:  # noqa: PLR2004 - bytes of a float64, which is what JSON numbers are
        array = array.astype(str).astype(np.float64)
    if np.isfinite(array).all():
        return array.tolist()
    return _spell(array.tolist())


def _cast(
    loose: np.ndarray[Any, Any], value: object, kind: TensorOf, path: str, exchange: Exchange
) -> np.ndarray[Any, Any] | None:
    import numpy as np

    wanted = np.dtype(kind.dtype)
    if loose.size == 0 and loose.dtype.kind == "f":
        return loose.astype(wanted)
    if wanted.kind == "f" and loose.dtype.kind in "UO":
        special = _special(value, path, exchange)
        if special is None:
            return None
        loose = special
    fits = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[wanted.kind]
    if loose.dtype.kind not in fits:
        exchange.add(path, f"is not an array of {kind}: an element is not {_element(wanted.kind)}")
        return None
    if wanted.kind in "iu" and loose.size:
        limits = np.iinfo(wanted)
        if int(loose.min()) < limits.min or int(loose.max()) > limits.max:
            exchange.add(path, f"has an element outside {limits.min} to {limits.max}, the range of {kind.dtype}")
            return None
    with np.errstate(over="ignore"):
        array = loose.astype(wanted)
    if wanted.kind == "f" and loose.dtype.kind == "f" and bool((np.isinf(array) & np.isfinite(loose)).any()):
        exchange.add(path, f"has an element beyond the range of {kind.dtype}")
        return None
    return array


def _special(value: object, path: str, exchange: Exchange) -> np.ndarray[Any, Any] | None:
    """Read nested lists in which the names of special floats stand among numbers."""
    import numpy as np

    def number(item: object) -> object:
        if isinstance(item, list):
            return [number(one) for one in item]
        if isinstance(item, str) and item in SPECIAL_FLOATS:
            return SPECIAL_FLOATS[item]
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise TypeError(f"{item!r} is not a number")
        return float(item)

    try:
        return np.asarray(number(value), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        exchange.add(path, f"is not an array of numbers: {error}")
        return None


def _spell(value: object) -> object:
    if isinstance(value, list):
        return [_spell(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _element(kind: str) -> str:
    return {"b": "true or false", "i": "a whole number", "u": "a whole number", "f": "a number"}[kind]
