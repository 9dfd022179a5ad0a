"""A data set as bytes: one protobuf message that can also be read call by call.

::

    message Data { repeated Call calls = 1; }
    message Call { Input input = 1; Output expected = 2; }

``Input`` and ``Output`` are the messages of the data set's method in ``model.proto``; of ``expected`` only the field
that is compared is there. A repeated field is a key, a length and the bytes of each, so calls follow each other without
a frame around them: any protobuf library reads the whole, and who has little memory reads one call after the other.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from modelport.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["framed_call", "read_calls"]

_FIRST, _SECOND = b"\x0a", b"\x12"  # the keys of fields 1 and 2 with a length
_MORE = 0x80
_LONGEST = 5  # bytes of a length that anything here may have


def framed_call(taken: bytes, expected: bytes | None) -> bytes:
    """Return one of the calls in a data set: an input message, and what is right for a field of its answer."""
    call = _part(_FIRST, taken) + (b"" if expected is None else _part(_SECOND, expected))
    return _part(_FIRST, call)


def read_calls(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the input message and what is expected for each call in the *size* bytes of *stream*.

    Raises:
        FormatError: It is no data set.
    """
    left = size
    while left:
        call, used = _read(stream, _FIRST, left)
        left -= used
        inner = BytesIO(call)
        taken, used = _read(inner, _FIRST, len(call))
        rest = len(call) - used
        expected, used = _read(inner, _SECOND, rest) if rest else (None, 0)
        if used != rest:
            raise FormatError("a call holds more than an input and what is expected")
        yield taken, expected


def _part(key: bytes, content: bytes) -> bytes:
    from modelport.model.packed import varint  # here, for protobuf takes time to import

    return key + varint(len(content)) + content


def _read(stream: BinaryIO, key: bytes, left: int) -> tuple[bytes, int]:
    """Return the content of the part that begins here, and how many of the bytes that are *left* it takes."""
    length, head = 0, stream.read(1)
    if head != key:
        raise FormatError(f"a part begins with {head!r}, not with {key!r}")
    for place in range(_LONGEST):
        byte = stream.read(1)
        if not byte:
            break
        length |= (byte[0] & (_MORE - 1)) << 7 * place
        if byte[0] < _MORE:
            used = 2 + place + length
            content = stream.read(length) if used <= left else b""
            if len(content) == length and used <= left:
                return content, used
            break
    raise FormatError("it ends within a call, or says more than it holds")
