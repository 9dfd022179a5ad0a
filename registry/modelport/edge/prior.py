"""What a time that was said before counts for beside those that are seen in use: one law for devices and servers.

Said is what a laboratory measured, what a plan tells, or what was worked out from another device's anchors: of a bare
file perhaps, of other rows, on another machine. How often it was measured there says nothing of how well it holds here,
so that it counts for few observations, however many made it. A device goes on from it call by call
(`modelport.edge.learning`), a server joins with it what devices told; both come to the same figure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from modelport.edge.types import Spread

__all__ = ["corrected", "prior"]

_MEASURED: Final = 3
_ESTIMATED: Final = 1


def prior(said: Spread, *, estimated: bool = False) -> Spread:
    """Return what was said as what it is worth beside what is seen.

    Args:
        said: A time that was measured somewhere, or worked out.
        estimated: Whether it was worked out from another device's.
    """
    return replace(said, n=min(said.n, _ESTIMATED if estimated else _MEASURED))


def corrected(said: Spread, seen: Spread, *, estimated: bool = False) -> Spread:
    """Return what is known of a time: what was said, corrected by all that was seen; itself where nothing was.

    Args:
        said: A time that was measured somewhere, or worked out.
        seen: Those observed in use, of the same variant at the same place.
        estimated: Whether *said* was worked out from another device's.
    """
    return prior(said, estimated=estimated).joined(seen) if seen.n and seen.known else said
