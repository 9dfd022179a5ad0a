"""What an edge server knows of its models: the strong variants that it answers with, and all that a device may keep.

From these and from what the devices of a class measured it makes their plan (`modelport.edge.plan`): for the models,
the deadlines and the way to the server that they had, and for the day without a network. The plan's own variants come
first; the bytes that are left hold others, as many as may be, so that a device has something to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot, inf
from typing import TYPE_CHECKING, Any, Final

from modelport.edge.documents import CLASS, item_json
from modelport.edge.pareto import Point, pareto
from modelport.edge.plan import OFFLINE, Application, Scenario, plan
from modelport.edge.prior import corrected
from modelport.edge.types import Candidate, Network, Request, Spread
from modelport.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from modelport.edge.documents import Item
    from modelport.edge.statistics import Statistics

__all__ = ["Offer", "known_variants", "plan_document", "variants_document"]

_Spreads = Mapping[tuple[str, str, str], Spread]

_DEADLINES: Final = dict.fromkeys((0.033, 0.1, 1.0, 10.0, inf), 1.0)
"""When answers are due where nobody said: with a camera's next picture, at once, before a thought is lost, before
attention is (Nielsen 1993, Usability Engineering, chapter 5), whenever."""
_MOST_DEADLINES: Final = 8
_LEAST_SHARE: Final = 0.25
"""The least share of the time with the server, where it ever answered, and without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that the server answers with.

    Attributes:
        name: The model's name.
        server: What it answers with, each at its port.
        device: What a device may keep; times are those of no device.
        times: What is known of a variant's times on a class of devices (infer, load), from the catalog; what
            was worked out counts for what it is worth (`modelport.edge.prior`).
    """

    name: str
    server: tuple[Item, ...]
    device: tuple[Item, ...]
    times: Callable[[str, str], tuple[Spread, Spread]]


def known_variants(offers: Sequence[Offer]) -> dict[tuple[str, str], str]:
    """Return the models and digests of which figures are taken, and which variant each is."""
    return {(one.name, item.variant.digest): item.variant.name for one in offers for item in (*one.server, *one.device)}


def variants_document(offers: Sequence[Offer]) -> dict[str, Any]:
    """Return what ``GET /edge/variants`` answers."""
    return {
        "models": [
            {
                "name": one.name,
                "server": [item_json(item) for item in one.server],
                "device": [item_json(item) for item in one.device],
            }
            for one in offers
        ]
    }


def plan_document(
    offers: Sequence[Offer],
    statistics: Statistics,
    device: str,
    budget: int | None = None,
    *,
    storage: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the plan for a class of devices, a document of the schema ``edge-plan``.

    Args:
        offers: The models.
        statistics: What devices measured.
        device: The class of devices.
        budget: Bytes that variants may take; None: as many as the class has for them, or where nobody said that, as
            many as they are.
        storage: Bytes that models may take on a class of devices, where its profile says it.

    Raises:
        NotFoundError: No model has a variant for devices.
        InputError: The budget cannot hold one variant of every model; the class has no name of one.
    """
    if CLASS.fullmatch(device) is None:
        raise InputError(
            f"device: {device[:100]!r} is no class of devices", hint="use lower case letters, digits, '.', '_' and '-'"
        )
    spreads = statistics.spreads(device)
    items = {
        (one.name, item.variant.name): _corrected(one, item, device, spreads) for one in offers for item in one.device
    }
    if not items:
        raise NotFoundError("no model here has variants for devices", hint="modelport variants build makes them")
    own = (storage or {}).get(device) if budget is None else None
    everything = sum(item.variant.size for item in items.values())
    room = next(one for one in (budget, own, everything) if one is not None)
    timed = {model for (model, _), item in items.items() if item.infer.known}
    candidates = [_candidate(item, is_first=model not in timed) for (model, _), item in items.items()]
    candidates += [c for one in offers for item in one.server if (c := _served(item, spreads)) is not None]
    asked, scenarios = _applications(offers, statistics, device), _scenarios(statistics, device)
    try:
        made = plan(candidates, asked, room, scenarios=scenarios)
    except InputError as error:
        if own is None:
            raise
        raise InputError(
            f"the profile of {device} says what models may take: {error.message}", hint=error.hint
        ) from error
    kept = {(one.model, one.name) for one in made.kept}
    kept |= _spare(items, kept, room)
    return {
        "schema": "modelport/edge-plan/1",
        "device": device,
        "budget": room,
        "models": [
            {
                "name": one.name,
                "keep": [item_json(items[key]) for i in one.device if (key := (one.name, i.variant.name)) in kept],
                "server": [item_json(replace(item, infer=_infer_there(item, spreads))) for item in one.server],
            }
            for one in offers
        ],
    }


