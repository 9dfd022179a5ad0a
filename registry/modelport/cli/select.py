"""``modelport select``: the variant of a model for a device, a network and a deadline, by the catalog's index alone."""

from __future__ import annotations

from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any, Final

from modelport.cli.asking import Problems, asked_request, take_negative
from modelport.cli.columns import aligned, milliseconds
from modelport.cli.list import read_index
from modelport.cli.profiles import Known, all_devices, find_profile, find_variants, tell_broken, tell_unknown
from modelport.cli.terminal import add_json, data, human_size, human_time, table, talk
from modelport.errors import InputError, NotFoundError
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from modelport.catalog.kept import KeptIndex
    from modelport.edge.select import Explanation, Ranked
    from modelport.edge.types import Candidate, Network, Request

__all__ = ["configure", "run"]

_HEADS: Final = ["variant", "place", "time (ms)", "bound (ms)", "accuracy", "size", "why"]
_NUMBERS: Final = {"time (ms)", "bound (ms)", "size"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    take_negative(parser)
    parser.add_argument(
        "name", metavar="NAME[:VERSION]", help="a model of the catalog; its latest version, or that one"
    )
    parser.add_argument("--device", required=True, metavar="ID", help="where it is to run: modelport device list")
    parser.add_argument("--network", metavar="ID", help="between the device and a server: modelport network list")
    parser.add_argument("--server", metavar="ID", help="an edge server, one of the devices, which holds all variants")
    parser.add_argument("--deadline-ms", type=float, metavar="N", help="when the answer is due")
    parser.add_argument("--min-accuracy", type=float, default=0.0, metavar="X", help="a share, for instance 0.9")
    parser.add_argument("--max-bytes", metavar="SIZE", help="what may be fetched to the device, for instance 200kB")
    parser.add_argument(
        "--battery-low", action="store_true",
        help="of equally accurate ones, the most sparing first; needs watts in the device's file",
    )  # fmt: skip
    parser.add_argument("--payload", default="0", metavar="SIZE", help="of what is sent to the server (default: 0)")
    parser.add_argument("--cold", action="store_true", help="count the loading: nothing stands ready on the device")
    parser.add_argument("--fetch", action="store_true", help="count the fetching: nothing lies on the device")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Choose; status 1 when nothing fits, and what is chosen is the best of what does not."""
    from modelport.edge.select import explain

    index = read_index(load_settings())
    problems = Problems()
    request, network = asked_request(options, problems), None
    with problems.told():
        network = _network(options, index)
    for name in filter(None, (options.device, options.server)):
        with problems.told():
            find_profile("device", name, index)
    with problems.told():
        known = find_variants(options.name, index)
    problems.check()
    tell_broken(index, "devices", "networks")
    candidates = _candidates(options, known, request, index)
    explanation = explain(candidates, network, request)
    choice = explanation.choice
    if choice is None:
        why = "; ".join(f"{one.candidate.label}: {one.reason}" for one in explanation.ranking)
        raise NotFoundError(f"no variant of {known.label} can answer: {why}", hint="ask for less, or add --server ID")
    data(
        _document(known, options, explanation) if options.json else "\n".join(_text(known, options.device, explanation))
    )
    if choice.degraded:
        talk("no variant fits what is asked for: this is the best of the others")
    return 1 if choice.degraded else 0


def _network(options: argparse.Namespace, index: KeptIndex) -> Network | None:
    from modelport.edge.profiles import network_of

    if options.network is None:
        if options.server or options.fetch:
            what = "a server is reached" if options.server else "variants are fetched"
            raise InputError(f"{what} by a network, and none is given", hint="add --network ID: modelport network list")
        return None
    return network_of(options.network, find_profile("network", options.network, index))


def _candidates(options: argparse.Namespace, known: Known, request: Request, index: KeptIndex) -> list[Candidate]:
    """Return the variants on the device, and on the server when there is one."""
    from modelport.edge.profiles import candidates_of

    devices = all_devices(index)
    kept = known.variants if options.fetch else _small_enough(known, request, needed=options.server is None)
    stored: Collection[str] | None = () if options.fetch else None
    found = candidates_of(known.name, kept, devices, on=options.device, loaded=not options.cold, stored=stored)
    tell_unknown(known.name, found, devices[options.device])
    if options.server is not None:
        found += candidates_of(known.name, known.variants, devices, on=options.server, place="server")
    elif options.network is not None and not options.fetch:
        talk("no server is considered: --server ID adds one")
    return found


def _small_enough(known: Known, request: Request, *, needed: bool) -> list[dict[str, Any]]:
    """Return the variants that may be fetched, and are then taken to lie on the device.

    Raises:
        NotFoundError: There is none, and one is needed.
    """
    most = inf if request.max_bytes is None else request.max_bytes
    sizes = {one["name"]: one.get("download", one["size"]) for one in known.variants}
    large = [name for name, size in sizes.items() if size > most]
    if needed and len(large) == len(sizes):
        least = min(sizes, key=lambda name: sizes[name])
        message = f"every variant of {known.label} is more than {human_size(most)} to fetch"
        raise NotFoundError(message, hint=f"the smallest is {least}: {sizes[least]} bytes")
    if large:
        talk(f"left out, more than {human_size(most)} to fetch: {', '.join(large)}")
    return [one for one in known.variants if one["name"] not in large]


def _text(known: Known, device: str, explanation: Explanation) -> list[str]:
    choice = explanation.choice
    if choice is None:
        return []
    time = "its time is not known" if isnan(choice.expected) else _time(choice.candidate, choice.expected)
    first, *others = explanation.ranking
    lines = [f"{known.label} for {device}: {choice.variant.name} on the {choice.place}, {time}"]
    lines += [f"  {reason}" for said in (first.reason, *choice.reasons[1:]) for reason in said.split("; ")]
    rows = [_HEADS, _cells(first, "chosen"), *(_cells(one, one.reason) for one in others)]
    return [*lines, "", table(aligned(rows, _NUMBERS)), "", *_legend(explanation.ranking)]


def _cells(ranked: Ranked, why: str) -> list[str]:
    variant = ranked.candidate.variant
    accuracy = "-" if variant.accuracy is None else f"{variant.accuracy:.3f} ±{variant.interval:.3f}"
    times = [milliseconds(one, estimated=ranked.candidate.estimated) for one in (ranked.expected, ranked.bound)]
    return [variant.name, ranked.candidate.place, *times, accuracy, human_size(variant.size), why]


def _legend(ranking: Sequence[Ranked]) -> list[str]:
    """Return what the words of the headings mean."""
    said = ["time: the mean; bound: two standard deviations more, which has to be in time; what is slower goes by it"]
    if any(one.candidate.variant.interval for one in ranking):
        said.append("accuracy: with half its 95 % interval; what lies within that of the most accurate ties with it")
    if any(one.candidate.estimated for one in ranking):
        said.append("about: estimated from the times on another device")
    return said


def _time(candidate: Candidate, seconds: float) -> str:
    return f"{'about ' if candidate.estimated else ''}{human_time(seconds)}"


def _document(known: Known, options: argparse.Namespace, explanation: Explanation) -> dict[str, Any]:
    choice = explanation.choice
    duplicate = choice.duplicate if choice else None
    asked = ("device", "network", "server", "deadline_ms", "min_accuracy", "max_bytes", "battery_low")
    return {
        "model": known.name,
        "version": known.version,
        **{key: getattr(options, key) for key in asked},
        "choice": choice
        and {
            **_row(choice.candidate, choice.expected, choice.bound),
            "degraded": choice.degraded,
            "duplicate": duplicate and {"variant": duplicate.candidate.variant.name, "start": duplicate.start},
            "reasons": list(choice.reasons),
        },
        "ranking": [
            {**_row(one.candidate, one.expected, one.bound), "standing": one.standing, "reason": one.reason}
            for one in explanation.ranking
        ],
    }


def _row(candidate: Candidate, expected: float, bound: float) -> dict[str, Any]:
    variant = candidate.variant
    return {
        "variant": variant.name,
        "place": candidate.place,
        "digest": variant.digest,
        "expected": expected if isfinite(expected) else None,
        "bound": bound if isfinite(bound) else None,
        "estimated": candidate.estimated,
        "accuracy": variant.accuracy,
        "size": variant.size,
        "download": variant.download,
    }
