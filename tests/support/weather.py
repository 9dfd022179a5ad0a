"""What a network is like from moment to moment, drawn from a profile with a seed: the same seed is the same luck."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.edge.types import Network, Spread

__all__ = ["CALM", "Moment", "moments"]

_RESEND = 0.2
"""Seconds until TCP sends again what was lost, at the least (Linux; RFC 6298 says a second); doubled each time."""
_RESENDS = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """The network as one request meets it.

    Args:
        one_way: Seconds that a message takes in either direction.
        stall: Seconds that the request takes more, because packets of it were lost and sent again.
        rate: Bytes a second in either direction; None: its length does not count.
    """

    one_way: float = 0.0
    stall: float = 0.0
    rate: float | None = None

    @property
    def turn(self) -> float:
        """Seconds until the answer to a message without length is back."""
        return 2 * self.one_way + self.stall

    def to_json(self) -> dict[str, float | None]:
        return {"one_way": self.one_way, "stall": self.stall, "rate": self.rate}


CALM = Moment()
"""No delay at all."""


def moments(network: Network, seed: int) -> Iterator[Moment]:
    """Yield moments of *network* without end; delays are normal and stay positive, as MDInference's simulator has them.

    TCP loses no bytes, only time: each loss costs the time until it sends again.
    """
    luck = Random(seed)  # noqa: S311 - a simulation, repeatable
    while True:
        one_way, stall, wait = _positive(luck, network.one_way), 0.0, 0.0
        for _ in range(_RESENDS):
            if luck.random() >= network.loss:
                break
            wait = 2 * wait or max(_RESEND, 2 * one_way)
            stall += wait
        yield Moment(one_way, stall, network.bytes_per_second)


def _positive(luck: Random, spread: Spread) -> float:
    drawn = luck.gauss(spread.mean, spread.sd)
    while drawn <= 0 < spread.sd:
        drawn = luck.gauss(spread.mean, spread.sd)
    return drawn
