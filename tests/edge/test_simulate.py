"""On MDInference's published networks the rule answers in time, and no simpler way of deciding is worth more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.mdinference import DEVICE, NETWORKS, SERVER, by_device, by_server, fastest, fixed, naive

from modelport.edge.select import Selector
from modelport.edge.simulate import Outcome, simulate
from modelport.edge.types import Network, Request, Spread

if TYPE_CHECKING:
    from modelport.edge.simulate import Decide

REQUESTS = 1500
SMALL = 0.02  # of so few requests: the bench takes 20,000


def standing_by(network: str, deadline: float) -> Outcome:
    request = Request(deadline=deadline)
    standby = Selector([DEVICE]).standby(request)
    return simulate(
        by_server(request), [DEVICE, *SERVER], NETWORKS[network], request, standby=standby, requests=REQUESTS
    )


@pytest.mark.parametrize(("network", "least"), [("campus", 0.715), ("home", 0.62), ("lte", 0.43)])
def test_at_a_quarter_of_a_second_it_reaches_what_was_seen_with_the_published_inputs(
    network: str, least: float
) -> None:
    found = standing_by(network, 0.25)
    assert found.accuracy >= least - SMALL
    assert found.possible == 1.0
    assert found.in_time >= 0.98


@pytest.mark.parametrize("deadline", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("network", NETWORKS)
def test_it_is_worth_no_less_than_the_fastest_model_or_the_naive_choice(network: str, deadline: float) -> None:
    request = Request(deadline=deadline)
    alone, quick, simple = (
        simulate(decide(request), SERVER, NETWORKS[network], request, requests=REQUESTS)
        for decide in (by_server, fastest, naive)
    )
    assert alone.kept >= 0.98
    assert alone.accuracy >= quick.accuracy
    # Where nearly everything is in time, a request or two pay for the rule's caution.
    assert alone.accuracy >= simple.accuracy - 0.001
    assert standing_by(network, deadline).accuracy >= alone.accuracy


@pytest.mark.parametrize("network", NETWORKS)
def test_a_device_that_stands_by_itself_decides_as_well_as_who_knows_the_best_fixed_choice(network: str) -> None:
    request = Request(deadline=0.25)
    standby = Selector([DEVICE]).standby(request)

    def outcome(decide: Decide) -> Outcome:
        known = [DEVICE, *SERVER]
        return simulate(decide, known, NETWORKS[network], request, standby=standby, requests=REQUESTS)

    own = outcome(by_device(request, NETWORKS[network]))
    best = max(outcome(fixed(one)).accuracy for one in (DEVICE, *SERVER))
    assert own.in_time == 1.0
    assert best - 0.005 <= own.accuracy <= best + 1e-9


@pytest.mark.parametrize(("network", "remote"), [("campus", True), ("home", False), ("lte", False)])
def test_without_a_duplicate_a_device_sends_only_what_fits_with_the_networks_own_deviation(
    network: str, *, remote: bool
) -> None:
    request = Request(deadline=0.25)
    decide = by_device(request, NETWORKS[network], duplicates=False)
    found = simulate(decide, [DEVICE, *SERVER], NETWORKS[network], request, requests=REQUESTS)
    assert found.in_time >= 0.96
    assert bool(found.remote) == remote
    assert found.accuracy >= 0.414 - 1e-9


def test_the_same_seed_is_the_same_luck() -> None:
    request = Request(deadline=0.25)
    one, again, other = (
        simulate(by_server(request), SERVER, NETWORKS["home"], request, requests=200, seed=seed) for seed in (1, 1, 2)
    )
    assert one == again != other


def test_on_a_network_that_never_varies_all_is_in_time_or_nothing() -> None:
    request = Request(deadline=0.25)
    for one_way, share in ((0.05, 1.0), (0.2, 0.0)):
        network = Network(one_way=Spread(one_way, 0.0, 1))
        assert simulate(by_server(request), SERVER, network, request, requests=20).in_time == share
