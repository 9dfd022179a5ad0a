"""Examples that are pictures, as PNG files (PNG specification, third edition)."""

from __future__ import annotations

import base64
import struct
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["pictures", "png"]

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_COUNT = 8
_SIDE = range(4, 1025)
_COLOURS = {1: 0, 3: 2, 4: 6}  # channels -> colour type: grey, RGB, RGBA


def pictures(field: Mapping[str, Any], value: Any) -> list[tuple[bytes, int, int]]:  # noqa: ANN401 - a JSON value
    """Return ``(file, width, height)`` for each picture in a field's example; none when it holds no pictures.

    A picture is a uint8 tensor of height x width, or height x width x 1, 3 or 4 channels; one more dimension in front
    counts pictures, of which the first eight are taken. Bytes that are said to be PNG files are pictures, too.
    """
    kind = field["type"].get("optional") or field["type"]
    inner = kind.get("list") or kind
    if inner.get("scalar") == "bytes" and "image/png" in field.get("media_types", ()):
        files = value if isinstance(value, list) else [value]
        return [found for one in files[:_COUNT] if (found := _bare_png(one))]
    if kind.get("tensor", {}).get("dtype") != "uint8":
        return []
    rank = len(kind["tensor"]["shape"])
    last: Any = kind["tensor"]["shape"][-1] if rank else None
    # A last dimension of 1, 3 or 4 is channels; no picture is that narrow.
    coloured = last in _COLOURS
    stack = value if rank == 3 + coloured else [value] if rank == 2 + coloured else []
    if not isinstance(stack, list):
        return []
    return [made for one in stack[:_COUNT] if (made := _picture(one, last if coloured else 0))]


def png(rows: list[bytes], width: int, *, channels: int = 1) -> bytes:
    """Return a PNG file with 8 bits a sample. Its bytes do not depend on the zlib that is installed."""
    head = struct.pack(">IIBBBBB", width, len(rows), 8, _COLOURS[channels], 0, 0, 0)
    # Level 0 stores: small pictures stay small, and every zlib writes the same.
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 0)
    return _PNG + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bare_png(text: Any) -> tuple[bytes, int, int] | None:  # noqa: ANN401 - a JSON value
    """Return a PNG file of an example with no more than its pixels; None when it is none, is damaged or is large.

    A publisher wrote it: what else it may hold does not become a file of the site.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        return None
    place, kept, size = 8, [], (0, 0)
    while data.startswith(_PNG) and place + 12 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, place), data[place + 4 : place + 8]
        content = data[place + 8 : place + 8 + length]
        made = _chunk(kind, content)
        if data[place : place + 12 + length] != made:
            return None
        if kind == b"IHDR" and length == 13:  # noqa: PLR2004 - its size by the specification
            size = struct.unpack_from(">II", content)
        if kind in _PIXELS:
            kept.append(made)
        if kind == b"IEND":
            return (_PNG + b"".join(kept), *size) if size[0] in _SIDE and size[1] in _SIDE else None
        place += 12 + length
    return None


def _picture(image: Any, channels: int) -> tuple[bytes, int, int] | None:  # noqa: ANN401 - a JSON value
    try:
        rows = [bytes(chain.from_iterable(row) if channels else row) for row in image]
    except (TypeError, ValueError):  # an example that does not fit its signature is shown as text only
        return None
    channels = channels or 1
    width = len(rows[0]) // channels if rows else 0
    if len(rows) not in _SIDE or width not in _SIDE or {len(row) for row in rows} != {width * channels}:
        return None
    return png(rows, width, channels=channels), width, len(rows)
