"""What the edge room's decisions are worth and what they cost: on published networks, per core, against exact plans."""

from __future__ import annotations

import time
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.rows import Row
from tests.support.mdinference import DEVICE, NETWORKS, SERVER, by_device, by_server, fastest, naive

from modelport.edge.budget import Items, exact, greedy
from modelport.edge.plan import EXACT
from modelport.edge.select import Selector
from modelport.edge.simulate import simulate
from modelport.edge.types import Candidate, Network, Request, Spread, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.edge.simulate import Decide, Outcome

HOW = "make bench ROOM=edge"
REQUESTS = 20_000
TARGETS = {"campus": 71.5, "home": 62.0, "lte": 43.0}
ROUNDS, DECISIONS, VARIANTS = 5, 10_000, 50
INSTANCES = 60


def rows() -> list[Row]:
    """Measure selection on MDInference's published figures, decisions per second, and plans."""
    found = [row for network in NETWORKS for row in _selection(network)]
    return [*found, _cells(), *_decisions(), *_plans()]


def _selection(network: str) -> list[Row]:
    request = Request(deadline=0.25)
    standby = Selector([DEVICE]).standby(request)
    quick, simple, alone = (
        _outcome(network, request, way) for way in (fastest(request), naive(request), by_server(request))
    )
    both = simulate(
        by_server(request), [DEVICE, *SERVER], NETWORKS[network], request, standby=standby, requests=REQUESTS
    )
    own = simulate(
        by_device(request, NETWORKS[network]),
        [DEVICE, *SERVER],
        NETWORKS[network],
        request,
        standby=standby,
        requests=REQUESTS,
    )
    said = f"250 ms, {network}"
    return [
        _row(f"effective accuracy, {said}", both.accuracy, TARGETS[network], "static fastest", quick.accuracy),
        _row(
            f"effective accuracy, {said}, no duplicate", alone.accuracy, 100 * quick.accuracy, "naive", simple.accuracy
        ),
        _row(
            f"effective accuracy, {said}, the device decides",
            own.accuracy,
            100 * quick.accuracy,
            "naive",
            simple.accuracy,
        ),
        _row(f"in time where some variant is, {said}", both.kept, 98.0, "static fastest", quick.in_time),
        _row(f"in time where some variant is, {said}, no duplicate", alone.kept, 98.0, "naive", simple.kept),
    ]


def _outcome(network: str, request: Request, way: Decide) -> Outcome:
    return simulate(way, SERVER, NETWORKS[network], request, requests=REQUESTS)


def _row(figure: str, value: float, target: float, peer: str, peer_value: float) -> Row:
    return Row(
        figure=figure,
        value=100 * value,
        unit="%",
        target=target,
        peer=peer,
        peer_value=100 * peer_value,
        runs=REQUESTS,
        how=HOW,
        at_least=True,
    )


def _cells() -> Row:
    """Count the networks and deadlines where the rule, without a duplicate, is worth at least the fastest model."""
    cells = [(network, deadline) for network in NETWORKS for deadline in (0.1, 0.25, 0.5, 1.0, 2.0)]
    good = 0
    for network, deadline in cells:
        request = Request(deadline=deadline)
        alone, quick = (
            simulate(way(request), SERVER, NETWORKS[network], request, requests=REQUESTS // 10)
            for way in (by_server, fastest)
        )
        good += alone.accuracy >= quick.accuracy
    return Row(
        figure="networks and deadlines where the rule is worth the static fastest",
        value=good,
        unit="cells",
        target=len(cells),
        peer="all",
        peer_value=len(cells),
        runs=REQUESTS // 10,
        how=HOW,
        at_least=True,
    )


def _decisions() -> list[Row]:
    luck = Random(0)  # noqa: S311 - a measurement, repeatable
    selector = Selector([c for number in range(VARIANTS) for c in _both_places(number, luck)])
    network = Network(one_way=Spread(0.03, 0.01, 100), bytes_per_second=2e6)
    mixed = [
        Request(
            deadline=luck.uniform(0.01, 1),
            payload=30_000,
            max_bytes=10**6,
            min_accuracy=luck.choice([0, 0.5]),
            battery_low=luck.random() < 0.3,
        )
        for _ in range(DECISIONS)
    ]
    hopeless = [Request(deadline=1e-4, payload=30_000)] * DECISIONS
    return [
        Row(
            figure=f"decisions, {VARIANTS} variants at two places, {said}",
            value=_per_second(selector, network, requests),
            unit="a second",
            target=20_000,
            peer="",
            peer_value=None,
            runs=ROUNDS,
            how=HOW,
            at_least=True,
        )
        for said, requests in (("mixed requests", mixed), ("none fits", hopeless))
    ]


def _both_places(number: int, luck: Random) -> list[Candidate]:
    accuracy = luck.uniform(0.4, 0.9)
    variant = Variant(name=f"v{number}", accuracy=accuracy, interval=0.01, size=luck.randint(10**4, 10**7))
    seconds = 0.002 * 2 ** (16 * (accuracy - 0.4)) * luck.uniform(0.7, 1.3)
    device = Candidate(
        variant=variant,
        infer=Spread(4 * seconds, 0.2 * seconds, 100),
        load=Spread(0.05, 0.01, 5),
        loaded=luck.random() < 0.7,
        stored=luck.random() < 0.6,
    )
    return [device, Candidate(variant=variant, place="server", infer=Spread(seconds, 0.05 * seconds, 100))]


def _per_second(selector: Selector, network: Network, requests: Sequence[Request]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()  # of one core; what else the machine does is not counted
        for request in requests:
            selector.choose(request, network)
        times.append(time.process_time() - began)
    return len(requests) / median(times)


def _plans() -> list[Row]:
    luck = Random(0)  # noqa: S311 - a measurement, repeatable
    ratios, seconds = [], []
    for _ in range(INSTANCES):
        items = _instance(luck)
        began = time.process_time()
        best, proved = exact(items)
        seconds.append(time.process_time() - began)
        if proved:
            ratios.append(items.value(greedy(items)) / items.value(best))
    return [
        Row(
            figure=f"greedy plan over the exact one, {EXACT} variants, the worst",
            value=min(ratios),
            unit="of the value",
            target=0.95,
            peer="the exact plan",
            peer_value=1.0,
            runs=len(ratios),
            how=HOW,
            at_least=True,
        ),
        Row(
            figure=f"exact plan, {EXACT} variants, the slowest",
            value=max(seconds),
            unit="s",
            target=30.0,
            peer="median",
            peer_value=median(seconds),
            runs=INSTANCES,
            how=HOW,
        ),
    ]


def _instance(luck: Random) -> Items:
    """Variants of one to five models: sizes over three decades, most of them in time in most of the scenarios."""
    groups = luck.randint(1, 5)
    owners = [luck.randrange(groups) for _ in range(20)]
    weights = [luck.random() for _ in owners]
    sizes = tuple(int(10 ** luck.uniform(4, 7)) for _ in range(EXACT))
    gains = []
    for item in range(EXACT):
        accuracy = luck.uniform(0.4, 0.9)
        gains.append(
            tuple(
                weight * accuracy if owner == item % groups and luck.random() < 0.6 else 0.0
                for owner, weight in zip(owners, weights, strict=True)
            )
        )
    items = Items(sizes, tuple(gains), tuple(item % groups for item in range(EXACT)), 0)
    least = items.bytes(items.smallest())
    return Items(sizes, items.gains, items.groups, int(least + (sum(sizes) - least) * luck.random() ** 2))
