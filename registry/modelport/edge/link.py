"""The way to the edge server as a device estimates it from its own calls and probes: delay, bandwidth, loss.

A probe is a request without content: what it takes is the time there and back. A call of a few kilobytes takes that and
the server's inference; what a larger one takes beyond both is its bytes' own time. All of it is forgotten little by
little, and a bandwidth that nobody has seen for a while altogether: a way that was once slow must be tried again.
"""

from __future__ import annotations

import time
from threading import Lock

from modelport.edge.types import Network, Spread

__all__ = ["Link"]

_MEMORY = 8
_LARGE = 8 * 1024
"""Bytes from which on a message's length shows in its time."""
_STALE = 60.0
"""Seconds after which a bandwidth that was not seen again is forgotten."""
_SHARE = 0.3
"""How much the newest observation counts for in the bandwidth and the loss."""
_LEAST = 1e-4
"""Seconds below which a difference of times says nothing."""
_NEGLIGIBLE = 0.02
"""A loss below which nothing was lost lately."""


class Link:
    """The estimate; safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._turn = Spread()
        self._rate: float | None = None
        self._rated = 0.0
        self._loss = 0.0

    @property
    def network(self) -> Network:
        """The network as it is estimated now; not reachable before anything was seen of it."""
        with self._lock:
            turn, fresh = self._turn, time.monotonic() - self._rated < _STALE
            return Network(
                one_way=Spread(turn.mean / 2, turn.sd / 2, turn.n),
                bytes_per_second=self._rate if fresh else None,
                loss=self._loss if self._loss >= _NEGLIGIBLE else 0.0,
                reachable=turn.known,
            )

    def probed(self, seconds: float) -> None:
        """Note what a request without content took, there and back."""
        with self._lock:
            self._turn = self._turn.plus(seconds, memory=_MEMORY)
            self._loss *= 1 - _SHARE

    def called(self, seconds: float, moved: int, infer: float) -> float:
        """Note a call that took *seconds*, of which *infer* are the server's; return those of the transfer."""
        transfer = max(_LEAST, seconds - infer)
        with self._lock:
            self._loss *= 1 - _SHARE
            if moved < _LARGE:
                self._turn = self._turn.plus(transfer, memory=_MEMORY)
            elif self._turn.known:
                rate = moved / max(_LEAST, transfer - self._turn.mean)
                fresh = self._rate is not None and time.monotonic() - self._rated < _STALE
                self._rate = self._rate + _SHARE * (rate - self._rate) if fresh and self._rate else rate
                self._rated = time.monotonic()
        return transfer

    def failed(self) -> None:
        """Note that an answer did not come."""
        with self._lock:
            self._loss += _SHARE * (1 - self._loss)

    def returned(self) -> None:
        """Note that the network is another one than before, or back: what was known of it counts little."""
        with self._lock:
            self._turn, self._rate = Spread(), None
