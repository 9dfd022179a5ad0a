"""Offsets at which something is to go wrong in so many bytes."""

from __future__ import annotations

from tests.support.counts import THOROUGH

COUNT = 20
"""How many offsets are tried of each kind."""


def offsets(size: int, *, sample: int = COUNT) -> list[int]:
    """Return 20 offsets from 0 to *size*, among them the first and the last bytes and where pieces of 64 KiB meet.

    ``make test`` takes *sample* of them, evenly.
    """
    edges = {0, 1, 4095, 4096, 65535, 65536, size - 1, size}
    inner = COUNT - len(edges)
    found = sorted(edges | {(n + 1) * size // (inner + 1) for n in range(inner)})
    assert len(found) == COUNT
    return found if THOROUGH else found[:: max(1, COUNT // sample)][:sample]
