"""A row of a benchmark's table, and how one is measured."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Row", "interleaved", "wall_seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: its value beside its target and its peer's, and the command that measures it again.

    The target is the most that the value may be, or with ``at_least`` the least.
    """

    figure: str
    value: float | None
    unit: str
    target: float
    peer: str
    peer_value: float | None
    runs: int
    how: str
    at_least: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the value is at most the target, or at least it; None when it could not be measured."""
        if self.value is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Return the row as it is written to a file."""
        return {**asdict(self), "holds": self.holds}


def interleaved(one: Callable[[], float], other: Callable[[], float], *, runs: int) -> tuple[float, float]:
    """Measure *one* and *other* in turn, after one run each that does not count; return the two medians."""
    one(), other()
    pairs = [(one(), other()) for _ in range(runs)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def wall_seconds(command: Sequence[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> float:
    """Return how long *command* takes as a whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd=cwd)
    return time.perf_counter() - began
