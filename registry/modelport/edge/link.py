"""The way to the edge server as a device estimates it from its own calls and probes: delay, bandwidth, loss.

A probe is a request without content: what it takes is the time there and back. A call of a few kilobytes takes that and
the server's inference; what a larger one takes beyond both is its bytes' own time. An answer that is overdue says at
once that the way takes at least so long; what it took in the end takes that observation's place.

The delay is the mean of the last observations. One far below it is a surprise, which should be looked at again soon;
three in a row are another network, and the estimate begins anew with them. One far above it is a surprise, too, and
doubtful: it may have waited while the network was dead, and is dropped when a quick one follows. A bandwidth that
nobody has seen for a while is forgotten: a way that was once narrow must be tried again.
"""

from __future__ import annotations

import time
from collections import deque
from math import sqrt
from threading import Lock

from modelport.edge.types import Network, Spread

__all__ = ["Link", "Turn"]

_MEMORY = 16
"""Observations that the delay is estimated from."""
_ENOUGH = 3
"""Observations in a row that make a network another one, when there have been twice as many before."""
_FAR = 0.5
"""The part of the mean below which an observation is a surprise."""
_DOUBTFUL = 3.0
"""Times the mean above which an observation may be that of a dead network, and times a later one beside which it is."""
_LARGE = 8 * 1024
"""Bytes from which on a message's length shows in its time."""
_STALE = 60.0
"""Seconds after which a bandwidth that was not seen again is forgotten."""
_LAPSE = 1.0
"""Seconds of absence after which a server's network may be another one."""
_SHARE = 0.3
"""How much the newest observation counts for in the bandwidth and the loss."""
_LEAST = 1e-4
"""Seconds below which a difference of times says nothing."""
_NEGLIGIBLE = 0.02
"""A loss below which nothing was lost lately."""


class Turn:
    """An observation of the time there and back; one of an answer that is overdue becomes what it took in the end."""

    __slots__ = ("is_doubtful", "seconds")

    def __init__(self, seconds: float, *, is_doubtful: bool = False) -> None:
        self.seconds, self.is_doubtful = seconds, is_doubtful


class Link:
    """The estimate; safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._turns: deque[Turn] = deque(maxlen=_MEMORY)
        self._rate: float | None = None
        self._rated = self._seen = 0.0
        self._loss = 0.0

    @property
    def network(self) -> Network:
        """The network as it is estimated now; not reachable before anything was seen of it."""
        with self._lock:
            turn = _spread(self._turns)
            return Network(
                one_way=Spread(turn.mean / 2, turn.sd / 2, turn.n),
                bytes_per_second=self._rate if self._fresh() else None,
                loss=self._loss if self._loss >= _NEGLIGIBLE else 0.0,
                reachable=turn.known,
            )

    @property
    def is_surprised(self) -> bool:
        """Whether the newest observation lies far from those before: another one would tell what to think of it."""
        with self._lock:
            turns = list(self._turns)
        if len(turns) <= 2 * _ENOUGH:
            return False
        return turns[-1].is_doubtful or turns[-1].seconds < _FAR * _spread(turns[:-1]).mean

    def probed(self, seconds: float) -> None:
        """Note what a request without content took, there and back."""
        with self._lock:
            self._answered()
            self._add(Turn(seconds))

    def called(self, seconds: float, moved: int, infer: float, overdue: Turn | None = None) -> float:
        """Note a call that took *seconds*, of which *infer* are the server's; return those of the transfer.

        Args:
            seconds: All of its time.
            moved: The bytes of its messages.
            infer: The server's part.
            overdue: What `late` gave for it.
        """
        transfer = max(_LEAST, seconds - infer)
        with self._lock:
            self._answered()
            if overdue is not None:
                overdue.seconds = transfer
            elif moved < _LARGE:
                self._add(Turn(transfer))
            if moved >= _LARGE and self._turns:
                self._rate_seen(moved / max(_LEAST, transfer - _spread(self._turns).mean))
        return transfer

    def late(self, seconds: float, moved: int, infer: float) -> Turn | None:
        """Note that a call has gone on for *seconds*, with no answer yet; return what `called` is given in the end.

        That of a large message says nothing of the delay, and of the bandwidth that it is less.
        """
        least = max(_LEAST, seconds - infer)
        with self._lock:
            turn = _spread(self._turns)
            if moved >= _LARGE:
                rate = moved / max(_LEAST, least - turn.mean) if turn.known else None
                if rate is not None and (not self._fresh() or self._rate is None or rate < self._rate):
                    self._rate, self._rated = rate, time.monotonic()
                return None
            if turn.known and least <= turn.mean:
                return None
            return self._add(Turn(least, is_doubtful=True))

    def failed(self) -> None:
        """Note that an answer did not come."""
        with self._lock:
            self._loss += _SHARE * (1 - self._loss)

    def returned(self) -> None:
        """Note that the server is back: after a while without an answer, what was known of the network is old."""
        with self._lock:
            if time.monotonic() - self._seen > _LAPSE:
                self._turns.clear()
                self._rate = None

    def _answered(self) -> None:
        self._seen = time.monotonic()
        self._loss *= 1 - _SHARE

    def _fresh(self) -> bool:
        return time.monotonic() - self._rated < _STALE

    def _rate_seen(self, rate: float) -> None:
        known = self._rate if self._fresh() else None
        self._rate = rate if known is None else known + _SHARE * (rate - known)
        self._rated = time.monotonic()

    def _add(self, turn: Turn) -> Turn:
        """Add an observation; begin anew where the last ones are those of another network."""
        self._turns = deque((one for one in self._turns if not _was_dead(one, turn)), _MEMORY)
        turn.is_doubtful |= bool(self._turns) and turn.seconds > _DOUBTFUL * _spread(self._turns).mean
        self._turns.append(turn)
        newest, before = list(self._turns)[-_ENOUGH:], list(self._turns)[:-_ENOUGH]
        if len(before) >= 2 * _ENOUGH and max(one.seconds for one in newest) < _FAR * _spread(before).mean:
            self._turns = deque(newest, _MEMORY)
            self._rate = None  # nobody knows how wide the nearer network is
        return turn


def _was_dead(one: Turn, later: Turn) -> bool:
    return one.is_doubtful and one.seconds > _DOUBTFUL * later.seconds


def _spread(turns: deque[Turn] | list[Turn]) -> Spread:
    n = len(turns)
    if not n:
        return Spread()
    mean = sum(one.seconds for one in turns) / n
    squares = sum((one.seconds - mean) ** 2 for one in turns)
    return Spread(mean, sqrt(squares / (n - 1)) if n > 1 else 0.0, n)
