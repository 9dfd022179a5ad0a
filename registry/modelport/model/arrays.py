"""Tensors as NumPy arrays: checked against dtype and shape, read from and written as JSON's nested lists.

NumPy is imported late: a model without tensors does without it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from modelport.model.scalars import INTEGER_RANGES, json_kind, scalar_from_json, scalar_from_native, spell, with_article

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from modelport.model.exchange import Exchange
    from modelport.model.spec import TensorOf

__all__ = ["array_from_json", "array_from_native", "array_to_json", "check_array"]

_PLAIN: dict[str, set[type]] = {"b": {bool}, "i": {int}, "u": {int}, "f": {int, float}}
_EMPTY_ROWS = 2**20


def check_array(
    array: np.ndarray[Any, Any], kind: TensorOf, path: str, exchange: Exchange, *, axes: int | None = None
) -> bool:
    """Tell whether *array* has the dtype and the dimensions of *kind*; note what is wrong otherwise.

    Args:
        array: The array.
        kind: What it should be.
        path: Where it is.
        exchange: The call; it learns the sizes of named dimensions here.
        axes: How many leading dimensions are known; the others were made up. All, if not given.
    """
    if _name(array.dtype) != kind.dtype:
        exchange.add(path, f"is {array.dtype.name}, not {kind.dtype}")
        return False
    if array.ndim != len(kind.shape):
        exchange.add(path, f"has {array.ndim} dimensions, {kind} has {len(kind.shape)}")
        return False
    before = exchange.count
    for axis, (size, wanted) in enumerate(zip(array.shape[:axes], kind.shape[:axes], strict=True)):
        if isinstance(wanted, int) and size != wanted:
            exchange.add(path, f"dimension {axis} is {size}, {kind} has {wanted}")
        elif isinstance(wanted, str):
            known, where = exchange.sizes.setdefault(wanted, (size, path))
            if known != size:
                exchange.add(path, f"dimension {wanted!r} is {size}, in {where} it is {known}")
    if not array.size and math.prod(array.shape[: array.shape.index(0)]) > _EMPTY_ROWS:
        # A few bytes of protobuf can say this, and its JSON form would be that many empty lists.
        exchange.add(path, f"has no elements in more than {_EMPTY_ROWS} rows")
    return exchange.count == before


def array_from_json(value: object, kind: TensorOf, path: str, exchange: Exchange) -> np.ndarray[Any, Any] | None:
    """Return the array that nested lists stand for, or note why they are none and return None."""
    if kind.shape and not isinstance(value, list):
        exchange.add(path, f"is {json_kind(value)}, not nested lists for {kind}")
        return None
    return _from_lists(value, kind, path, exchange, scalar_from_json)


def array_from_native(value: Any, kind: TensorOf, path: str, exchange: Exchange) -> np.ndarray[Any, Any] | None:
    """Return *value* as the array that *kind* says, or note why it is none and return None.

    A dtype is widened where nothing can be lost; lists and Python numbers have no dtype and take that of *kind*.
    """
    import numpy as np

    if isinstance(value, list | tuple | int | float) and not hasattr(value, "dtype"):
        return _from_lists(value, kind, path, exchange, scalar_from_native)
    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001 - another library's array may refuse in its own way
        exchange.add(path, f"is {with_article(type(value).__name__)}, not {kind}: {type(error).__name__}: {error}")
        return None
    if array.dtype.kind not in "biuf":
        exchange.add(path, f"is {with_article(type(value).__name__)} of {array.dtype.name}, not {kind}")
        return None
    if _name(array.dtype) != kind.dtype and np.can_cast(array.dtype, kind.dtype):
        array = array.astype(kind.dtype)
    return array if check_array(array, kind, path, exchange) else None


def array_to_json(array: np.ndarray[Any, Any]) -> Any:
    """Return nested lists; short floats have the fewest digits that give the same float back."""
    import numpy as np

    if array.dtype.kind != "f":
        return array.tolist()
    if array.dtype.itemsize < 8:  # noqa: PLR2004 - bytes of a float64, which is what JSON numbers are
        array = array.astype(str).astype(np.float64)
    return array.tolist() if np.isfinite(array).all() else _spell(array.tolist())


def _from_lists(
    value: object,
    kind: TensorOf,
    path: str,
    exchange: Exchange,
    read: Callable[[object, str, str, Exchange], Any],
) -> np.ndarray[Any, Any] | None:
    import numpy as np

    quick = _quickly(value, kind)
    if quick is not None:
        return quick if check_array(quick, kind, path, exchange) else None
    # As objects first: NumPy would turn true into 1, big integers into floats, and would give each element of a list
    # with a string in it the width of the longest one.
    try:
        loose = np.asarray(value, dtype=object)
    except Exception as error:  # noqa: BLE001 - lists may hold another library's arrays
        exchange.add(path, f"is not an array of {kind}: {type(error).__name__}: {error}")
        return None
    flat = loose.ravel().tolist()
    if not {list, tuple}.isdisjoint(map(type, flat)):
        exchange.add(path, f"is not an array of {kind}: its lists differ in length or depth")
        return None
    if flat and loose.ndim != len(kind.shape):
        exchange.add(path, f"has {loose.ndim} dimensions, {kind} has {len(kind.shape)}")
        return None
    array = _plain(flat, kind)
    if array is None:
        before = exchange.count
        where = (path + "".join(f"[{i}]" for i in index) for index in np.ndindex(loose.shape))
        read_one = [read(one, kind.dtype, place, exchange) for one, place in zip(flat, where, strict=True)]
        if exchange.count > before:
            return None
        array = np.array(read_one, dtype=kind.dtype)
    shape = loose.shape
    if not flat:
        # [] is all that JSON has for any array without elements: its inner dimensions are the declared ones.
        inner = kind.shape[len(shape) :]
        exchange.guessed |= any(isinstance(d, str) and d not in exchange.sizes for d in inner)
        shape += tuple(exchange.sizes.get(d, (0, ""))[0] if isinstance(d, str) else d or 0 for d in inner)
    return array.reshape(shape) if check_array(array.reshape(shape), kind, path, exchange, axes=loose.ndim) else None


@lru_cache(maxsize=256)
def _name(dtype: np.dtype[Any]) -> str:
    # NumPy makes the name anew each time, which takes longer than all else that is looked at.
    return dtype.name


def _quickly(value: object, kind: TensorOf) -> np.ndarray[Any, Any] | None:
    """Return the array if *value* is lists of one length at each depth, with ordinary elements: the quick way."""
    if not kind.shape or type(value) is not list:
        return None
    flat: list[Any] = value
    sizes = [len(flat)]
    for _ in kind.shape[1:]:
        lengths = set(map(len, flat)) if set(map(type, flat)) == {list} else set()
        if len(lengths) != 1:
            return None
        sizes += lengths
        flat = list(chain.from_iterable(flat))
    array = _plain(flat, kind) if flat else None
    return None if array is None else array.reshape(sizes)


def _plain(flat: list[Any], kind: TensorOf) -> np.ndarray[Any, Any] | None:
    """Return the array if each element is an ordinary one, within the dtype's range: the quick way."""
    import numpy as np

    dtype = np.dtype(kind.dtype)
    if not set(map(type, flat)) <= _PLAIN[dtype.kind]:
        return None
    if flat and dtype.kind in "iu":
        low, high = INTEGER_RANGES[kind.dtype]
        if min(flat) < low or max(flat) > high:
            return None
    try:
        wide = np.array(flat, dtype=np.float64 if dtype.kind == "f" else dtype)
    except OverflowError:
        return None
    with np.errstate(over="ignore"):
        array = wide.astype(dtype)
    if dtype.kind == "f" and bool((np.isinf(array) & np.isfinite(wide)).any()):
        return None
    return array


def _spell(value: object) -> object:
    if isinstance(value, list):
        return [_spell(one) for one in value]
    return spell(value) if isinstance(value, float) and not math.isfinite(value) else value
