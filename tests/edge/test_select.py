"""The selection's rule, and what follows from it, for any candidates."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.edge.selection import (
    CANDIDATES,
    DEADLINES,
    NETWORKS,
    REQUESTS,
    SPREADS,
    accuracy,
    adds,
    by_the_rule,
    chosen,
    seconds,
    standing_by,
)

from modelport.edge.costs import grades
from modelport.edge.select import Selector, explain
from modelport.errors import NotFoundError

if TYPE_CHECKING:
    import random

    from modelport.edge.types import Candidate, Network, Request


@given(CANDIDATES, NETWORKS, REQUESTS)
def test_both_faces_make_the_choice_that_the_rule_makes(
    candidates: list[Candidate], network: Network | None, request: Request
) -> None:
    ruled, quick = by_the_rule(candidates, network, request), chosen(candidates, network, request)
    explained = explain(candidates, network, request)
    assert repr(quick) == repr(explained.choice)  # NaN is not equal to itself
    assert len(explained.ranking) == len(candidates)
    assert all(ranked.reason for ranked in explained.ranking)
    if ruled is None:
        assert quick is None
    else:
        assert quick is not None
        assert (quick.candidate, quick.degraded) == (ruled[0], ruled[1] not in ("fits", "backed"))
        assert explained.ranking[0].candidate == ruled[0]
        assert explained.ranking[0].standing == ruled[1]
        assert quick.bound == pytest.approx(ruled[2], nan_ok=True)


@given(CANDIDATES, NETWORKS, REQUESTS)
def test_the_ranking_is_what_remains_chosen_when_the_better_ones_are_gone(
    candidates: list[Candidate], network: Network | None, request: Request
) -> None:
    # Grades are made of all candidates; equal accuracies and no intervals keep them the same.
    candidates = [replace(c, variant=replace(c.variant, interval=0.0)) for c in candidates]
    ranking = explain(candidates, network, request).ranking
    behind = standing_by(candidates, request)
    for place, ranked in enumerate(ranking):
        if ranked.candidate == behind and network is not None:
            break  # without it what it backed is another thing
        left = chosen([r.candidate for r in ranking[place:]], network, request)
        assert (left.candidate if left else None) == (ranked.candidate if ranked.standing != "out" else None)


@given(CANDIDATES, NETWORKS, REQUESTS, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    candidates: list[Candidate], network: Network | None, request: Request, luck: random.Random
) -> None:
    shuffled = candidates.copy()
    luck.shuffle(shuffled)
    assert repr(explain(candidates, network, request)) == repr(explain(shuffled, network, request))


@given(CANDIDATES, NETWORKS, REQUESTS, DEADLINES, DEADLINES)
def test_a_longer_deadline_never_lowers_the_accuracy(
    candidates: list[Candidate], network: Network | None, request: Request, one: float, other: float
) -> None:
    # Where the server's times vary, its answers are gambled on: what is certain is compared.
    candidates = [replace(c, infer=replace(c.infer, sd=0.0), load=replace(c.load, sd=0.0)) for c in candidates]
    network = network and replace(network, one_way=replace(network.one_way, sd=0.0), loss=0.0)
    soon, later = (
        chosen(candidates, network, replace(request, deadline=deadline)) for deadline in sorted((one, other))
    )
    if soon is None or later is None:
        assert soon is later
        return
    graded = grades((c.variant.known_accuracy, c.variant.interval) for c in candidates)
    assert graded[later.variant.known_accuracy] <= graded[soon.variant.known_accuracy]
    if all(c.variant.interval == 0 for c in candidates):
        assert accuracy(later.candidate) >= accuracy(soon.candidate)


@given(CANDIDATES, NETWORKS, REQUESTS)
def test_no_other_candidate_is_better_in_one_thing_and_worse_in_none(
    candidates: list[Candidate], network: Network | None, request: Request
) -> None:
    if network is not None:  # a delay that varies more is worse, too
        network = replace(network, one_way=replace(network.one_way, sd=0.0), loss=0.0)
    candidates = [replace(c, infer=replace(c.infer, sd=0.0), load=replace(c.load, sd=0.0)) for c in candidates]
    ranking = explain(candidates, network, request).ranking
    costs = []
    for ranked in ranking:
        added = adds(ranked.candidate, network, request)
        if added and not isnan(ranked.bound):
            energy = inf if ranked.energy is None else ranked.energy
            size = ranked.candidate.variant.size
            costs.append((-accuracy(ranked.candidate), ranked.bound, added[1], size, energy))
    for other in costs[1:]:
        better = all(o <= c for o, c in zip(other, costs[0], strict=True))
        assert not better or other == costs[0], "a dominated candidate was chosen"


@given(CANDIDATES, NETWORKS, REQUESTS)
def test_what_is_not_degraded_keeps_every_bound_of_the_request(
    candidates: list[Candidate], network: Network | None, request: Request
) -> None:
    choice = chosen(candidates, network, request)
    if choice is None:
        return
    if not choice.degraded:
        standby = Selector(candidates).standby(request)
        backed = choice.place == "server" and standby is not None and choice.duplicate == standby
        assert backed or request.deadline == inf or choice.bound <= request.deadline
        assert request.min_accuracy <= 0 or accuracy(choice.candidate) >= request.min_accuracy
    if not choice.candidate.stored:
        assert choice.place == "device"
        assert request.max_bytes is None or choice.variant.fetch_bytes <= request.max_bytes
    if choice.place == "server":
        assert network is not None
        assert network.reachable


@given(CANDIDATES, NETWORKS, REQUESTS)
def test_a_duplicate_is_local_and_starts_while_there_is_time(
    candidates: list[Candidate], network: Network | None, request: Request
) -> None:
    choice = chosen(candidates, network, request)
    local = [c for c in candidates if c.place == "device" and c.stored]
    if choice is None or choice.place == "device" or not local or not isfinite(request.deadline):
        assert choice is None or choice.duplicate is None
        return
    assert network is not None
    assert (choice.duplicate is not None) == (network.loss > 0 or not choice.bound <= request.deadline)
    if choice.duplicate is not None:
        spread, start = seconds(choice.duplicate.candidate), choice.duplicate.start
        assert choice.duplicate.candidate in local
        assert start >= 0
        assert start == 0 or start + spread.mean + 2 * request.gamma * spread.sd == pytest.approx(request.deadline)


@pytest.mark.parametrize("explore", [True, False])
@given(CANDIDATES, NETWORKS, st.lists(REQUESTS, min_size=1, max_size=3), st.data())
def test_a_selector_that_is_told_what_changed_is_as_good_as_a_new_one(
    explore: object, candidates: list[Candidate], network: Network | None, requests: list[Request], data: st.DataObject
) -> None:
    kept, now = Selector(candidates, explore=bool(explore)), list(candidates)
    for place in data.draw(st.lists(st.integers(0, len(now) - 1), max_size=6)) if now else []:
        loaded, stored = data.draw(st.booleans()), data.draw(st.booleans())
        now[place] = replace(now[place], infer=data.draw(SPREADS), loaded=loaded, stored=stored)
        kept.update(now[place])
        new = Selector(now, explore=bool(explore))
        for request in requests:
            assert repr(kept.explain(request, network)) == repr(new.explain(request, network))
            assert _answer(kept, request, network) == _answer(new, request, network)


def _answer(selector: Selector, request: Request, network: Network | None) -> str:
    try:
        return repr(selector.choose(request, network))
    except NotFoundError as error:
        return str(error)


def test_deciding_loads_neither_arrays_nor_yaml() -> None:
    code = (
        "import sys, modelport.edge.plan, modelport.edge.simulate\n"
        "print(sorted({'numpy', 'yaml', 'httpx', 'google.protobuf'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
