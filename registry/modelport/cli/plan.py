"""``modelport plan``: which variants a device should keep under a storage budget, by the catalog's index alone."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from modelport.cli.asking import Problems, asked_prefix, asked_request, size_of, take_negative
from modelport.cli.list import read_index
from modelport.cli.plan_file import check_out, device_plan, write_plan
from modelport.cli.plan_lines import plan_text, tell_unserved
from modelport.cli.profiles import Known, all_devices, find_profile, find_variants, tell_broken, tell_unknown
from modelport.cli.terminal import add_json, data, talk
from modelport.errors import InputError, NotFoundError
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from modelport.catalog.kept import KeptIndex
    from modelport.edge.plan import Plan, Scenario
    from modelport.edge.types import Candidate, Variant

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    take_negative(parser)
    help_text = "a model and how often it is needed (default: 1, of all published ones with variants)"
    parser.add_argument("names", nargs="*", metavar="NAME[:VERSION][=DEMAND]", help=help_text)
    parser.add_argument("--device", metavar="ID", help="which device: modelport device list")
    help_text = "what devices measured (modelport edge export): for --device, or for every class of devices in it"
    parser.add_argument("--from", dest="field", type=Path, metavar="STATISTICS", help=help_text)
    parser.add_argument("--budget", metavar="SIZE", help="for the variants' files (default: what its profile allows)")
    parser.add_argument("--deadline-ms", type=float, metavar="N", help="when answers are due")
    parser.add_argument("--min-accuracy", type=float, default=0.0, metavar="X", help="a share, for instance 0.9")
    parser.add_argument("--server", metavar="ID", help="an edge server, one of the devices, which holds all variants")
    help_text = "a network by which the server is reached, and for which share of the time (default: 1)"
    parser.add_argument("--network", action="append", default=[], metavar="ID[=SHARE]", help=help_text)
    parser.add_argument("--payload", default="0", metavar="SIZE", help="of what is sent to the server (default: 0)")
    help_text = "write it as a file, too, which a device goes by without an edge server: Runtime.open(plan=Path(FILE))"
    parser.add_argument("--out", type=Path, metavar="FILE", help=help_text)
    help_text = "HOST[:PORT]/PREFIX that the device pulls from, for --out (default: the settings' registry)"
    parser.add_argument("--registry", metavar="PREFIX", help=help_text)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Plan; status 1 when something that is asked for is not served as asked, however much is kept."""
    from modelport.cli.field import parts_of

    settings = load_settings()
    index, registry = read_index(settings), asked_prefix(options.registry) or settings.registry
    if options.field is None and options.device is None:
        raise InputError("a plan is one for a device", hint="add --device ID: modelport device list")
    if options.registry is not None and options.out is None:
        raise InputError("--registry says where a plan's file has packages from", hint="add --out FILE")
    parts: dict[str, Any] = {options.device: None}
    if options.field is not None:
        parts = _asking(parts_of(options.field, options.device), options)
    check_out(options.out, server=options.server, classes=list(parts))
    asked = [Namespace(**vars(options) | {"device": name, "registry": registry}) for name in parts]
    plans = [_planned(one, index, parts[one.device]) for one in asked]
    tell_broken(index, "devices", "networks")
    if options.json:
        documents = [one.document for one in plans]
        data(documents if options.field is not None else documents[0])
    else:
        data("\n\n".join(one.text for one in plans))
    for one in plans:
        if one.file is not None:
            write_plan(options.out, one.file, registry)
    return 1 if any(one.is_unserved for one in plans) else 0