def _corrected(offer: Offer, item: Item, device: str, spreads: _Spreads) -> Item:
    """Return *item* with its times on a class of devices: the catalog's, corrected by what was measured there."""
    infer, load = offer.times(item.variant.name, device)
    digest = item.variant.digest
    return replace(
        item,
        infer=corrected(infer, spreads.get((digest, "device", "infer"), Spread())),
        load=corrected(load, spreads.get((digest, "device", "load"), Spread())),
    )


def _candidate(item: Item, *, is_first: bool) -> Candidate:
    """Return *item* as a plan reckons with it.

    Args:
        item: A variant with its times on the class of devices.
        is_first: Whether none of its model has a time there. Then each counts as in time, so that the best one is
            tried; else one that nobody timed is in time for what has no deadline, as for `modelport plan`.
    """
    unknown = Spread(0.0) if is_first else Spread()
    return Candidate(variant=item.variant, infer=item.infer if item.infer.known else unknown)


def _served(item: Item, spreads: _Spreads) -> Candidate | None:
    """Return the server's *item* with the way there and back in its time; None while no device has told of the way."""
    infer = _infer_there(item, spreads)
    way = spreads.get((item.variant.digest, "server", "transfer"), Spread())
    if not infer.known or not way.known:
        return None
    time = Spread(infer.mean + way.mean, hypot(infer.sd, way.sd), min(infer.n, way.n))
    return Candidate(variant=item.variant, place="server", infer=time)


def _infer_there(item: Item, spreads: _Spreads) -> Spread:
    """Return what the server's *item* takes: what it measured of itself, corrected by what devices saw."""
    return corrected(item.infer, spreads.get((item.variant.digest, "server", "infer"), Spread()))


def _applications(offers: Sequence[Offer], statistics: Statistics, device: str) -> list[Application]:
    """Return what the class asked for: an application for each deadline; every model counts, if little."""
    demand, told = statistics.demand(device), statistics.deadlines(device)
    wanted: dict[float, dict[str, float]] = {}
    for one in offers:
        if one.device:
            own = told.get(one.name, {})
            # Who tells of no deadline at all may be of a release that does not tell them.
            due = _shortened(own) if any(seconds < inf for seconds in own) else _DEADLINES
            weight = float(demand.get(one.name, 0) or 1) / sum(due.values())
            for seconds, share in due.items():
                wanted.setdefault(seconds, {})[one.name] = weight * share
    return [
        Application(name=f"due in {seconds:g} s", demand=tasks, request=Request(deadline=seconds))
        for seconds, tasks in sorted(wanted.items())
    ]


def _shortened(due: Mapping[float, float]) -> dict[float, float]:
    """Return the deadlines that were asked for most."""
    most = sorted(due.items(), key=lambda one: (-one[1], one[0]))[:_MOST_DEADLINES]
    return dict(most)


def _scenarios(statistics: Statistics, device: str) -> list[Scenario]:
    """Return how much of its time the class is with the server, by the share of the answers that came from there."""
    count, remote = statistics.answers(device)
    share = min(max(remote / count if count else 0.0, _LEAST_SHARE), 1 - _LEAST_SHARE)
    # The way's time is in the server's candidates: it differs from model to model, as their messages do.
    near = Scenario(name="with the server", share=share, network=Network(one_way=Spread(0.0)))
    return [near, replace(OFFLINE, share=1 - share)]


def _spare(items: Mapping[tuple[str, str], Item], kept: Collection[tuple[str, str]], room: int) -> set[tuple[str, str]]:
    """Return what else there is room for, the smallest first: all but what is worse in everything that is measured."""
    points = {
        model: [_point(item) for (other, _), item in items.items() if other == model and _is_measured(item)]
        for model, _ in items
    }
    good = {(model, point.name) for model, those in points.items() for point in pareto(those)}
    rest = [key for key, item in items.items() if key not in kept and (key in good or not _is_measured(item))]
    left, found = room - sum(items[key].variant.size for key in kept), set()
    for key in sorted(rest, key=lambda key: (items[key].variant.size, key)):
        if items[key].variant.size <= left:
            found.add(key)
            left -= items[key].variant.size
    return found


def _is_measured(item: Item) -> bool:
    return item.infer.known and item.variant.known_accuracy is not None


def _point(item: Item) -> Point:
    variant = item.variant
    return Point(name=variant.name, size=variant.size, latency=item.infer.mean, accuracy=variant.known_accuracy)
