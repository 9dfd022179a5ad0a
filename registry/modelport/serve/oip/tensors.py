"""A tensor as a caller sent it: looked over before anything is made of it, then taken apart into elements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from modelport.model.scalars import INTEGER_RANGES, json_kind
from modelport.serve.oip.datatypes import DATATYPES, fits, from_raw, itemsize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.model.exchange import Exchange

__all__ = ["Given", "elements_of", "flattened", "looked_over"]

_MOST_ELEMENTS = 2**31
_MOST_DIMENSIONS = 32
_RAW_ONLY = {"FP16", "BF16"}


@dataclass(frozen=True, slots=True)
class Given:
    """An input tensor of a request.

    Attributes:
        name: The input's name.
        datatype: One of ``DATATYPES``, if the caller made no mistake.
        shape: The size of each dimension.
        data: Its elements, flat or nested; or their bytes.
        raw: Whether *data* is bytes.
        parameters: What else the caller says of it.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any
    raw: bool
    parameters: Mapping[str, Any] = field(default_factory=dict)


def looked_over(given: Given, wanted: str, exchange: Exchange) -> bool:
    """Tell whether the datatype is or goes into *wanted*, and the shape is one that the data may have."""
    before, path = exchange.count, given.name
    if given.datatype not in DATATYPES:
        exchange.add(path, f"has the datatype {given.datatype[:40]!r}, which is none of {', '.join(DATATYPES)}")
    elif not fits(given.datatype, wanted):
        exchange.add(path, f"is {given.datatype}, not {wanted}")
    elif given.datatype in _RAW_ONLY and not given.raw:
        way = "as bytes: binary_data in REST, raw_input_contents in gRPC"
        exchange.add(path, f"is {given.datatype}, which only travels {way}")
    if len(given.shape) > _MOST_DIMENSIONS:
        exchange.add(path, f"has {len(given.shape)} dimensions; there are at most {_MOST_DIMENSIONS}")
    elif any(size < 0 for size in given.shape):
        exchange.add(path, f"has a negative size in its shape {list(given.shape)}")
    elif math.prod(max(size, 1) for size in given.shape) > _MOST_ELEMENTS:
        exchange.add(path, f"has a shape for more than {_MOST_ELEMENTS} elements: {list(given.shape)}")
    if exchange.count > before:
        return False
    return _has_size(given, exchange) if given.raw and given.datatype != "BYTES" else True


def elements_of(given: Given, wanted: str, exchange: Exchange) -> list[Any] | None:
    """Return the elements of a tensor that was looked over, flat, or note what is wrong with its data.

    Those that do not come as bytes are looked at only where the datatype is another than *wanted*: who reads them as
    what is wanted sees the rest.
    """
    count = math.prod(given.shape)
    try:
        found = from_raw(given.data, given.datatype) if given.raw else flattened(given.data, given.shape)
    except ValueError as error:
        exchange.add(given.name, str(error))
        return None
    if len(found) != count:
        exchange.add(given.name, f"has {len(found)} elements, its shape {list(given.shape)} says {count}")
        return None
    return found if given.raw or given.datatype == wanted or _are_whole(found, given, exchange) else None


def flattened(data: Sequence[Any], shape: Sequence[int]) -> list[Any]:
    """Return the elements of *data*, which is flat, or nested as *shape* says.

    Raises:
        ValueError: It is nested in another way.
    """
    flat, lengths = list(data), [len(data)]
    while list in (kinds := set(map(type, flat))):
        sizes = set(map(len, flat)) if kinds == {list} else set()
        if len(sizes) != 1:
            raise ValueError("has lists that differ in length or depth")
        lengths += sizes
        flat = list(chain.from_iterable(flat))
    if len(lengths) > 1 and lengths != list(shape):
        raise ValueError(f"has data nested as {lengths}, its shape is {list(shape)}")
    return flat


def _are_whole(elements: list[Any], given: Given, exchange: Exchange) -> bool:
    """Tell whether an integer datatype holds the *elements*; 3.0 is the integer 3, as in JSON anywhere."""
    limits = INTEGER_RANGES.get(given.datatype.lower())
    if limits is None or not elements:
        return True
    low, high = limits
    if set(map(type, elements)) == {int} and low <= min(elements) and max(elements) <= high:
        return True
    before = exchange.count
    for i, one in enumerate(elements):
        whole = type(one) is int or (type(one) is float and one.is_integer())
        if not whole or not low <= one <= high:
            said = repr(one)[:40] if type(one) in {int, float} else json_kind(one)
            wanted = f"a whole number from {low} to {high} ({given.datatype})"
            exchange.add(f"{given.name}[{i}]", f"is {said}, not {wanted}")
    return exchange.count == before


def _has_size(given: Given, exchange: Exchange) -> bool:
    size = itemsize(given.datatype) * math.prod(given.shape)
    if len(given.data) == size:
        return True
    said = f"has {len(given.data)} bytes of data, {given.datatype} of shape {list(given.shape)} has {size}"
    exchange.add(given.name, said)
    return False
