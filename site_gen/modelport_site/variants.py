"""The variants of a version as its page shows them: what each is, what it costs and is worth, device by device.

A device has a table of its own and a plot, wherever a time is known: measured there, estimated by
:mod:`modelport.edge.profiles` from another device, or measured in the field by devices of that class, which stands
beside the others and is never reckoned with them. The figures of two devices never stand in one table.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelport.edge.pareto import pareto, points_of
from modelport.edge.profiles import Times, device_of, times_of, usable_variants
from modelport_site.tradeoff import Mark, tradeoff_plot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from modelport.edge.field import FieldClass, FieldTimes
    from modelport.edge.types import Device

__all__ = ["Panel", "VariantRow", "VariantsView", "devices_of", "variant_rows", "view_variants", "why_untimed"]

TRUSTED_SPREAD = 1.5
"""From how many times its shortest time the anchor's longest says that the machine was busy with something else."""
_WORDS = {
    "float32": "32-bit floats, as the model itself",
    "float16": "weights stored as 16-bit floats",
    "weight-int8": "weights stored as 8-bit integers, computed in floats",
    "dynamic-int8": "8-bit weights, activations quantized while it runs",
    "int8": "weights and activations in 8-bit integers",
    "mixed-int8": "8-bit integers where they are quicker; the first layers and small depthwise ones in floats",
    "int4": "weights stored as 4-bit integers",
    "rounded": "32-bit floats of few different values, small when compressed",
    "onnx": "the model in ONNX, 32-bit floats",
    "onnx-float16": "ONNX, weights stored as 16-bit floats",
    "onnx-int8": "ONNX, weights and activations in 8-bit integers",
}
_KINDS = ("measured", "estimated", "field")
_RUNTIMES = {"litert": "LiteRT", "onnx": "ONNX Runtime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """A variant, and what it takes on a device.

    Attributes:
        document: Its item of the variants file.
        words: What it is.
        runtime: What runs it, as its makers write it.
        times: What is known of its times there.
        measured: What was measured on that very device; empty where nothing was.
        best: Whether it is in the Pareto set there, of those whose time is known.
        field: What devices of that class took in use; None where nobody told.
    """

    document: Mapping[str, Any]
    words: str
    runtime: str
    times: Times
    measured: Mapping[str, Any]
    best: bool
    field: FieldTimes | None = None

    @property
    def name(self) -> str:
        """The variant's name."""
        return str(self.document["name"])

    @property
    def accuracy(self) -> Mapping[str, Any] | None:
        """The accuracy with its n and interval; None where nobody measured it."""
        return self.document.get("accuracy")

    @property
    def p95(self) -> float | None:
        """What 95 of 100 of those calls took at most that its time is the mean of, in seconds; None if not known."""
        found: float | None = self.measured.get("call", self.measured.get("infer", {})).get("p95")
        return found

    @property
    def alone(self) -> float | None:
        """What its file alone took in its interpreter, where its time is of calls of the whole package; else None."""
        return float(self.measured["infer"]["mean"]) if "call" in self.measured else None

    @property
    def noisy(self) -> bool:
        """Whether the machine was too busy for the times to be trusted."""
        return bool(self.measured.get("spread", 1) > TRUSTED_SPREAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """All variants on one device.

    Attributes:
        device: The device's name in the catalog, of which there may be no profile.
        title: What people call it.
        listed: Whether the device has a page.
        rows: The variants.
        plot: Accuracy against time; None where no variant has both.
        undrawn: The variants that are not in the plot.
        field: What devices of that class measured in use; None where nobody told.
    """

    device: str
    title: str
    listed: bool
    rows: tuple[VariantRow, ...]
    plot: Markup | None
    undrawn: tuple[str, ...]
    field: FieldClass | None = None

    @property
    def kind(self) -> str:
        """Where its times are from: ``measured`` by the catalog's owner, ``estimated``, or from the ``field`` alone."""
        if any(row.measured for row in self.rows):
            return "measured"
        return "estimated" if any(row.times.infer.known for row in self.rows) else "field"

    @property
    def served(self) -> tuple[FieldTimes, ...]:
        """What edge servers answered such devices with."""
        return self.field.at("server") if self.field else ()

    @property
    def kept(self) -> tuple[FieldTimes, ...]:
        """What such devices ran and has no line in the table: the model itself."""
        known = {row.document.get("digest") for row in self.rows}
        return tuple(
            times
            for (place, digest), times in (self.field.times.items() if self.field else ())
            if place == "device" and digest not in known
        )

    @property
    def noisy(self) -> tuple[VariantRow, ...]:
        """The variants whose times are not to be trusted."""
        return tuple(row for row in self.rows if row.noisy)

    @property
    def whole(self) -> bool:
        """Whether whole packages were timed there, and not their files alone."""
        return any(row.alone is not None for row in self.rows)

    @property
    def conditions(self) -> str:
        """How it was measured, where that was the same for all."""
        found = [row.measured for row in self.rows if row.measured]
        threads, dates = {one["threads"] for one in found}, sorted({one["date"] for one in found if "date" in one})
        many = f"{min(threads)} to {max(threads)} threads" if len(threads) > 1 else f"{min(threads, default=1)} thread"
        plural = "s" if len(threads) == 1 and threads != {1} else ""
        return f"{many}{plural}{f', {dates[-1]}' if dates else ''}" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantsView:
    """The variants of a version: those that can be used, by device, and those that failed."""

    version: str
    rows: tuple[VariantRow, ...]
    panels: tuple[Panel, ...]
    failed: tuple[Mapping[str, Any], ...]
    untimed: Mapping[str, tuple[Device, ...]]
    """The devices on which no time is known, by the reason."""
    example: str
    """The fastest of the Pareto set on the first device, to show how one is got."""

    @property
    def alike(self) -> frozenset[str]:
        """The devices whose title another one has, too: their ids tell them apart."""
        found = [(one.device, one.title) for one in self.panels]
        found += [(one.id, one.title) for some in self.untimed.values() for one in some]
        counts = Counter(title for _, title in found)
        return frozenset(name for name, title in found if counts[title] > 1 and title != name)

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets that accuracies are of."""
        found = (row.accuracy.get("data", "") for row in self.rows if row.accuracy)
        return tuple(sorted({one for one in found if one and not one.startswith("sha")}))


def view_variants(
    model: Mapping[str, Any],
    version: str | None,
    profiles: Mapping[str, Mapping[str, Any]],
    field: Mapping[str, FieldClass] = MappingProxyType({}),
) -> VariantsView | None:
    """Return the variants of a *version* of *model*; None where there are none, and devices measured nothing of it.

    Args:
        model: The model's document.
        version: Which version; None: the model has none.
        profiles: The catalog's devices by name.
        field: What devices measured of that version in use, by their class.
    """
    every = next((one["variants"] for one in model.get("variants", ()) if one["version"] == version), ())
    if not every and not field:
        return None
    usable = usable_variants(model, version)
    devices = devices_of(profiles, usable, field)
    drawn = (_panel(one, profiles, usable, devices, field.get(one.id)) for one in devices.values())
    panels = [one for one in drawn if one.field or any(row.times.infer.known for row in one.rows)]
    shown = {one.device for one in panels}
    untimed: dict[str, list[Device]] = {}
    for one in sorted(devices.values(), key=lambda one: (one.title.lower(), one.id)):
        if usable and one.id not in shown:
            untimed.setdefault(why_untimed(one, usable), []).append(one)
    panels.sort(key=lambda one: (_KINDS.index(one.kind), one.title.lower(), one.device))
    rows = tuple(_row(one, Times(), {}, best=False) for one in usable)
    first = (row for row in panels[0].rows if row.best) if panels else ()
    best = min(first, key=lambda row: row.times.infer.mean, default=None)
    return VariantsView(
        version=str(version),
        rows=rows,
        panels=tuple(panels),
        failed=tuple(one for one in every if one["status"] == "failed"),
        untimed={why: tuple(found) for why, found in untimed.items()},
        example=best.name if best else usable[0]["name"] if usable else "",
    )


def devices_of(
    profiles: Mapping[str, Mapping[str, Any]], variants: Iterable[Mapping[str, Any]], others: Iterable[str] = ()
) -> dict[str, Device]:
    """Return the devices that have a profile, and without one the *others* and those of the *variants*' figures."""
    names = [*others, *(name for one in variants for name in one.get("measured", ()))]
    bare = {name: {"title": name, "source": "measured"} for name in names}
    return {name: device_of(name, document) for name, document in sorted({**bare, **profiles}.items())}


def why_untimed(device: Device, variants: Sequence[Mapping[str, Any]]) -> str:
    """Return why no time of *variants* is known on *device*, of which none was measured there."""
    measured = sorted({name for one in variants for name in one.get("measured", ())})
    if not measured:
        return "no time was measured on any device"
    if not device.anchors:
        return "no time was measured, and without anchors of the device none can be estimated"
    runtimes = " or ".join(sorted({_RUNTIMES[one["runtime"]] for one in variants if one.get("measured")}))
    where = f"{', '.join(measured)}, where times were measured"
    return f"no time was measured, and none can be estimated: no anchor of {runtimes} in common with {where}"


def variant_rows(
    variants: Sequence[Mapping[str, Any]], device: Device, devices: Mapping[str, Device]
) -> tuple[VariantRow, ...]:
    """Return the *variants* with what each takes on *device*."""
    times = [times_of(one, device, devices) for one in variants]
    best = {point.name for point in pareto(points_of(variants, device.id, devices))}
    return tuple(
        _row(one, took, one.get("measured", {}).get(device.id, {}), best=one["name"] in best and took.infer.known)
        for one, took in zip(variants, times, strict=True)
    )


def _panel(
    device: Device,
    profiles: Mapping[str, Any],
    variants: Sequence[Mapping[str, Any]],
    devices: Mapping[str, Device],
    field: FieldClass | None,
) -> Panel:
    times = field.times if field else {}
    rows = tuple(
        replace(row, field=times.get(("device", row.document["digest"])))
        for row in variant_rows(variants, device, devices)
    )
    marks = [
        Mark(
            name=row.name,
            seconds=row.times.infer.mean,
            accuracy=row.accuracy["value"],
            interval=tuple(row.accuracy["interval"]),
            size=row.document["size"],
            best=row.best,
            estimated=row.times.estimated,
        )
        for row in rows
        if row.accuracy and row.times.infer.known
    ]
    drawn = {one.name for one in marks}
    return Panel(
        device=device.id,
        title=device.title,
        listed=device.id in profiles,
        rows=rows,
        plot=tradeoff_plot(marks, id=f"trade-{device.id}", where=device.title) if marks else None,
        undrawn=tuple(row.name for row in rows if row.name not in drawn),
        field=field,
    )


def _row(variant: Mapping[str, Any], times: Times, measured: Mapping[str, Any], *, best: bool) -> VariantRow:
    return VariantRow(
        document=variant,
        words=_words(variant["name"]),
        runtime=_RUNTIMES[variant["runtime"]],
        times=times,
        measured=measured,
        best=best,
    )


def _words(name: str) -> str:
    if found := re.fullmatch(r"onnx-pruned-(\d+)", name):
        return f"ONNX, a forest cut down to {found[1]} trees"
    return _WORDS.get(name, "")
