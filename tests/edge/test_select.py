"""The selection's rule, stated a second time without any quickness, and what follows from it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import inf, isfinite, isnan, nan, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.edge.costs import grades
from modelport.edge.select import Selector, choose, explain
from modelport.edge.types import Candidate, Choice, Network, Request, Spread, Variant
from modelport.errors import InputError, NotFoundError

if TYPE_CHECKING:
    import random

# Few values each, so that ties, unknowns and edges are common.
SECONDS = st.sampled_from([nan, 0.0, 0.01, 0.02, 0.05, 0.1])
SPREADS = st.builds(Spread, SECONDS, st.sampled_from([0.0, 0.01, 0.02]), st.just(3))
VARIANTS = st.builds(
    Variant,
    name=st.sampled_from("abcdef"),
    model=st.sampled_from(["", "m"]),
    size=st.sampled_from([0, 100, 1000]),
    download=st.sampled_from([None, 50, 600]),
    accuracy=st.sampled_from([None, nan, 0.5, 0.6, 0.7, 0.71, 0.72, 0.8]),
    interval=st.sampled_from([0.0, 0.01, 0.02, 0.2]),
)
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        variant=VARIANTS,
        place=st.sampled_from(["device", "server"]),
        infer=SPREADS,
        load=SPREADS,
        loaded=st.booleans(),
        stored=st.booleans(),
        energy=st.sampled_from([None, nan, 1.0, 2.0]),
        estimated=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda candidate: candidate.label,
)
NETWORKS = st.none() | st.builds(
    Network,
    one_way=SPREADS,
    bytes_per_second=st.sampled_from([None, nan, 0.0, 1e4]),
    loss=st.sampled_from([0.0, 0.1]),
    reachable=st.sampled_from([True, True, True, False]),
    watts=st.sampled_from([None, 1.0, 20.0]),
)
DEADLINES = st.sampled_from([-1.0, 0.0, 0.02, 0.05, 0.1, 0.2, 0.5, inf])
REQUESTS = st.builds(
    Request,
    deadline=DEADLINES,
    min_accuracy=st.sampled_from([0.0, 0.6, 0.715, 0.9]),
    max_bytes=st.sampled_from([None, 0, 100]),
    battery_low=st.booleans(),
    payload=st.sampled_from([0, 100]),
    answer=st.sampled_from([0, 10]),
    gamma=st.sampled_from([0.0, 2.0]),
)


def adds(candidate: Candidate, network: Network | None, request: Request) -> tuple[float, int] | None:
    """The seconds and the bytes of its transfer or fetching; None when it cannot answer."""
    if candidate.place == "device" and candidate.stored:
        return 0.0, 0
    if network is None or not network.reachable:
        return None
    turn, rate = 2 * network.one_way.mean, network.bytes_per_second
    if candidate.place == "server":
        count = request.payload + request.answer
        # Published delays hold the payload's time already.
        rate = inf if rate is None else rate
        if not candidate.stored:
            return None
    else:
        count = candidate.variant.fetch_bytes
        rate = nan if rate is None else rate
        if request.max_bytes is not None and count > request.max_bytes:
            return None
    wire = 0.0 if not count else inf if rate == 0 else count / rate
    return (turn + wire, count) if turn + wire < inf or isnan(turn + wire) else None


def seconds(candidate: Candidate) -> Spread:
    spreads = [candidate.infer] + ([] if candidate.loaded else [candidate.load])
    if any(isnan(spread.mean) for spread in spreads):
        return Spread()
    return Spread(sum(spread.mean for spread in spreads), sqrt(sum(spread.sd**2 for spread in spreads)), 1)


def joules(candidate: Candidate, network: Network | None, added: float) -> float:
    own = inf if candidate.energy is None or isnan(candidate.energy) else candidate.energy
    if network is None or network.watts is None or (candidate.place == "device" and candidate.stored):
        return own
    radio = network.watts * added
    if isnan(radio):
        return inf
    return radio + (0.0 if candidate.place == "server" and own == inf else own)


def accuracy(candidate: Candidate) -> float:
    known = candidate.variant.known_accuracy
    return -inf if known is None else known


def grade(candidates: list[Candidate], candidate: Candidate) -> int:
    left = sorted({(accuracy(c), c.variant.interval) for c in candidates}, reverse=True)
    number = 0
    while left:
        best, interval = left[0]
        if accuracy(candidate) >= best - interval:
            return number
        left = [(a, i) for a, i in left if a < best - interval]
        number += 1
    raise AssertionError(candidate)


def counted(candidates: list[Candidate], candidate: Candidate) -> float:
    """What its accuracy counts as: the best one of its grade."""
    return max(accuracy(c) for c in candidates if grade(candidates, c) == grade(candidates, candidate))


def standing_by(candidates: list[Candidate], request: Request) -> Candidate | None:
    """What answers in time on the device if the server does not; grades are those of all candidates."""
    local = [c for c in candidates if c.place == "device" and c.stored]
    found = by_the_rule(candidates, None, request, among=local)
    return found[0] if found and found[1] in ("fits", "inaccurate") else None


def worth_of(
    candidates: list[Candidate], candidate: Candidate, network: Network, request: Request, time: Spread
) -> tuple[str, float] | None:
    """The standing of a remote candidate that a better standby than nothing backs, and its accuracy on average."""
    behind = standing_by(candidates, request)
    if behind is None or (isnan(time.mean) and request.deadline < inf):
        return None
    mine, its = counted(candidates, candidate), counted(candidates, behind)
    if mine <= its:
        return None
    enough = request.min_accuracy <= 0 or accuracy(candidate) >= request.min_accuracy
    share = 1 - network.loss
    if request.deadline == inf or time.bound(request.gamma) <= request.deadline:
        standing = "fits" if enough else "inaccurate"
    elif time.bound(-request.gamma) <= request.deadline:
        share *= NormalDist(time.mean, time.sd).cdf(request.deadline)
        both = enough and (request.min_accuracy <= 0 or accuracy(behind) >= request.min_accuracy)
        standing = "backed" if both else "inaccurate"
    else:
        return None
    return standing, max(its, 0.0) + share * (mine - max(its, 0.0))


def by_the_rule(
    candidates: list[Candidate], network: Network | None, request: Request, among: list[Candidate] | None = None
) -> tuple[Candidate, str, float] | None:
    """The rule, said plainly: what stands best, and of those the least."""
    found = []
    for c in candidates if among is None else among:
        added = adds(c, network, request)
        if added is None:
            continue
        spread = seconds(c)
        varies = 0.0 if network is None or (c.place == "device" and c.stored) else 2 * network.one_way.sd
        spread = Spread(added[0] + spread.mean, sqrt(spread.sd**2 + varies**2), 1)
        time = spread.bound(request.gamma)
        energy = joules(c, network, added[0])
        name = (c.variant.name, c.variant.model, c.place)
        rest = (added[1], c.variant.size, energy, -accuracy(c), name)
        low = energy if request.battery_low else 0.0
        worth = counted(candidates, c)
        backed = worth_of(candidates, c, network, request, spread) if network and c.place == "server" else None
        if isnan(time) and request.deadline < inf:
            standing = "unmeasured"
        elif backed:
            standing, worth = backed
        elif time > request.deadline:
            standing = "late"
        else:
            standing = "inaccurate" if 0 < request.min_accuracy > accuracy(c) else "fits"
        last = inf if isnan(time) else time
        key = {
            "unmeasured": rest,
            "late": (last, grade(candidates, c), low, *rest),
        }.get(standing, (-worth, low, last, *rest))
        tier = {"fits": 0, "backed": 0, "inaccurate": 1, "late": 2, "unmeasured": 3}[standing]
        found.append(((tier, *key), c, standing, time))
    if not found:
        return None
    _, best, standing, time = min(found, key=lambda entry: entry[0])
    return best, standing, time


def chosen(candidates: list[Candidate], network: Network | None, request: Request) -> Choice | None:
    try:
        return choose(candidates, network, request)
    except NotFoundError:
        return None


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


def some(name: str, accuracy: float, seconds: float, **fields: object) -> Candidate:
    variant = Variant(name=name, accuracy=accuracy, interval=0.005, size=1000)
    return replace(Candidate(variant=variant, infer=Spread(seconds, 0.0, 9)), **fields)  # type: ignore[arg-type]  # a test's own


SMALL = some("small", 0.7, 0.02)
LARGE = some("large", 0.8, 0.1, place="server")
NEAR = Network(one_way=Spread(0.02, 0.001, 9), bytes_per_second=1e6)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (None, "the server cannot be reached"),
        (replace(NEAR, reachable=False), "the server cannot be reached"),
        (replace(NEAR, one_way=Spread()), "the time of its transfer is not known"),
        (replace(NEAR, one_way=Spread(nan, 0.0, 4)), "the time of its transfer is not known"),
        (replace(NEAR, bytes_per_second=nan), "the time of its transfer is not known"),
        (replace(NEAR, bytes_per_second=0.0), "its bytes never arrive: the network has no bandwidth"),
        (replace(NEAR, one_way=Spread(0.2)), "too slow: 0.501 s of 0.25 s"),
    ],
)
def test_without_a_network_to_count_on_the_device_answers(network: Network | None, why: str) -> None:
    found = explain([SMALL, LARGE], network, Request(deadline=0.25, payload=1000))
    assert found.choice is not None
    assert (found.choice.candidate, found.choice.degraded) == (SMALL, False)
    assert found.ranking[1].reason == why


def test_the_server_answers_when_it_is_in_time_and_the_device_stands_by_when_that_is_not_sure() -> None:
    request = Request(deadline=0.15, payload=1000)
    sure = choose([SMALL, LARGE], NEAR, request)
    assert (sure.candidate, sure.duplicate) == (LARGE, None)
    unsure = choose([SMALL, LARGE], replace(NEAR, one_way=Spread(0.02, 0.01, 9)), request)
    assert unsure.duplicate is not None
    assert (unsure.candidate, unsure.duplicate.candidate) == (LARGE, SMALL)
    assert unsure.duplicate.start == pytest.approx(0.13)
    assert unsure.bound == pytest.approx(0.181)
    assert unsure.reasons == (
        "the best on average, 0.7674: accuracy 0.8, in time with 67 %, else small answers",
        "transfer counted: 0.041 s",
        "may come late: small starts on the device at 0.13 s",
    )


def test_where_messages_get_lost_the_device_always_stands_by() -> None:
    assert choose([SMALL, LARGE], NEAR, Request(deadline=1)).duplicate is None
    assert choose([SMALL, LARGE], replace(NEAR, loss=0.01), Request(deadline=1)).duplicate is not None


def test_of_two_as_accurate_and_quick_the_one_that_moves_fewer_bytes_answers_though_its_file_be_larger() -> None:
    network = Network(one_way=Spread(0.02, 0.0, 9))
    here = some("with a larger file", 0.8, 0.05)
    here = replace(here, variant=replace(here.variant, size=2000))
    there = some("sent to", 0.8, 0.01, place="server")
    found = explain([here, there], network, Request(payload=10))
    assert [ranked.bound for ranked in found.ranking] == [0.05, 0.05]
    assert found.ranking[0].candidate == here
    assert found.ranking[1].reason == "fits and ties in accuracy, but more bytes to move: 0.05 s"


def test_loading_and_fetching_count() -> None:
    cold = some("cold", 0.8, 0.1, loaded=False, load=Spread(0.3, 0.0, 1))
    far = some("far", 0.9, 0.1, stored=False)
    network = replace(NEAR, bytes_per_second=1e4)
    assert choose([SMALL, cold, far], network, Request(deadline=0.2)).candidate == SMALL
    assert choose([SMALL, cold, far], network, Request(deadline=0.4)).candidate == far
    allowed = choose([SMALL, cold, far], network, Request(deadline=0.4, max_bytes=999))
    assert allowed.reasons[1:] == ("loading counted: 0.3 s",)
    assert choose([SMALL, cold], None, Request(deadline=0.39)).candidate == SMALL


def test_accuracies_that_tie_are_told_apart_by_energy_only_when_the_battery_is_low() -> None:
    quick, frugal = some("quick", 0.8, 0.01, energy=2.0), some("frugal", 0.797, 0.05, energy=1.0)
    apart = some("apart", 0.79, 0.001, energy=0.1)
    found = explain([apart, frugal, quick], None, Request(deadline=1))
    assert [ranked.candidate for ranked in found.ranking] == [quick, frugal, apart]
    assert found.ranking[1].reason == "fits and ties in accuracy, but slower: 0.05 s of 1 s"
    assert found.ranking[2].reason == "fits, but is less accurate: accuracy 0.79, accuracy 0.8"
    assert choose([apart, frugal, quick], None, Request(deadline=1, battery_low=True)).candidate == frugal


def test_what_nobody_measured_answers_in_time_only_when_nothing_else_can() -> None:
    new = some("new", 0.9, nan)
    assert choose([new, SMALL], None, Request(deadline=0.001)).candidate == SMALL
    alone = choose([new], None, Request(deadline=1))
    assert alone.degraded
    assert isnan(alone.expected)
    assert alone.reasons == ("no time is known: the one that moves the fewest bytes",)


def test_without_a_deadline_a_time_that_nobody_knows_is_in_time() -> None:
    new, coarse = some("new", 0.9, nan), some("coarse", 0.5, nan)
    for known in ([new, coarse], [new, SMALL]):
        found = choose(known, None, Request(min_accuracy=0.85))
        assert (found.candidate, found.degraded) == (new, False)
        assert found.reasons == ("the most accurate there is: accuracy 0.9, its time is not known",)
    assert choose([some("new", 0.9, nan), some("other", 0.9, 5.0)], None, Request()).variant.name == "other"


def test_an_explorer_tries_what_nobody_measured_once_where_there_is_ample_time() -> None:
    new = some("new", 0.9, nan)
    explorer = Selector([SMALL, new], explore=True)
    assert Selector([SMALL, new]).choose(Request(deadline=0.3)).candidate == SMALL
    assert explorer.choose(Request(deadline=0.19)).candidate == SMALL
    tried = explorer.choose(Request(deadline=0.3))
    assert (tried.candidate, tried.degraded) == (new, False)
    assert tried.reasons == (
        "its time is not known, and there is time to try it: accuracy 0.9, at a guess 0.2 s of 0.3 s",
    )
    explorer.update(replace(new, infer=Spread(0.5, 0.0, 1)))
    assert explorer.choose(Request(deadline=0.3)).candidate == SMALL
    assert Selector([new], explore=True).choose(Request(deadline=9)).degraded  # nothing is known to guess by


def test_a_gamble_counts_for_what_it_brings_on_average() -> None:
    request, far = Request(deadline=0.15), Network(one_way=Spread(0.03, 0.01, 9))
    sure, bold, bolder = (
        some(name, accuracy, time, place="server")
        for name, accuracy, time in (("sure", 0.75, 0.04), ("bold", 0.8, 0.08), ("bolder", 0.8, 0.1))
    )
    found = explain([SMALL, sure, bold, bolder], far, request)
    said = [(one.candidate.variant.name, one.standing, round(one.worth, 3)) for one in found.ranking]
    # 69 % and 31 % of the bold ones' answers are in time.
    assert said == [
        ("bold", "backed", 0.769), ("sure", "fits", 0.75), ("bolder", "backed", 0.731), ("small", "fits", 0.7)
    ]  # fmt: skip
    assert found.ranking[2].reason == "in time with 31 %, else small answers: 0.7309 on average, 0.7691"
    assert found.ranking[1].reason == "fits, but is less accurate than the best on average: accuracy 0.75, 0.7691"
    # Where nothing stands by, what may be late does not fit.
    alone = explain([sure, bold], far, request)
    assert [(one.candidate.variant.name, one.standing) for one in alone.ranking] == [("sure", "fits"), ("bold", "late")]
    single = Selector([SMALL, sure, bold], duplicates=False).choose(request, far)
    assert (single.variant.name, single.duplicate) == ("sure", None)
    # A lost message is an answer that is not in time.
    assert choose([SMALL, sure, bold], replace(far, loss=0.9), request).variant.name == "bold"
    assert explain([SMALL, sure], replace(far, loss=0.9), request).ranking[0].worth == pytest.approx(0.705)


@given(CANDIDATES, NETWORKS, REQUESTS, st.data())
def test_a_selector_that_is_told_what_changed_is_as_good_as_a_new_one(
    candidates: list[Candidate], network: Network | None, request: Request, data: st.DataObject
) -> None:
    kept, now = Selector(candidates, explore=True), []
    for old in candidates:
        changed = data.draw(st.booleans())
        known = replace(old, infer=data.draw(SPREADS), loaded=True, stored=data.draw(st.booleans())) if changed else old
        now.append(known)
        if changed:
            kept.update(known)
    assert repr(kept.explain(request, network)) == repr(Selector(now, explore=True).explain(request, network))


def test_a_selector_is_only_told_of_variants_that_it_has() -> None:
    for other in (LARGE, replace(SMALL, variant=replace(SMALL.variant, accuracy=0.9))):
        with pytest.raises(InputError, match="is not among the candidates"):
            Selector([SMALL]).update(other)


def test_nothing_can_answer_says_of_each_why() -> None:
    with pytest.raises(NotFoundError, match="large on the server: the server cannot be reached"):
        choose([LARGE], None, Request())
    with pytest.raises(NotFoundError, match="there is no variant to choose from"):
        choose([], NEAR, Request())
    assert explain([LARGE], None, Request()).choice is None


def test_a_candidate_given_twice_and_wrong_requests_are_refused() -> None:
    with pytest.raises(InputError, match="small on the device is among the candidates twice"):
        Selector([SMALL, replace(SMALL, infer=Spread())])
    for wrong in ({"deadline": nan}, {"gamma": -1.0}, {"payload": -1}):
        with pytest.raises(InputError):
            Request(**wrong)
    with pytest.raises(InputError):
        Network(one_way=Spread(-0.1))


def test_deciding_loads_neither_arrays_nor_yaml() -> None:
    code = (
        "import sys, modelport.edge.plan, modelport.edge.simulate\n"
        "print(sorted({'numpy', 'yaml', 'httpx', 'google.protobuf'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
