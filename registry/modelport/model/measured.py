"""What is known of a model besides its functions: calls with their right answers, and figures measured on data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from modelport.errors import InputError

__all__ = ["Evaluation", "Example"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call and its right answer, both in JSON form; numbers may differ by *tolerance* (absolute).

    A stream, of what is taken or given, is ``{"stream": [...]}`` with its messages.
    """

    method: str
    input: dict[str, Any]
    output: dict[str, Any]
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How well a model does on data, as one figure.

    Attributes:
        data: The data set.
        split: Which part of it, and how it was chosen.
        n: The number of samples.
        metric: What the figure is, for instance ``accuracy``.
        value: The figure.
        interval: Its 95 % confidence interval, when one was computed.
        tolerance: By how much (absolute) a rebuild on another machine may differ.
        measured_by: ``publisher`` or ``ci``.
    """

    data: str
    split: str
    n: int
    metric: str
    value: float
    interval: tuple[float, float] | None = None
    tolerance: float = 0.0
    measured_by: str = "publisher"

    @classmethod
    def accuracy(cls, *, correct: int, n: int, data: str, split: str, tolerance: float = 0.0) -> Evaluation:
        """Return the share of *correct* answers among *n*, with its 95 % Wilson score interval (Wilson 1927).

        Raises:
            InputError: *correct* of *n* is no share.
        """
        if not 0 <= correct <= n or not n:
            raise InputError(
                f"accuracy on {data}: {correct} correct answers of {n} are no share",
                hint="correct is how many of the n answers are right: 0 to n, and n is 1 or more",
            )
        z, share = 1.959964, correct / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        interval = round(middle - half, 4), round(middle + half, 4)
        return cls(data=data, split=split, n=n, metric="accuracy", value=share, interval=interval, tolerance=tolerance)

    def to_json(self) -> dict[str, Any]:
        """Return the form kept in packages and entries."""
        document: dict[str, Any] = {
            "data": self.data, "split": self.split, "n": self.n, "metric": self.metric, "value": self.value,
            "measured_by": self.measured_by, "tolerance": self.tolerance,
        }  # fmt: skip
        return document | ({"interval": list(self.interval)} if self.interval else {})
