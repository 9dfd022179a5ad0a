"""The protocol's datatypes, what each can hold of the others, and elements <-> their bytes.

Numbers are little-endian; each element of BYTES is its length, as four bytes, and then itself. NumPy is not needed for
any of it: `struct` is as quick for lists, and a model without tensors does without NumPy.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from modelport.model.scalars import INTEGER_RANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DATATYPES", "OF_DTYPE", "OF_SCALAR", "fits", "from_raw", "itemsize", "numpy_dtype", "to_raw"]

DATATYPES = {
    "BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "UINT8": "B", "UINT16": "H", "UINT32": "I",
    "UINT64": "Q", "FP16": "e", "BF16": "H", "FP32": "f", "FP64": "d", "BYTES": "",
}  # fmt: skip
"""The datatypes with the letters that `struct` has for their elements; BF16 is the upper half of an FP32."""

OF_DTYPE = {
    "bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64",
    **{name: name.upper() for name in INTEGER_RANGES},
}  # fmt: skip
"""The datatype of each dtype that a tensor of a signature may have."""

OF_SCALAR = OF_DTYPE | {"float": "FP32", "double": "FP64", "string": "BYTES", "bytes": "BYTES"}
"""The datatype of each scalar that a field may be."""

_DTYPE = {datatype: dtype for dtype, datatype in OF_DTYPE.items()}
_WHOLE = {"FP16": 2**11, "BF16": 2**8, "FP32": 2**24, "FP64": 2**53}
_NARROWER = {"FP32": ("FP16", "BF16"), "FP64": ("FP16", "BF16", "FP32")}


def fits(given: str, wanted: str) -> bool:
    """Tell whether *wanted* can hold every element that *given* can, exactly."""
    if given == wanted:
        return True
    ranges = INTEGER_RANGES.get(given.lower())
    if ranges is None:
        return given in _NARROWER.get(wanted, ())
    most = _WHOLE.get(wanted)
    low, high = INTEGER_RANGES.get(wanted.lower(), (0, -1)) if most is None else (-most, most)
    return bool(low <= ranges[0] and ranges[1] <= high)


def itemsize(datatype: str) -> int:
    """Return how many bytes an element has; BYTES has no one size."""
    return struct.calcsize(f"<{DATATYPES[datatype]}")


def numpy_dtype(datatype: str) -> str:
    """Return the NumPy dtype whose elements lie as those of *datatype* do; BF16 has none."""
    return f"<{DATATYPES[datatype]}" if datatype != "BOOL" else "u1"  # any byte but 0 is true


def from_raw(raw: bytes | memoryview, datatype: str) -> list[Any]:
    """Return the elements in *raw*.

    Raises:
        ValueError: The bytes end inside an element; the message says so.
    """
    if datatype == "BYTES":
        return _texts(raw)
    size = itemsize(datatype)
    if len(raw) % size:
        raise ValueError(f"has {len(raw)} bytes of data, not whole elements of {size} bytes")
    found = struct.unpack(f"<{len(raw) // size}{DATATYPES[datatype]}", raw)
    if datatype == "BF16":
        return list(struct.unpack(f"<{len(found)}f", struct.pack(f"<{len(found)}I", *(one << 16 for one in found))))
    return list(found)


def to_raw(elements: Sequence[Any], datatype: str) -> bytes:
    """Return the bytes of *elements*, which are such as *datatype* can hold; those of BYTES are bytes."""
    if datatype == "BYTES":
        return b"".join(part for one in elements for part in (struct.pack("<I", len(one)), one))
    return struct.pack(f"<{len(elements)}{DATATYPES[datatype]}", *elements)


def _texts(raw: bytes | memoryview) -> list[bytes]:
    found: list[bytes] = []
    place = 0
    while place < len(raw):
        start = place + 4
        if start > len(raw):
            raise ValueError(f"has {len(raw)} bytes of data, which end inside the length of element {len(found)}")
        (length,) = struct.unpack_from("<I", raw, place)
        place = start + length
        if place > len(raw):
            raise ValueError(f"has {len(raw)} bytes of data, element {len(found)} would end at byte {place}")
        found.append(bytes(raw[start:place]))
    return found
