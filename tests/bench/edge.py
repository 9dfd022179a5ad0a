"""What the edge room's decisions are worth and what they cost: on published networks, per core, against exact plans."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.rows import Row
from tests.support.mdinference import DEVICE, NETWORKS, SERVER, by_device, by_server, fastest, fixed, naive

from modelport.edge.budget import Items, exact, greedy
from modelport.edge.plan import EXACT
from modelport.edge.select import Selector
from modelport.edge.simulate import simulate
from modelport.edge.types import Candidate, Network, Request, Spread, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelport.edge.simulate import Decide, Outcome
    from modelport.edge.types import Duplicate

HOW = "make bench ROOM=edge"
REQUESTS = 20_000
TARGETS = {"campus": 71.5, "home": 62.0, "lte": 43.0}
LUCK = 0.3
"""Percent by which the choice before anything was drawn may be worse than the best one afterwards."""
DEVICE_ALONE = DEVICE.variant.accuracy or 0.0
ROUNDS, DECISIONS, VARIANTS = 5, 10_000, 50
INSTANCES = 60


def rows() -> list[Row]:
    """Measure selection on MDInference's published figures, decisions per second, and plans."""
    found = [row for network in NETWORKS for row in _selection(network)]
    return [*found, _cells(), *_decisions(), *_plans()]


def _selection(network: str) -> list[Row]:
    """Return what deciding is worth: by the server, which sees each upload's time, and by the device, which cannot."""
    request = Request(deadline=0.25)
    standby = Selector([DEVICE]).standby(request)
    estimate = NETWORKS[network]
    quick, simple, alone = (
        _outcome(network, request, way) for way in (fastest(request), naive(request), by_server(request))
    )
    both = _beside(network, request, by_server(request), standby)
    own = _beside(network, request, by_device(request, estimate), standby)
    single = _beside(network, request, by_device(request, estimate, duplicates=False), None)
    best, best_single = _best_fixed(network, request, standby), _best_fixed(network, request, None)
    here = f"250 ms, {network}; simulated"
    there = f"{here}, the server decides"
    mine = f"{here}, the device decides"
    worth, kept = "effective accuracy", "in time where some variant is"
    always = "static fastest"
    return [
        _row(f"{worth}, {there}", both.accuracy, TARGETS[network], always, quick.accuracy),
        _row(f"{kept}, {there}", both.kept, 98.0, always, quick.in_time),
        _row(f"{worth}, {there}, no duplicate", alone.accuracy, 100 * quick.accuracy, "naive", simple.accuracy),
        _row(f"{kept}, {there}, no duplicate", alone.kept, 98.0, "naive", simple.kept),
        _row(f"{worth}, {mine}", own.accuracy, 100 * best.accuracy - LUCK, "best fixed choice", best.accuracy),
        _row(f"{kept}, {mine}", own.kept, 98.0, "best fixed choice", best.kept),
        _row(
            f"{worth}, {mine}, no duplicate", single.accuracy, 100 * DEVICE_ALONE,
            "best fixed choice, no duplicate", best_single.accuracy,
        ),
        _row(
            f"{kept}, {mine}, no duplicate: two deviations are 97.7 %", single.kept, 97.7,
            "best fixed choice, no duplicate", best_single.kept,
        ),
    ]  # fmt: skip


def _beside(
    network: str, request: Request, way: Decide, standby: Duplicate | None, *, requests: int = REQUESTS
) -> Outcome:
    """Return what comes of it with the device's own model among the candidates."""
    return simulate(way, [DEVICE, *SERVER], NETWORKS[network], request, standby=standby, requests=requests)


def _best_fixed(network: str, request: Request, standby: Duplicate | None) -> Outcome:
    """Return what the candidate gives that is best on this network if it is always taken: known afterwards only."""
    all_of_them = (DEVICE, *SERVER)
    first = [_beside(network, request, fixed(one), standby, requests=REQUESTS // 10) for one in all_of_them]
    ranked = sorted(zip(first, all_of_them, strict=True), key=lambda pair: -pair[0].accuracy)
    found = (_beside(network, request, fixed(one), standby) for _, one in ranked[:4])
    return max(found, key=lambda outcome: outcome.accuracy)


def _outcome(network: str, request: Request, way: Decide) -> Outcome:
    return simulate(way, SERVER, NETWORKS[network], request, requests=REQUESTS)


def _row(figure: str, value: float, target: float, peer: str, peer_value: float) -> Row:
    return Row(
        figure=figure,
        value=round(100 * value, 6),  # what is always the same sums up to a little less
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
            value=_per_second(selector, network, requests, learns=learns),
            unit="a second",
            target=20_000,
            peer="",
            peer_value=None,
            runs=ROUNDS,
            how=HOW,
            at_least=True,
        )
        for said, requests, learns in (
            ("mixed requests", mixed, False),
            ("mixed requests, a lesson before each", mixed, True),
            ("none fits", hopeless, False),
        )
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


def _per_second(selector: Selector, network: Network, requests: Sequence[Request], *, learns: bool) -> float:
    """Return the decisions a second of one core; lessons between them are not counted, what else runs neither."""
    times = []
    for _ in range(ROUNDS):
        spent, began = 0.0, time.process_time()
        for request in requests:
            taken = selector.choose(request, network).candidate
            if learns:
                spent += time.process_time() - began
                selector.update(replace(taken, infer=taken.infer.plus(taken.infer.mean, memory=64)))
                began = time.process_time()
        times.append(spent + time.process_time() - began)
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
