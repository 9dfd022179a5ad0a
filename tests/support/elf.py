"""A small reader of ELF files (elf(5)), 64-bit and little-endian: the machine, and what the dynamic linker is told."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_DYNAMIC, _LOAD = 2, 1
_NEEDED, _STRINGS, _RPATH, _RUNPATH = 1, 5, 15, 29


@dataclass(frozen=True, slots=True)
class Elf:
    """What an ELF file says of itself: ``e_machine``, DT_NEEDED, and DT_RPATH or DT_RUNPATH."""

    machine: int
    needed: tuple[str, ...]
    runpath: tuple[str, ...]


def read_elf(raw: bytes) -> Elf | None:
    """Return what *raw* says, or None where it is no such file."""
    if raw[:6] != b"\x7fELF\x02\x01":
        return None
    (machine,) = struct.unpack_from("<H", raw, 18)
    (start,) = struct.unpack_from("<Q", raw, 32)
    size, count = struct.unpack_from("<HH", raw, 54)
    segments = [struct.unpack_from("<IIQQQQ", raw, start + n * size) for n in range(count)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in segments if kind == _LOAD]
    entries = [
        entry for kind, _, offset, _, _, length in segments if kind == _DYNAMIC for entry in _pairs(raw, offset, length)
    ]
    strings = next((_offset(value, loads) for tag, value in entries if tag == _STRINGS), 0)

    def text(at: int) -> str:
        return raw[strings + at : raw.index(b"\0", strings + at)].decode()

    paths = [part for tag, value in entries if tag in {_RPATH, _RUNPATH} for part in text(value).split(":")]
    return Elf(machine, tuple(text(value) for tag, value in entries if tag == _NEEDED), tuple(paths))


def _pairs(raw: bytes, offset: int, length: int) -> list[tuple[int, int]]:
    return [struct.unpack_from("<QQ", raw, at) for at in range(offset, offset + length, 16)]


def _offset(address: int, loads: list[tuple[int, int, int]]) -> int:
    return next(offset + address - start for start, offset, length in loads if start <= address < start + length)
