"""What `modelport plan` prints: what is kept, who serves what, and what would where nobody does."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Final

from modelport.cli.columns import aligned, milliseconds
from modelport.cli.terminal import human_size, plural, table, talk

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from modelport.edge.plan import Need, Plan, Would
    from modelport.edge.types import Candidate, Request, Variant

__all__ = ["plan_text", "tell_unserved"]

_KEPT: Final = ["model", "version", "variant", "size", "accuracy", "time (ms)"]
_SERVED: Final = ["network", "weight", "model", "served by", "accuracy"]
_NUMBERS: Final = {"size", "accuracy", "time (ms)", "weight"}


def plan_text(
    options: argparse.Namespace, made: Plan, versions: Mapping[str, str], candidates: Sequence[Candidate]
) -> str:
    """Return the plan as text: what it is worth, what is kept, and who serves each need where there are networks."""
    size = f"{human_size(made.size)} of {human_size(made.budget)}"
    head = f"{options.device} keeps {plural(len(made.kept), 'variant')}, {size}: {_worth(made)}"
    times = {one.variant.label: one for one in candidates if one.place == "device"}
    rows = [_kept_cells(variant, versions[variant.model], times[variant.label]) for variant in made.kept]
    lines = [head, "", table(aligned([_KEPT, *rows], _NUMBERS))]
    if options.network:
        lines += ["", table(aligned([_SERVED, *map(_need_cells, made.needs)], _NUMBERS))]
        lines += ["", "weight: how often the model is needed, times the network's share of the time"]
    return "\n".join(lines)


def _worth(made: Plan) -> str:
    total = sum(need.weight for need in made.needs)
    served = sum(need.weight for need in made.needs if need.by is not None)
    if not served:
        return "nothing is served as asked"
    known = [need for need in made.needs if need.by is not None and need.accuracy is not None]
    if not known:
        return "all is served, and nobody measured how accurately"
    mean = sum(need.weight * (need.accuracy or 0.0) for need in known) / sum(need.weight for need in known)
    if served < total:
        return f"{served / total:.0%} of what is asked for is served, with accuracy {mean:.3f} on average"
    judged = "" if made.known == 1 else f"; of {made.known:.0%} of what is asked for, the rest nobody judged"
    # The rule takes the quicker of two that tie, whose figure may be the lower one.
    most = f"{made.most:.3f}" if round(made.most, 3) >= round(made.worth, 3) else "and no more"
    return f"accuracy {made.worth:.3f} on average, {most} if it kept all{judged}"


def _kept_cells(variant: Variant, version: str, candidate: Candidate) -> list[str]:
    time = milliseconds(candidate.infer.mean, estimated=candidate.estimated)
    return [variant.model, version, variant.name, human_size(variant.size), _accuracy(variant.accuracy), time]


def _accuracy(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.3f}"


def _need_cells(need: Need) -> list[str]:
    by = "nobody as asked" if need.by is None else f"{need.by.variant.name} on the {need.by.place}"
    return [need.scenario, f"{need.weight:.2g}", need.task, by, "-" if need.by is None else _accuracy(need.accuracy)]


def tell_unserved(made: Plan, request: Request) -> bool:
    """Tell what is not served as asked, and what would serve it; return whether there is such."""
    if not made.exact:
        talk("a good plan, and perhaps not the best one: there are too many variants to try all sets")
    unserved = [need for need in made.needs if need.by is None]
    for need in unserved:
        where = "without a network" if need.scenario == "offline" else f"on {need.scenario}"
        ways = list(_ways_out(need.would, request)) if need.would is not None else []
        talk(f"{need.task}: {where}, nothing that is kept answers in time and accurately enough")
        for way in ways or ["its variants were not measured there: modelport variants measure"]:
            talk(f"  hint: {way}")
    return bool(unserved)


def _ways_out(would: Would, request: Request) -> Iterator[str]:
    """Yield what alone would be enough; where nothing is, the best that there is of both."""
    if would.kept is not None:
        yield f"{would.kept.label} would, if the budget held its {human_size(would.kept.variant.size)} as well"
        return
    if would.in_time is not None and (accuracy := would.in_time.variant.accuracy) is not None:
        lower = floor(accuracy * 10_000) / 10_000  # so that it is reached
        yield f"--min-accuracy {lower:g} is what there is in time: {would.in_time.label}"
    if would.accurate is not None and isfinite(would.seconds):
        yield f"--deadline-ms {_longer(would.seconds)} is what it takes{_besides(would)}: {would.accurate.label}"
    elif would.accurate is not None and isfinite(request.deadline):
        said = f"without --deadline-ms {would.accurate.label} would{_besides(would)}"
        yield f"{said}: nobody measured its time there"
    elif would.in_time is None and request.min_accuracy > 0:
        yield f"no variant reaches an accuracy of {request.min_accuracy:g}, and none is in time: ask for less of both"


def _besides(would: Would) -> str:
    if not would.is_too_large or would.accurate is None:
        return ""
    return f", and a budget that holds {human_size(would.accurate.variant.size)} as well"


def _longer(seconds: float) -> str:
    """Return milliseconds with three digits, and no less than *seconds*."""
    step = 10.0 ** (floor(log10(1000 * seconds)) - 2) if seconds > 0 else 1.0
    return f"{ceil(1000 * seconds / step) * step:.6g}"
