"""A device and its edge server in network namespaces: what a journey through the published networks is worth."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.bench.rows import Row
from tests.support.digits import digits
from tests.support.journey import Leg, journey, margin, networks, share, table, travel
from tests.support.namespaces import hindrance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.journey import Record, Travelled

HOW = "make bench ROOM=journey"
_WAYS = ("static-local", "static-remote")


def rows() -> list[Row]:
    """Go through all published networks, one nobody published, and two deaths of the network; print the whole table."""
    if why := hindrance():
        sys.stderr.write(f"journey: {why}\n")
        return [_row("a journey's effective accuracy", None, 0.0, peer=("oracle", None), runs=0)]
    with TemporaryDirectory() as folder:  # a short path, for the relay's socket
        place = Path(folder)
        with journey(digits(place / "digits"), place) as device:
            found = travel(device, _legs(), seed=0, pause=0.12)
    sys.stdout.write(table(found))
    return _rows(found)


def _legs() -> list[Leg]:
    known = networks()
    campus, home, lte = known["campus"], known["home"], known["lte"]
    return [
        Leg("campus", campus, 100), Leg("home", home, 80), Leg("cut", campus, 10, "cut"), Leg("campus", campus, 60),
        Leg("silent", home, 5, "silent"), Leg("home", home, 60), Leg("lte", lte, 30), Leg("campus", campus, 100),
        Leg("poor campus", known["poor"], 50),
    ]  # fmt: skip


def _rows(found: Travelled) -> list[Row]:
    ways = found.records
    runtime, n = ways["runtime"], len(found.steps)
    best = max(_WAYS, key=lambda way: share(ways[way]))
    lost = sum(not one.place for one in runtime)
    luck = margin(runtime, ways[best])
    best_share, in_time = share(ways[best]), _in_time(ways["static-remote"])
    return [
        _row(
            f"a journey's effective accuracy, 250 ms; luck is worth {100 * luck:.1f} points",
            share(runtime),
            best_share - luck,
            peer=(best, best_share),
            runs=n,
        ),
        _row("the same, of the oracle's", share(runtime) / share(ways["oracle"]), 0.9, peer=("oracle", 1.0), runs=n),
        _row("a journey's requests in time", _in_time(runtime), 0.98, peer=("static-remote", in_time), runs=n),
        _row("a journey's requests answered", 1 - lost / n, 1.0, peer=("all", 1.0), runs=n),
    ]


def _in_time(records: Sequence[Record]) -> float:
    return sum(one.in_time for one in records) / len(records)


def _row(figure: str, value: float | None, target: float, *, peer: tuple[str, float | None], runs: int) -> Row:
    name, peer_value = peer
    return Row(
        figure=figure,
        value=None if value is None else 100 * value,
        unit="%",
        target=100 * target,
        peer=name,
        peer_value=None if peer_value is None else 100 * peer_value,
        runs=runs,
        how=HOW,
        at_least=True,
    )
