"""What `variants measure` prints: a line for each variant and way to run it, and the anchors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelport.cli.terminal import data, human_size, human_time, plural, table, talk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.edge.measure import Measured

__all__ = ["Run", "show"]

_HEADS: Final = [
    "variant", "size", "gzip", "load", "first", "min", "p50", "p95", "x anchor", "open", "call", "memory", "accuracy",
    "as parent", "best",
]  # fmt: skip
_LEGEND: Final = (
    "size: of the variant's own file; gzip: what fetching the file moves",
    "load, first, min, p50, p95: of the file alone, to load it and to run it once, at best, mostly and at worst",
    "x anchor: p50 as a multiple of what the runtime's anchor, the same network everywhere, takes here",
    "open, call: of the whole package, to load it and to answer one example; decisions go by these",
    "as parent: the share of answers that are the model's own",
    "best: yes where no other is better in size, time, accuracy and memory together; spread: longest by shortest round",
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the command found.

    Attributes:
        device: The device's name in the catalog.
        rows: What a variants file says of each variant.
        measured: What they and the anchors took.
        parent: The accuracy of the model itself; None where nothing could be judged.
    """

    device: str
    rows: Sequence[Mapping[str, Any]]
    measured: Measured
    parent: Mapping[str, Any] | None


def show(run: Run, *, json_wanted: bool) -> None:
    """Print what was measured, as JSON or as tables; tell when the machine was too busy for it."""
    from modelport.edge.pareto import pareto, points_of
    from modelport.edge.probe import TRUSTED
    from modelport.edge.types import Device

    rows, measured, device, parent = run.rows, run.measured, run.device, run.parent

    best = {one.name for one in pareto(points_of(rows, device, {device: Device(id=device)}))}
    ratios = {name: one.ratio for name, one in measured.figures.items()}
    if measured.spread > TRUSTED:
        talk(
            f"the anchor's rounds lie apart by {measured.spread:.1f} times: something else kept the machine busy, and"
            " the times are not to be trusted"
        )
    if json_wanted:
        known = {
            "device": device,
            "spread": measured.spread,
            "interrupted": measured.interrupted,
            "anchors": _medians(measured),
        }
        extra = {row["name"]: {"ratio": ratios.get(row["name"]), "pareto": row["name"] in best} for row in rows}
        more = {"parent": dict(parent)} if parent else {}
        data({**known, **more, "variants": [{**row, **extra[row["name"]]} for row in rows]})
        return
    data(table([_HEADS, *(_cells(row, device, ratios, best) for row in rows)]))
    modes = [["variant", "run so", "min", "p50", "p95"], *(line for row in rows for line in _modes(row, device))]
    data("\n" + table(modes))
    said = ", ".join(f"{name} {human_time(time)}" for name, time in _medians(measured).items())
    data(f"\non {device}, one thread; anchors: {said}; their spread: {measured.spread:.2f}")
    if measured.interrupted:
        data(f"interrupted: {measured.interrupted:.1%} of the calls; they count in p95 and in whole calls alone")
    if parent:
        data(f"the model itself: {_accuracy(parent)} right of {parent['n']} ({parent['data']})")
    data("\n" + "\n".join(_LEGEND))


def _medians(measured: Measured) -> dict[str, float]:
    from statistics import median

    return {name: median(rounds) for name, rounds in measured.anchors.items()}


def _cells(row: Mapping[str, Any], device: str, ratios: Mapping[str, float | None], best: set[str]) -> list[str]:
    taken = row.get("measured", {}).get(device)
    if taken is None:
        return [row["name"], *[""] * (len(_HEADS) - 2), f"failed: {row.get('message', '')}"]
    infer, ratio = taken["infer"], ratios.get(row["name"])
    agreement = row.get("agreement")
    return [
        row["name"], human_size(row["size"]), human_size(row["download"]), human_time(taken["load"]["mean"]),
        human_time(taken["first"]), human_time(infer["min"]), human_time(infer["p50"]), human_time(infer["p95"]),
        f"{ratio:.2f}" if ratio else "-",
        *(human_time(taken[key]["mean"]) if key in taken else "-" for key in ("open", "call")),
        human_size(taken["memory"]) if "memory" in taken else "-",
        _accuracy(row.get("accuracy")), f"{agreement['value']:.2%}" if agreement else "-",
        "failed" if row["status"] != "ok" else "yes" if row["name"] in best else "no",
    ]  # fmt: skip


def _modes(row: Mapping[str, Any], device: str) -> list[list[str]]:
    found = []
    for mode in row.get("measured", {}).get(device, {}).get("modes", ()):
        how = f"{plural(mode['threads'], 'thread')}{'' if mode.get('xnnpack', True) else ', without XNNPACK'}"
        times = mode.get("infer")
        said = (
            [human_time(times[key]) for key in ("min", "p50", "p95")]
            if times
            else ["", "", f"failed: {mode['message']}"]
        )
        found.append([row["name"], how, *said])
    return found


def _accuracy(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    low, high = figure["interval"]
    return f"{figure['value']:.2%} ({100 * low:.1f} to {100 * high:.1f})"
