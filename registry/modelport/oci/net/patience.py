"""Patience: what is tried again, how often, and how long to wait in between.

Only failures that may pass are tried again: broken connections and the answers 408, 429 and 5xx. Waiting times grow
and are drawn at random ("full jitter"), so that many clients do not come back all at once; a registry that says when
to come back (``Retry-After``) is obeyed. All tries of one operation share one deadline; what gets on, however slowly,
is given time anew, so a large blob on a bad line arrives in the end, and one that stands still fails. A registry that
has answered before and is away now, as it is while it restarts, is waited for as long as the deadline allows.
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

_ADVANCE = 64 * 1024
"""So many more bytes are an advance; somebody who sends one byte per try is not getting on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much a client puts up with; all times in seconds.

    Attributes:
        attempts: How often an operation is tried in all, as long as it does not get on; 1 means once, whatever happens.
        first_delay: The longest wait after the first failure; it doubles from one to the next.
        longest_delay: The longest wait of one's own accord.
        deadline: How long after its start, or after its last advance, an operation is still tried again; a longer
            ``Retry-After`` is not waited for. A try that is under way is not cut off.
        connect_timeout: How long opening a connection may take.
        read_timeout: How long a connection may stand still.
        tell_after: How long a server may be silent before that is told.
        slowest: A body that comes more slowly than so many bytes per second, all through *read_timeout*, stands
            still, too.
        hopeless_attempts: ``attempts`` where nobody has ever answered and nobody seems to be there.
        away_attempts: ``attempts`` where a registry that has answered before is away: so many that the deadline is
            what ends them.
    """

    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 30.0
    deadline: float = 120.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    tell_after: float = 10.0
    slowest: float = 100.0
    hopeless_attempts: int = 2
    away_attempts: int = 25

    def attempts_after(self, error: TransientError) -> int:
        """Return how often an operation is tried that failed with *error*."""
        if error.hopeless:
            return min(self.hopeless_attempts, self.attempts)
        return max(self.away_attempts, self.attempts) if error.away and self.attempts > 1 else self.attempts

    def delay(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after failed attempt number *attempt* (from 1) when *asked* to wait that long."""
        if asked is not None:
            return asked + random.uniform(0, min(self.first_delay, asked))  # noqa: S311 - as below
        ceiling = min(self.longest_delay, self.first_delay * 2.0 ** (attempt - 1))
        return random.uniform(0, ceiling)  # noqa: S311 - spreads clients out, keeps no secret


class TransientError(RegistryError):
    """A failure that may pass; what callers see when it did not.

    Args:
        message: What happened, where and why.
        status: The HTTP status of the answer, when there was one.
        hint: The way out.
        retry_after: The seconds after which the registry asked to be tried again.
        hopeless: Whether nobody seems to be there at all.

    Attributes:
        away: Whether somebody who has answered before seems to be away for a while; the transport knows.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        hint: str = "",
        retry_after: float | None = None,
        hopeless: bool = False,
    ) -> None:
        super().__init__(message, status=status, hint=hint)
        self.retry_after = retry_after
        self.hopeless = hopeless
        self.away = False


def persist(action: Callable[[], T], patience: Patience, *, moved: Callable[[], int] | None = None) -> T:
    """Return what *action* returns, repeating it as long as it fails in passing and patience lasts.

    Args:
        action: What is to be done; it may be done twice.
        patience: How often, and for how long.
        moved: Tells how many bytes are done for good, for an action that goes on where it stopped: as long as they
            become more, tries and time are counted anew.
    """
    began, failures, done = time.monotonic(), 0, moved() if moved else 0
    while True:
        try:
            return action()
        except TransientError as error:
            if moved and (now_done := moved()) >= done + _ADVANCE:
                began, failures, done = time.monotonic(), 0, now_done
            failures += 1
            delay = patience.delay(failures, error.retry_after)
            spent = time.monotonic() - began
            if failures >= patience.attempts_after(error) or spent + delay > patience.deadline:
                raise _given_up(error, failures, spent) from error
        time.sleep(delay)


def _given_up(error: TransientError, failures: int, seconds: float) -> TransientError:
    tried = f" (tried {failures} times within {seconds:.0f} s)" if failures > 1 else ""
    return TransientError(
        f"{error.message}{tried}",
        status=error.status,
        hint=error.hint,
        retry_after=error.retry_after,
        hopeless=error.hopeless,
    )
