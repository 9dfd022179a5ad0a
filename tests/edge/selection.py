"""What the tests of the selection share: values to draw from, the rule stated a second time without any quickness."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isnan, nan, sqrt
from statistics import NormalDist

from hypothesis import strategies as st

from modelport.edge.select import choose
from modelport.edge.types import Candidate, Choice, Network, Request, Spread, Variant
from modelport.errors import NotFoundError

__all__ = [
    "CANDIDATES",
    "DEADLINES",
    "LARGE",
    "NEAR",
    "NETWORKS",
    "REQUESTS",
    "SMALL",
    "SPREADS",
    "accuracy",
    "adds",
    "by_the_rule",
    "chosen",
    "seconds",
    "some",
    "standing_by",
]

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
    gamma=st.sampled_from([0.0, 1.0, 2.0, 2.5]),
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


def some(name: str, accuracy: float, seconds: float, **fields: object) -> Candidate:
    variant = Variant(name=name, accuracy=accuracy, interval=0.005, size=1000)
    return replace(Candidate(variant=variant, infer=Spread(seconds, 0.0, 9)), **fields)  # type: ignore[arg-type]  # a test's own


SMALL = some("small", 0.7, 0.02)
LARGE = some("large", 0.8, 0.1, place="server")
NEAR = Network(one_way=Spread(0.02, 0.001, 9), bytes_per_second=1e6)
