"""What a device thinks of the way to its server: it follows a network that becomes another one, and forgets."""

from __future__ import annotations

import math
from random import Random

import pytest

from modelport.edge.lateness import Lateness
from modelport.edge.link import Link

NEAR, FAR = 0.1, 0.8


def turn(link: Link) -> float:
    return 2 * link.network.one_way.mean


@pytest.fixture
def link() -> Link:
    """Return a link that has seen twenty quick answers."""
    made = Link()
    for _ in range(20):
        made.probed(NEAR)
    return made


def test_three_quick_answers_in_a_row_make_it_another_network() -> None:
    link = Link()
    for _ in range(20):
        link.probed(FAR)
    assert not link.is_surprised
    link.probed(NEAR)
    assert link.is_surprised
    link.probed(NEAR)
    assert turn(link) == pytest.approx((14 * FAR + 2 * NEAR) / 16)
    link.probed(NEAR)
    assert turn(link) == pytest.approx(NEAR)
    assert (link.network.one_way.n, link.network.one_way.sd) == (3, pytest.approx(0, abs=1e-9))
    assert not link.is_surprised


def test_what_waited_for_a_dead_network_is_dropped_when_it_is_back(link: Link) -> None:
    overdue = [link.late(0.25, 100, 0.0) for _ in range(4)]
    for number, one in enumerate(overdue):
        link.called(1.2 - 0.25 * number, 100, 0.0, one)
    link.probed(1.1)  # it was under way, too
    assert turn(link) > 0.25
    assert link.is_surprised
    link.probed(NEAR)
    assert turn(link) == pytest.approx(NEAR)


def test_a_network_that_became_slow_is_known_as_such_after_a_few_answers(link: Link) -> None:
    for _ in range(4):
        link.probed(FAR)
    assert turn(link) > 0.25


def test_luck_alone_does_not_move_it_far() -> None:
    luck, link, seen = Random(1), Link(), []  # noqa: S311 - repeatable
    for _ in range(2000):
        link.probed(max(0.005, luck.gauss(0.116, 0.06)))
        seen.append(turn(link))
    assert sum(0.07 < one < 0.17 for one in seen[9:]) > 1800


def test_an_overdue_answer_counts_at_once_and_once(link: Link) -> None:
    overdue = link.late(0.5, 100, 0.1)
    assert overdue is not None
    assert turn(link) == pytest.approx((15 * NEAR + 0.4) / 16)
    assert link.called(0.9, 100, 0.1, overdue) == pytest.approx(0.8)
    assert turn(link) == pytest.approx((15 * NEAR + 0.8) / 16)
    assert link.late(0.05, 100, 0.0) is None  # not overdue at all
    assert turn(link) == pytest.approx((15 * NEAR + 0.8) / 16)


def test_a_large_message_tells_of_the_bandwidth_also_while_it_is_overdue(link: Link) -> None:
    link.called(1.1, 1_000_000, 0.0)
    assert link.network.bytes_per_second == pytest.approx(1e6)
    assert turn(link) == pytest.approx(NEAR)
    assert link.late(10.1, 1_000_000, 0.0) is None
    assert link.network.bytes_per_second == pytest.approx(1e5)
    link.late(1.1, 1_000_000, 0.0)
    assert link.network.bytes_per_second == pytest.approx(1e5), "a bound above what is known says nothing"
    for _ in range(3):
        link.probed(NEAR / 4)
    assert link.network.bytes_per_second is None, "the nearer network may be a wider one"


def test_a_server_that_was_gone_for_a_moment_has_the_same_network(link: Link) -> None:
    link.failed()
    assert link.network.loss == pytest.approx(0.3)
    link.returned()
    assert link.network.one_way.n == 16
    new = Link()
    assert not new.network.reachable
    new.returned()
    new.probed(FAR)
    assert turn(new) == FAR
    assert math.isfinite(new.network.seconds(100))


def test_lateness_is_learned_and_never_less_than_the_interpreters_own() -> None:
    late = Lateness()
    assert late.margin(2, 4) == pytest.approx(0.01)
    late.note(0.0001)
    assert late.margin(2, 4) == pytest.approx(0.01)
    for _ in range(32):
        late.note(0.03)
    assert late.margin(2, 4) == pytest.approx(0.03)
    late.note(-1.0)
    assert late.margin(2, 4) > 0.03
