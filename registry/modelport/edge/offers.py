"""What an edge server knows of its models: the strong variants that it answers with, and all that a device may keep.

From these and from what devices measured it makes each class of devices its plan: by `modelport.edge.plan`, for a day
without a network, with the demand that the devices had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelport.edge.documents import spread_json
from modelport.edge.plan import Application, plan
from modelport.edge.types import Candidate, Spread
from modelport.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelport.edge.documents import Item
    from modelport.edge.statistics import Statistics

__all__ = ["Offer", "known_variants", "plan_document", "variants_document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that the server answers with.

    Attributes:
        name: The model's name.
        server: What it answers with, each at its port.
        device: What a device may keep; times are those of no device.
        times: What is known of a variant's times on a class of devices (infer, load), from the catalog.
    """

    name: str
    server: tuple[Item, ...]
    device: tuple[Item, ...]
    times: Callable[[str, str], tuple[Spread, Spread]]


def known_variants(offers: Sequence[Offer]) -> set[tuple[str, str]]:
    """Return the models and digests of which figures are taken."""
    return {(one.name, item.variant.digest) for one in offers for item in (*one.server, *one.device)}


def variants_document(offers: Sequence[Offer]) -> dict[str, Any]:
    """Return what ``GET /edge/variants`` answers."""
    return {
        "models": [
            {
                "name": one.name,
                "server": [_item_json(item) for item in one.server],
                "device": [_item_json(item) for item in one.device],
            }
            for one in offers
        ]
    }


def plan_document(
    offers: Sequence[Offer], statistics: Statistics, device: str, budget: int | None = None
) -> dict[str, Any]:
    """Return the plan for a class of devices, a document of the schema ``edge-plan``.

    Args:
        offers: The models.
        statistics: What devices measured.
        device: The class of devices.
        budget: Bytes that variants may take; None: as many as they are.

    Raises:
        NotFoundError: No model has a variant for devices.
        InputError: The budget cannot hold one variant of every model.
    """
    spreads, demand = statistics.spreads(device), statistics.demand(device)
    items = {
        (one.name, item.variant.name): _corrected(one, item, device, spreads) for one in offers for item in one.device
    }
    if not items:
        raise NotFoundError("no model here has variants for devices", hint="modelport variants build makes them")
    room = sum(item.variant.size for item in items.values()) if budget is None else budget
    tasks = {one.name: float(demand.get(one.name, 0) or 1) for one in offers if one.device}
    made = plan([_candidate(item) for item in items.values()], [Application(name=device, demand=tasks)], room)
    kept = {(one.model, one.name) for one in made.kept}
    return {
        "schema": "modelport/edge-plan/1",
        "device": device,
        "budget": room,
        "models": [
            {
                "name": one.name,
                "keep": [_item_json(items[key]) for i in one.device if (key := (one.name, i.variant.name)) in kept],
                "server": [_item_json(item) for item in one.server],
            }
            for one in offers
        ],
    }


def _corrected(offer: Offer, item: Item, device: str, spreads: Mapping[tuple[str, str, str], Spread]) -> Item:
    """Return *item* with its times on a class of devices: the catalog's, joined with what was measured there."""
    infer, load = offer.times(item.variant.name, device)
    digest = item.variant.digest
    return replace(
        item,
        infer=infer.joined(spreads.get((digest, "device", "infer"), Spread())),
        load=load.joined(spreads.get((digest, "device", "load"), Spread())),
    )


def _candidate(item: Item) -> Candidate:
    """Return *item* as a plan without a deadline reckons with it: that its time is unknown is then no matter."""
    known = item.infer.known
    return Candidate(variant=item.variant, infer=item.infer if known else Spread(0.0), estimated=not known)


def _item_json(item: Item) -> dict[str, Any]:
    variant = item.variant
    document: dict[str, Any] = {"name": variant.name, "digest": variant.digest, "size": variant.size}
    if variant.download is not None:
        document["download"] = variant.download
    if variant.accuracy is not None:
        document["accuracy"] = {"value": variant.accuracy, "interval": variant.interval}
    for name, spread in (("load", item.load), ("infer", item.infer)):
        if (said := spread_json(spread)) is not None:
            document[name] = said
    if item.source:
        document["from"] = item.source
    if item.port:
        document["port"] = item.port
    return document
