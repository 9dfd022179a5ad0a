"""When a call is tried again, and how long is waited before.

A call is repeated only where that is safe: nothing was answered yet (the connection was refused, or closed before an
answer began), or the service said that it did not take the call (429, 503). A model's methods are pure, so one that ran
unheard may run again. But a call may be why its service ended: one that was lost after it had been sent whole is
repeated once, and that is all. What began to answer, or took too long, is not repeated.

Waits grow twofold and are drawn at random up to that ("full jitter"), so that many clients of one service do not come
back at once; a Retry-After (RFC 9110, section 10.2.3) is the least.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Retries", "retry_after"]

_TURNED_AWAY = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how patiently a call is repeated.

    Attributes:
        most: How many times, besides the first; 0 never repeats.
        first: The longest wait before the first repetition, in seconds; it doubles for each further one.
        longest: The longest wait that this client chooses, in seconds; a service may ask for more.
    """

    most: int = 4
    first: float = 0.1
    longest: float = 5.0

    def turned_away(self, status: int) -> bool:
        """Tell whether a status says that the call was not taken, and may be sent again."""
        return status in _TURNED_AWAY

    def wait(self, repetition: int, asked: float = 0.0) -> float:
        """Return the seconds to wait before a repetition, counted from 0; at least *asked*."""
        bound = min(self.longest, self.first * 2.0**repetition)
        return asked + random.uniform(0, bound)  # noqa: S311 - it spreads clients, it keeps no secret


def retry_after(value: str | None) -> float:
    """Return the seconds that a Retry-After asks for: a number of them, or a date; 0 for anything else."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return max(0.0, (then - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):  # a date, or a zone, that no calendar has
        return 0.0
