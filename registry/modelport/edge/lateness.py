"""How much later than it meant to this process does what it does: threads wait for a core, and for each other.

What must be done by a time begins earlier by that much. The interpreter alone lets a thread wait for its switch
interval, 5 ms; a busy machine for much longer, which is learned.
"""

from __future__ import annotations

import sys
from collections import deque
from statistics import fmean, pstdev
from threading import Lock

__all__ = ["Lateness"]

_MEMORY = 32


class Lateness:
    """The estimate; safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: deque[float] = deque(maxlen=_MEMORY)

    def note(self, seconds: float) -> None:
        """Note by how much something came later than it was meant to."""
        with self._lock:
            self._seen.append(max(0.0, seconds))

    def margin(self, steps: int, gamma: float) -> float:
        """Return by how many seconds to begin earlier.

        Args:
            steps: How often a thread must be waited for.
            gamma: How many standard deviations above the mean are to be reckoned with.
        """
        with self._lock:
            seen = list(self._seen)
        floor = steps * sys.getswitchinterval()
        return max(floor, fmean(seen) + gamma * pstdev(seen)) if seen else floor
