"""From what the catalog says to what selection and planning reckon with: documents become `modelport.edge.types`.

The documents are those of the catalog's index: a model's with its ``variants``, a device's, a network's. Nothing is
read here, so that a command can answer from the kept index and a site from its JSON.

A variant's times on a device are those that were measured there: of its whole package where they are (``call``,
``open``), for that is what a device waits for, else of the bare file in its interpreter (``infer``, ``load``). Where
none were, they are *estimated*: those of a device on which it was measured, times the ratio of the two devices' anchors
(one network's time there by its time here)::

    time there = time here x (anchor there / anchor here)

Anchors of the variant's runtime count, and among them those of its arithmetic (``...-int8`` or ``...-float32``) where
both devices have one; of several the geometric mean is taken, and how far they lie apart widens the spread. Loading is
carried over in the same way. Without a common anchor the times are unknown, and nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from modelport.edge.types import Candidate, Device, Network, Spread, Variant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from modelport.edge.types import Place

__all__ = ["Times", "candidates_of", "device_of", "network_of", "times_of", "usable_variants", "variant_of"]

_WORTH = 5
"""For how many observations a published figure counts against new ones, when it does not say how many it is of."""
_IN_INT8 = {"int8", "mixed-int8", "dynamic-int8", "int4", "onnx-int8"}
"""The variants whose kernels reckon in 8-bit integers, also where weights have 4; the others reckon in floating
point, whatever they store."""


@dataclass(frozen=True, slots=True)
class Times:
    """What a variant takes on a device, in seconds.

    Attributes:
        infer: One warm call.
        load: Loading it, until it can be called.
        energy: Joules of one inference; None when unknown.
        source: The device that the times were measured on; empty when nothing is known.
        estimated: Whether that is another device than the one that was asked for.
    """

    infer: Spread = Spread()  # noqa: RUF009 - it is frozen
    load: Spread = Spread()  # noqa: RUF009 - as above
    energy: float | None = None
    source: str = ""
    estimated: bool = False


def device_of(name: str, document: Mapping[str, Any]) -> Device:
    """Return the device that ``catalog/devices/<name>.yaml`` tells of."""
    return Device(
        id=name,
        title=document["title"],
        source=document["source"],
        cores=document.get("cores", 1),
        memory=document.get("memory"),
        storage=document.get("storage"),
        watts=document.get("watts"),
        anchors=document.get("anchors", {}),
    )


def network_of(name: str, document: Mapping[str, Any]) -> Network:
    """Return the network that ``catalog/networks/<name>.yaml`` tells of."""
    return Network(
        id=name,
        one_way=_spread(document["one_way"]),
        bytes_per_second=document.get("bytes_per_second"),
        loss=document.get("loss", 0.0),
        watts=document.get("watts"),
    )


def usable_variants(model: Mapping[str, Any], version: str | None = None) -> list[dict[str, Any]]:
    """Return what *model*'s document says of the variants of a *version* that can be used; the latest when None."""
    wanted = version or model["latest"]
    known: Mapping[str, Any] = next((one for one in model.get("variants", ()) if one["version"] == wanted), {})
    return [one for one in known.get("variants", ()) if one["status"] == "ok"]


def variant_of(model: str, document: Mapping[str, Any]) -> Variant:
    """Return the variant of *model* that an item of a variants file tells of."""
    accuracy = document.get("accuracy", {})
    low, high = accuracy.get("interval", (0.0, 0.0))
    return Variant(
        name=document["name"],
        model=model,
        size=document.get("size", 0),
        download=document.get("download"),
        accuracy=accuracy.get("value"),
        interval=(high - low) / 2,
        digest=document.get("digest", ""),
    )


def candidates_of(
    model: str,
    variants: Sequence[Mapping[str, Any]],
    devices: Mapping[str, Device],
    *,
    on: str,
    place: Place = "device",
    loaded: bool = True,
    stored: Collection[str] | None = None,
) -> list[Candidate]:
    """Return the *variants* of *model* as candidates at a place.

    Args:
        model: Its name.
        variants: The items of its variants file.
        devices: The catalog's devices by name: times are carried over between them.
        on: The device, or the server, that they run on.
        place: Which of the two it is.
        loaded: Whether they stand ready in memory.
        stored: The names of those that lie there; all when None.
    """
    found = []
    for one in variants:
        times = times_of(one, devices[on], devices)
        candidate = Candidate(
            variant=variant_of(model, one),
            place=place,
            infer=times.infer,
            load=times.load,
            loaded=loaded,
            stored=stored is None or one["name"] in stored,
            energy=times.energy if place == "device" else None,
            estimated=times.estimated,
        )
        found.append(candidate)
    return found


def times_of(variant: Mapping[str, Any], device: Device, devices: Mapping[str, Device]) -> Times:
    """Return what *variant*, an item of a variants file, takes on *device*: measured there, else estimated.

    Of several devices that it could be estimated from, the one whose anchors agree best is taken, then the first by
    name.
    """
    measured = variant.get("measured", {})
    if device.id in measured:
        return _times(measured[device.id], device)
    carried = [
        (factor, name)
        for name in sorted(measured)
        if name in devices and (factor := _factor(variant, devices[name], device)) is not None
    ]
    if not carried:
        return Times()
    (ratio, scatter), source = min(carried, key=lambda one: one[0][1])
    there = _times(measured[source], devices[source])
    infer = _scaled(there.infer, ratio, scatter)
    energy = None if device.watts is None else device.watts * infer.mean
    return Times(infer, _scaled(there.load, ratio, scatter), energy, source, estimated=True)


def _times(measured: Mapping[str, Any], device: Device) -> Times:
    infer = _spread(measured.get("call", measured["infer"]))
    energy = measured.get("energy", None if device.watts is None else device.watts * infer.mean)
    return Times(infer, _spread(measured.get("open", measured["load"])), energy, device.id)


def _spread(figures: Mapping[str, Any]) -> Spread:
    return Spread(figures["mean"], figures["sd"], figures.get("n", _WORTH))


def _factor(variant: Mapping[str, Any], here: Device, there: Device) -> tuple[float, float] | None:
    """Return how many times as long *variant* takes *there*, and how far the anchors lie apart (a relative deviation).

    None where the devices have no anchor of its runtime in common.
    """
    common = dict(_ratios(variant["runtime"], here, there))
    arithmetic = "-int8" if variant["name"] in _IN_INT8 else "-float32"
    logs = [log(ratio) for name, ratio in common.items() if name.endswith(arithmetic)] or [*map(log, common.values())]
    return (exp(fmean(logs)), pstdev(logs)) if logs else None


def _ratios(runtime: str, here: Device, there: Device) -> Iterator[tuple[str, float]]:
    for name in sorted(here.anchors):
        ratio = here.ratio(name, there) if name.startswith(f"{runtime}-") else None
        if ratio is not None:
            yield name, ratio


def _scaled(spread: Spread, ratio: float, scatter: float) -> Spread:
    mean = spread.mean * ratio
    return Spread(mean, hypot(spread.sd * ratio, mean * scatter), spread.n)