def _asking(parts: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Return the classes that asked for anything; all of them where the command names the models.

    Raises:
        NotFoundError: None of them did.
    """
    found = {name: part for name, part in parts.items() if options.names or any(r["count"] for r in part["requests"])}
    if not found:
        names = ", ".join(parts)
        raise NotFoundError(f"{names} asked for nothing, as {options.field} has it", hint="name the models to plan for")
    for name in parts.keys() - found.keys():
        talk(f"{name} asked for nothing: left out")
    return found


class _Planned(NamedTuple):
    """A device's plan: for programs, for people, for the device where a file is asked for; whether all is served."""

    document: dict[str, Any]
    text: str
    file: dict[str, Any] | None
    is_unserved: bool


def _planned(options: argparse.Namespace, index: KeptIndex, part: Mapping[str, Any] | None) -> _Planned:
    """Return a device's plan."""
    from modelport.edge.plan import Application, plan

    problems = Problems()
    request, demand = asked_request(options, problems), _demand(options, index, part, problems)
    scenarios, budget = _scenarios(options, index, problems), _budget(options, index, part, problems)
    problems.check()
    candidates = _candidates(options, [known for known, _ in demand], index, part)
    application = Application(
        name=options.device, demand={known.name: weight for known, weight in demand}, request=request
    )
    made = plan(candidates, [application], budget, scenarios=scenarios)
    file = None if options.out is None else device_plan(options.device, made, candidates, options.registry)
    versions = {known.name: known.version for known, _ in demand}
    shown = (options, made, versions, candidates)
    return _Planned(_document(*shown), plan_text(*shown), file, is_unserved=tell_unserved(made, request))


def _budget(options: argparse.Namespace, index: KeptIndex, part: Mapping[str, Any] | None, problems: Problems) -> int:
    """Return the bytes that there are: as asked, else as the device's profile says."""
    device: Mapping[str, Any] = index.devices.get(options.device, {})
    with problems.told():
        if part is None:
            device = find_profile("device", options.device, index)
    if options.budget is not None:
        with problems.told():
            return size_of(options.budget, "--budget")
    elif "storage" in device:
        return int(device["storage"])
    elif device or part is not None:
        lacks = (
            f"the profile of {options.device} does not"
            if device
            else f"the catalog has no profile of {options.device} to"
        )
        message = f"{lacks} say what models may take of its storage"
        with problems.told():
            raise InputError(message, hint="add --budget SIZE, for instance 20MB")
    return 0


def _demand(
    options: argparse.Namespace, index: KeptIndex, part: Mapping[str, Any] | None, problems: Problems
) -> list[tuple[Known, float]]:
    """Return the models that are asked for with their demand.

    Raises:
        NotFoundError: No model of the catalog has variants.
    """
    from modelport.catalog.filters import hidden
    from modelport.cli.field import names_asked

    chosen = options.names or names_asked(part, index)
    chosen = chosen or [row["name"] for row in index.rows if row["variants"] and not hidden(row)]
    found: dict[str, tuple[Known, float]] = {}
    if not chosen:
        hint = "modelport variants build makes variants, and an entry's variants/ holds what is known of them"
        raise NotFoundError("no published model of the catalog has variants", hint=hint)
    for text in chosen:
        weight = 1.0
        with problems.told():
            _, weight = _weighted(text, "a demand")
        with problems.told():
            known = find_variants(text.partition("=")[0], index)
            if known.name in found:
                hint = "name it once: one version of a model is kept on a device"
                raise InputError(f"{known.name} is asked for twice", hint=hint)
            found[known.name] = (known, weight)
    return list(found.values())


def _weighted(text: str, what: str) -> tuple[str, float]:
    """Return the two parts of ``NAME=NUMBER``; the number is 1 when it is left out."""
    name, equals, number = text.partition("=")
    try:
        weight = float(number) if equals else 1.0
    except ValueError:
        weight = -1.0
    if not 0 < weight < inf:
        raise InputError(f"{number!r} in {text!r} is not {what}", hint=_way_out(name, number))
    return name, weight


def _way_out(name: str, number: str) -> str:
    """Return how the number is written: per cent as a share."""
    try:
        share = float(number[:-1]) / 100 if number.endswith("%") else 0.0
    except ValueError:
        share = 0.0
    return f"write {name}={share:g}" if 0 < share < inf else "write a number above 0 after '='"


def _scenarios(options: argparse.Namespace, index: KeptIndex, problems: Problems) -> list[Scenario]:
    """Return where the device is for which share of its time; the rest is spent without a network."""
    from modelport.edge.plan import OFFLINE

    with problems.told():
        if options.server is not None:
            find_profile("device", options.server, index)
    with problems.told():
        if bool(options.network) != bool(options.server):
            missing, there = ("server", "network") if options.network else ("network", "server")
            hint = f"add --{missing} ID, too"
            raise InputError(f"a {there} is of no use to a plan without a {missing}", hint=hint)
    found: list[Scenario] = []
    for text in options.network:
        with problems.told():
            found.append(_scenario(text, index))
    together = sum(one.share for one in found)
    with problems.told():
        if together > 1 + 1e-9:
            hint = "write shares of the time, for instance --network home=0.6 --network lte=0.3"
            raise InputError(f"the networks' shares are {together:g} together, more than 1", hint=hint)
    return [*found, replace(OFFLINE, share=max(0.0, 1 - together))]


def _scenario(text: str, index: KeptIndex) -> Scenario:
    from modelport.edge.plan import Scenario
    from modelport.edge.profiles import network_of

    name, share = _weighted(text, "a share")
    return Scenario(name=name, share=share, network=network_of(name, find_profile("network", name, index)))


def _candidates(
    options: argparse.Namespace, models: Sequence[Known], index: KeptIndex, part: Mapping[str, Any] | None
) -> list[Candidate]:
    """Return the variants of *models* on the device, and on the server when there is one."""
    from modelport.edge.exports import corrected_candidate
    from modelport.edge.profiles import candidates_of
    from modelport.edge.types import Device

    devices = {options.device: Device(id=options.device)} | all_devices(index)
    found: list[Candidate] = []
    for known in models:
        local = candidates_of(known.name, known.variants, devices, on=options.device)
        local = [corrected_candidate(one, part) for one in local] if part is not None else local
        tell_unknown(known.name, local, devices[options.device])
        found += local
        if options.server is not None:
            found += candidates_of(known.name, known.variants, devices, on=options.server, place="server")
    return found


def _document(
    options: argparse.Namespace, made: Plan, versions: Mapping[str, str], candidates: Sequence[Candidate]
) -> dict[str, Any]:
    times = {one.variant.label: one for one in candidates if one.place == "device"}
    return {
        "device": options.device,
        "server": options.server,
        "budget": made.budget,
        "size": made.size,
        "worth": made.worth,
        "most": made.most,
        "known": made.known,
        "exact": made.exact,
        "keep": [_kept(variant, versions[variant.model], times[variant.label]) for variant in made.kept],
        "needs": [
            {
                "model": need.task,
                "scenario": need.scenario,
                "weight": need.weight,
                "accuracy": need.accuracy,
                "variant": need.by and need.by.variant.name,
                "place": need.by and need.by.place,
            }
            for need in made.needs
        ],
    }


def _kept(variant: Variant, version: str, candidate: Candidate) -> dict[str, Any]:
    mean = candidate.infer.mean
    known = isfinite(mean) and mean > 0
    return {
        "model": variant.model,
        "version": version,
        "variant": variant.name,
        "digest": variant.digest,
        "size": variant.size,
        "download": variant.download,
        "accuracy": variant.accuracy,
        "infer": mean if known else None,
        "estimated": known and candidate.estimated,
    }
