"""What devices measured in a period, as one dated file: made of an edge server's statistics, and planned by."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelport.edge.batches import COUNTS, KEY
from modelport.edge.prior import corrected
from modelport.edge.statistics import Statistics, spread_of_row
from modelport.edge.types import Spread
from modelport.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from modelport.edge.types import Candidate

__all__ = ["corrected_candidate", "demand_of", "export", "text_of"]


def export(file: Path, period: str = "") -> dict[str, Any]:
    """Return the figures of a period as a document of the schema ``statistics``; the same figures, the same document.

    Args:
        file: The SQLite file.
        period: ``YEAR``, ``YEAR-MONTH`` or ``YEAR-MONTH-DAY``; all days when empty.

    Raises:
        NotFoundError: There is no such file, or it has no figures of that period.
        FormatError: It is something else.
    """
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="give the one of modelport edge serve --statistics")
    statistics = Statistics(file, read_only=True)
    figures, requests = statistics.rows(period)
    days = _days(figures, requests)
    if not days:
        known = _days(*statistics.rows())
        hint = f"it has figures from {known[0]} to {known[-1]}" if known else "wait until devices have reported"
        raise NotFoundError(f"{file} has no figures of {period or 'any day'}", hint=hint)
    devices = sorted({one["device"] for one in (*figures, *requests)})
    return {
        "schema": "modelport/statistics/1",
        "from": days[0],
        "to": days[-1],
        "devices": {device: _of_device(device, figures, requests) for device in devices},
    }


def _days(*tables: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({one["day"] for table in tables for one in table})


def _of_device(
    device: str, figures: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    spreads: dict[tuple[str, ...], Spread] = {}
    for one in figures:
        if one["device"] == device:
            key = tuple(one[name] for name in KEY)
            spreads[key] = spreads.get(key, Spread()).joined(spread_of_row(one))
    counts: dict[str, dict[str, int]] = {}
    for one in requests:
        if one["device"] == device:
            before = counts.get(one["model"], {})
            counts[one["model"]] = {name: before.get(name, 0) + one[name] for name in COUNTS}
    return {
        "figures": [
            dict(zip(KEY, key, strict=True)) | {"mean": spread.mean, "sd": spread.sd, "n": spread.n}
            for key, spread in sorted(spreads.items())
        ],
        "requests": [{"model": model, **one} for model, one in sorted(counts.items())],
    }


def text_of(document: Mapping[str, Any]) -> str:
    """Return a document as its file has it."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def corrected_candidate(candidate: Candidate, statistics: Mapping[str, Any]) -> Candidate:
    """Return *candidate* with its times corrected by those in a device's part of a ``statistics`` document.

    It is estimated as long as one of its times that count is.
    """
    if candidate.place != "device":
        return candidate
    digest = candidate.variant.digest
    infer, load = (_field_spread(statistics, digest, "device", one) for one in ("infer", "load"))
    counts = [infer] if candidate.loaded else [infer, load]
    return replace(
        candidate,
        infer=corrected(candidate.infer, infer, estimated=candidate.estimated),
        load=corrected(candidate.load, load, estimated=candidate.estimated),
        estimated=candidate.estimated and not all(one.known for one in counts),
    )


def _field_spread(statistics: Mapping[str, Any], digest: str, place: str, quantity: str) -> Spread:
    """Return what a device's part of a ``statistics`` document says of a time; the unknown one when nothing."""
    found = Spread()
    for one in statistics["figures"]:
        if (one["digest"], one["place"], one["quantity"]) == (digest, place, quantity):
            found = found.joined(Spread(one["mean"], one["sd"], one["n"]))
    return found


def demand_of(statistics: Mapping[str, Any]) -> dict[str, int]:
    """Return how often a device's part of a ``statistics`` document says that each model was asked for."""
    return {one["model"]: one["count"] for one in statistics["requests"] if one["count"]}
