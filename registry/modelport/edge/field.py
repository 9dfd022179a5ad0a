"""What devices in use measured of a release, put together from its evidence: by class of devices and variant.

A record of evidence is what one edge server exported of one class of devices in one period. Records of other servers
and of other days are joined without loss, as if one list had been kept of all times. Nothing is read here, so that
commands and the site can say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelport.edge.types import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelport.edge.types import Place

__all__ = ["FieldClass", "FieldTimes", "field_classes", "records_for"]

_COUNTS = ("count", "in_time", "remote", "fallback")


@dataclass(frozen=True, slots=True)
class FieldTimes:
    """What a variant took, in seconds.

    Attributes:
        name: The variant's name.
        infer: One inference; unknown where none was told.
        load: Loading it.
        transfer: Asking the server, there and back.
    """

    name: str
    infer: Spread = Spread()  # noqa: RUF009 - it is frozen
    load: Spread = Spread()  # noqa: RUF009 - as above
    transfer: Spread = Spread()  # noqa: RUF009 - as above

    @property
    def most(self) -> int:
        """How many times were taken of the kind of which there are most."""
        return max(self.infer.n, self.load.n, self.transfer.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldClass:
    """What a class of devices measured.

    Attributes:
        device: The class.
        servers: The edge servers that exported it, sorted.
        first: The first day, as YEAR-MONTH-DAY.
        last: The last day.
        times: What each variant took, by where it ran and by the digest of its package.
        requests: How much was asked for (``count``, ``in_time``, ``remote``, ``fallback``); None where nobody told.
    """

    device: str
    servers: tuple[str, ...]
    first: str
    last: str
    times: Mapping[tuple[Place, str], FieldTimes]
    requests: Mapping[str, int] | None

    def at(self, place: Place) -> tuple[FieldTimes, ...]:
        """Return what was measured at a place, the most often measured first."""
        found = [times for (where, _), times in self.times.items() if where == place]
        return tuple(sorted(found, key=lambda one: (-one.most, one.name)))


def records_for(evidence: Mapping[str, Any] | None, digest: str) -> list[Mapping[str, Any]]:
    """Return the records of *evidence* that are of the release whose package has this *digest*."""
    return [one for one in (evidence or {}).get("field", ()) if one["digest"] == digest]


def field_classes(records: Iterable[Mapping[str, Any]]) -> dict[str, FieldClass]:
    """Return what each class of devices measured, sorted by its name.

    Args:
        records: Records of evidence (``field`` in ``evidence.schema.json``) of one release.
    """
    by_device: dict[str, list[Mapping[str, Any]]] = {}
    for one in records:
        by_device.setdefault(one["device"], []).append(one)
    return {device: _joined(device, found) for device, found in sorted(by_device.items())}


def _joined(device: str, records: Sequence[Mapping[str, Any]]) -> FieldClass:
    told = [one["requests"] for one in records if "requests" in one]
    times: dict[tuple[Place, str], FieldTimes] = {}
    for variant in (one for record in records for one in record["variants"]):
        key = (variant["place"], variant["digest"])
        times[key] = _plus(times.get(key, FieldTimes(variant["name"])), variant)
    return FieldClass(
        device=device,
        servers=tuple(sorted({one["server"] for one in records})),
        first=min(one["from"] for one in records),
        last=max(one["to"] for one in records),
        times=times,
        requests={key: sum(one[key] for one in told) for key in _COUNTS} if told else None,
    )


def _plus(times: FieldTimes, variant: Mapping[str, Any]) -> FieldTimes:
    infer, load, transfer = (_spread(variant.get(key)) for key in ("infer", "load", "transfer"))
    return FieldTimes(times.name, times.infer.joined(infer), times.load.joined(load), times.transfer.joined(transfer))


def _spread(figures: Mapping[str, Any] | None) -> Spread:
    return Spread() if figures is None else Spread(figures["mean"], figures["sd"], figures["n"])
