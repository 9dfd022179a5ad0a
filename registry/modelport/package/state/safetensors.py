"""Files of tensors in the safetensors format: a length, a JSON header, and the tensors' bytes one after the other.

Source: github.com/huggingface/safetensors, README, section Format. The reader takes less than others do: a key that is
there twice, half a character, blanks before the header, a hole, an overlap, bytes that belong to nobody, and a shape
that no array has are refused, since readers disagree about them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport import strict_json
from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SIZES", "TensorBytes", "read_tensors", "write_tensors"]

SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "I32": 4, "I64": 8, "F16": 2, "BF16": 2, "F32": 4, "F64": 8,
}  # fmt: skip
"""Bytes of one number, by the format's name of its type."""

_LENGTH = 8
_LONGEST_HEADER = 100_000_000  # the format's own limit
_MOST_DIMENSIONS = 64  # as in NumPy
_LARGEST = 2**63 - 1  # bytes of an array; NumPy counts a dimension of 0 as 1 there
_ABOUT = "__metadata__"


@dataclass(frozen=True, slots=True)
class TensorBytes:
    """A tensor as it lies in a file: its type, its shape, and its numbers in C order, little-endian."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | memoryview


def write_tensors(file: Path, tensors: Mapping[str, TensorBytes], about: Mapping[str, str]) -> None:
    """Write *tensors* by size of their numbers, then by name, so that all lie aligned and the same give the same."""
    header: dict[str, Any] = {_ABOUT: dict(sorted(about.items()))}
    ordered = sorted(tensors.items(), key=lambda one: (-SIZES[one[1].dtype], one[0]))
    start = 0
    for name, one in ordered:
        end = start + len(one.data)
        header[name] = {"dtype": one.dtype, "shape": list(one.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(_LENGTH, "little") + text)
        for _, one in ordered:
            stream.write(one.data)


def read_tensors(file: Path) -> tuple[dict[str, TensorBytes], dict[str, str]]:
    """Return the tensors of *file*, and what it says about itself.

    Raises:
        FormatError: It is no such file, or says anything twice or not at all.
    """
    content = file.read_bytes()
    length = int.from_bytes(content[:_LENGTH], "little")
    try:
        if length > min(_LONGEST_HEADER, len(content) - _LENGTH):
            raise ValueError("its header is longer than the file")  # noqa: TRY301 - one message for all that is wrong
        if content[_LENGTH : _LENGTH + 1] != b"{":
            raise ValueError("its header does not begin with a brace")  # noqa: TRY301 - as above
        header = strict_json.loads(content[_LENGTH : _LENGTH + length].decode())
        about = header.pop(_ABOUT, {})
        if not all(isinstance(one, str) for one in about.values()):
            raise ValueError("what it says about itself is no text")  # noqa: TRY301 - as above
        "".join([*header, *about, *about.values()]).encode()  # half a character has no form in UTF-8
        tensors = _tensors(header, memoryview(content)[_LENGTH + length :])
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise FormatError(f"{file} is not a safetensors file: {error}") from error
    return tensors, about


def _tensors(header: Mapping[str, Any], data: memoryview) -> dict[str, TensorBytes]:
    found: dict[str, TensorBytes] = {}
    end = 0
    for name, said in sorted(header.items(), key=lambda one: one[1]["data_offsets"]):
        dtype, shape, (start, stop) = said["dtype"], said["shape"], said["data_offsets"]
        if len(said) != 3 or dtype not in SIZES:  # noqa: PLR2004 - the three above
            raise ValueError(f"tensor {name!r} is of a type that nobody knows")
        if any(type(one) is not int or one < 0 for one in [*shape, start, stop]):
            raise ValueError(f"tensor {name!r} has a shape that is none")
        if len(shape) > _MOST_DIMENSIONS or SIZES[dtype] * math.prod(one or 1 for one in shape) > _LARGEST:
            raise ValueError(f"tensor {name!r} has a shape that is none")
        if start != end or stop - start != SIZES[dtype] * math.prod(shape):
            raise ValueError(f"tensor {name!r} does not lie where the one before it ends, or not whole")
        found[name], end = TensorBytes(dtype, tuple(shape), data[start:stop]), stop
    if end != len(data):
        raise ValueError("there are bytes in it that belong to no tensor")
    return found
