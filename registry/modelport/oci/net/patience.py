"""Patience: what is tried again, how often, and how long to wait in between.

Only failures that may pass are tried again: broken connections and the answers 408, 429 and 5xx. Waiting times grow
and are drawn at random ("full jitter"), so that many clients do not come back all at once; a registry that says when
to come back (``Retry-After``) is obeyed.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from modelport.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patience", "TransientError", "persist"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much a client puts up with; all times in seconds."""

    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 30.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0

    def delay(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after failed attempt number *attempt* (from 1) when *asked* to wait that long."""
        if asked is not None:
            return asked
        ceiling = min(self.longest_delay, self.first_delay * 2.0 ** (attempt - 1))
        return random.uniform(0, ceiling)  # noqa: S311 - spreads clients out, keeps no secret


class TransientError(RegistryError):
    """A failure that may pass; what callers see when it did not.

    Args:
        message: What happened, where and why.
        status: The HTTP status of the answer, when there was one.
        hint: The way out.
        retry_after: The seconds after which the registry asked to be tried again.
    """

    def __init__(
        self, message: str, *, status: int | None = None, hint: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status, hint=hint)
        self.retry_after = retry_after


def persist(action: Callable[[], T], patience: Patience) -> T:
    """Return what *action* returns, repeating it as long as it fails in passing and patience lasts.

    Only for actions that may be done twice.
    """
    for attempt in range(1, patience.attempts):
        try:
            return action()
        except TransientError as error:
            if (error.retry_after or 0) > patience.longest_delay:
                raise
            delay = patience.delay(attempt, error.retry_after)
        time.sleep(delay)
    return action()
