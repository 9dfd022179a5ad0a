"""What is chosen in cases that a person can follow, and the words that say why."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from typing import Any

import pytest
from tests.edge.selection import LARGE, NEAR, SMALL, some

from modelport.edge.select import Selector, choose, explain
from modelport.edge.types import Network, Request, Spread
from modelport.errors import InputError, NotFoundError


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (None, "the server cannot be reached"),
        (replace(NEAR, reachable=False), "the server cannot be reached"),
        (replace(NEAR, one_way=Spread()), "the time of its transfer is not known"),
        (replace(NEAR, one_way=Spread(nan, 0.0, 4)), "the time of its transfer is not known"),
        (replace(NEAR, bytes_per_second=nan), "the time of its transfer is not known"),
        (replace(NEAR, bytes_per_second=0.0), "its bytes never arrive: the network has no bandwidth"),
        (replace(NEAR, one_way=Spread(0.2)), "too slow: 501 ms of 250 ms"),
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
        "transfer counted: 41 ms",
        "may come late: small starts on the device after 130 ms",
    )


def test_of_those_that_tie_none_is_called_the_most_accurate_that_has_the_lower_figure() -> None:
    quick, slow = (
        replace(one, variant=replace(one.variant, interval=0.01))
        for one in (some("quick", 0.827, 0.01), some("slow", 0.831, 0.02))
    )
    said = explain([quick, slow], None, Request(deadline=0.1, min_accuracy=0.85)).ranking[0].reason
    assert said.startswith("none in time reaches 0.85: none in time is known to be more accurate, accuracy 0.827; ")
    alone = explain([quick], None, Request(deadline=0.1, min_accuracy=0.85)).ranking[0].reason
    assert alone == "none in time reaches 0.85: the most accurate in time, accuracy 0.827"


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
    assert found.ranking[1].reason == "ties in accuracy, but moves more bytes"


def test_loading_and_fetching_count() -> None:
    cold = some("cold", 0.8, 0.1, loaded=False, load=Spread(0.3, 0.0, 1))
    far = some("far", 0.9, 0.1, stored=False)
    network = replace(NEAR, bytes_per_second=1e4)
    assert choose([SMALL, cold, far], network, Request(deadline=0.2)).candidate == SMALL
    assert choose([SMALL, cold, far], network, Request(deadline=0.4)).candidate == far
    allowed = choose([SMALL, cold, far], network, Request(deadline=0.4, max_bytes=999))
    assert allowed.reasons[1:] == ("loading counted: 300 ms",)
    assert choose([SMALL, cold], None, Request(deadline=0.39)).candidate == SMALL


def test_accuracies_that_tie_are_told_apart_by_energy_only_when_the_battery_is_low() -> None:
    quick, frugal = some("quick", 0.8, 0.01, energy=2.0), some("frugal", 0.797, 0.05, energy=1.0)
    apart = some("apart", 0.79, 0.001, energy=0.1)
    found = explain([apart, frugal, quick], None, Request(deadline=1))
    assert [ranked.candidate for ranked in found.ranking] == [quick, frugal, apart]
    assert found.ranking[1].reason == "ties in accuracy, but is slower"
    assert found.ranking[2].reason == "fits, but is less accurate: accuracy 0.79, accuracy 0.8"
    assert choose([apart, frugal, quick], None, Request(deadline=1, battery_low=True)).candidate == frugal


@pytest.mark.parametrize(
    ("first", "second", "why", "why_not"),
    [
        ({"infer": Spread(0.01, 0.0, 9)}, {}, "it is quicker than", "is slower"),
        ({"energy": 1.0}, {"energy": 2.0}, "it needs less energy than", "needs more energy"),
        ({"variant": {"size": 999}}, {}, "its file is smaller than that of", "is a larger file"),
        ({"variant": {"accuracy": 0.801}}, {}, "its figure is higher than that of", "has the lower figure"),
        ({}, {}, "by name it comes before", "comes later by name"),
    ],
)
def test_of_those_that_tie_it_is_said_what_the_first_one_is_first_by(
    first: dict[str, Any], second: dict[str, Any], why: str, why_not: str
) -> None:
    one, other = (
        replace(candidate, **fields | {"variant": replace(candidate.variant, **fields.get("variant", {}))})
        for candidate, fields in ((some("one", 0.8, 0.02), first), (some("other", 0.8, 0.02), second))
    )
    for request in (Request(), Request(deadline=1), Request(min_accuracy=0.9)):
        ranking = explain([other, one], None, request).ranking
        assert ranking[0].candidate == one
        assert ranking[0].reason.endswith(f"; other ties with it within the accuracy's interval, and {why} that")
        assert request.min_accuracy or ranking[1].reason == f"ties in accuracy, but {why_not}"
    third = some("third", 0.8, 0.03)
    three = explain([third, other, one], None, Request()).ranking[0].reason
    assert "; 2 others tie with it within the accuracy's interval, and " in three
    assert three.endswith(f"{why} the next, other")
    alone = explain([one, some("less", 0.5, 0.01)], None, Request()).ranking[0].reason
    assert "tie" not in alone


def test_no_reason_speaks_of_a_number_that_is_none() -> None:
    cold = some("cold", 0.8, 0.1, loaded=False, load=Spread(), stored=False)
    found = explain([cold], replace(NEAR, bytes_per_second=None), Request())
    assert found.choice is not None
    assert found.choice.reasons[1:] == (
        "fetching 1000 bytes not counted: how long that takes is not known",
        "loading not counted: how long that takes is not known",
    )


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
        "its time is not known, and there is time to try it: accuracy 0.9, at a guess 200 ms of 300 ms",
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
