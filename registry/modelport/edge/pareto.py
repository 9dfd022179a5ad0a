"""The Pareto set: which variants are worth offering to a device, for each other one is worse in every way.

Four figures count: size, latency and memory, of which less is better, and accuracy, of which more is. A variant rules
out another one when it is nowhere worse and somewhere better. A figure that is unknown is neither good nor bad: two
variants are compared in it only if it is known of both; if it is known of one, neither rules out the other; if of
none, it tells them not apart. So what nobody measured is never taken for a reason, and the set is never empty.

Latency and memory are measured, and differ by some percent from run to run: one that is less by under a tenth is no
better for that. It is no worse either, so that noise rules nothing out.

Nothing here assumes which form is faster: that differs from device to device (see `points_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from modelport.edge.profiles import times_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport.edge.types import Device

__all__ = ["NOISE", "Point", "pareto", "pareto_by_device", "points_of", "rules_out"]


NOISE = 0.1
"""The part of a measured figure that a better one must be less by, to be better and not lucky."""

_MEASURED = (False, True, False, True)  # of a point's costs


@dataclass(frozen=True, slots=True)
class Point:
    """A variant's figures on a device; None, or not a number, where one is unknown.

    Attributes:
        name: The variant's.
        size: Bytes of its file.
        latency: Seconds of a warm inference.
        accuracy: Its share of right answers.
        memory: Bytes that it takes at most.
    """

    name: str
    size: float | None = None
    latency: float | None = None
    accuracy: float | None = None
    memory: float | None = None

    @property
    def costs(self) -> tuple[float | None, ...]:
        """The figures, of all of which less is better; None where one is unknown."""
        accuracy = None if self.accuracy is None else -self.accuracy
        figures = (self.size, self.latency, accuracy, self.memory)
        return tuple(None if one is None or not isfinite(one) else one for one in figures)


def rules_out(one: Point, other: Point) -> bool:
    """Tell whether *one* is nowhere worse than *other*, and somewhere better by more than noise."""
    better = False
    for mine, its, measured in zip(one.costs, other.costs, _MEASURED, strict=True):
        if mine is None or its is None:
            if mine is not its:
                return False
        elif mine > its:
            return False
        else:
            better = better or mine < (its * (1 - NOISE) if measured else its)
    return better


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return those of *points* that no other one rules out, in their order; equal ones stay together."""
    return [one for one in points if not any(rules_out(other, one) for other in points)]


def points_of(variants: Iterable[Mapping[str, Any]], on: str, devices: Mapping[str, Device]) -> list[Point]:
    """Return the figures on a device of variants as the catalog has them.

    Latency is what was measured there, else estimated by the anchors (`modelport.edge.profiles`); memory is as it was
    measured there.

    Args:
        variants: The items of a variants file; those that failed are left out.
        on: The device's name.
        devices: The catalog's devices, by name.
    """
    return [
        Point(
            one["name"],
            one.get("size"),
            times_of(one, devices[on], devices).infer.mean,
            one.get("accuracy", {}).get("value"),
            one.get("measured", {}).get(on, {}).get("memory"),
        )
        for one in variants
        if one["status"] == "ok"
    ]


def pareto_by_device(variants: Sequence[Mapping[str, Any]], devices: Mapping[str, Device]) -> dict[str, list[str]]:
    """Return the names of the variants in the Pareto set on each device on which the latency of one is known."""
    found = {}
    for name in sorted(devices):
        points = points_of(variants, name, devices)
        if any(one.costs[1] is not None for one in points):
            found[name] = [one.name for one in pareto(points)]
    return found
