"""``modelport device profile|bundle``: measures this machine, or writes what measures one without Modelport."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.cli.terminal import data, talk
from modelport.errors import InputError, SetupError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

__all__ = ["add_profile"]

_ROUNDS = 7


def add_profile(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the actions to those of ``modelport device``."""
    profiling = actions.add_parser(
        "profile", help="measure this machine: a profile to submit as catalog/devices/ID.yaml"
    )
    profiling.add_argument("--out", type=Path, metavar="FILE", help="where to write the profile; else it is printed")
    profiling.add_argument(
        "--rounds", type=int, default=_ROUNDS, metavar="N", help=f"rounds of each anchor ({_ROUNDS})"
    )
    help_text = (
        "measure networks, too, of which publications tell times, so that times on those devices can be estimated:"
        " these, or all that are known (needs the extras keras and variants, and some minutes)"
    )
    profiling.add_argument("--networks", nargs="*", metavar="NAME", help=help_text)
    profiling.set_defaults(act=_profile)
    help_text = "write a program of three files that does so on a device with Python and LiteRT, without Modelport"
    bundling = actions.add_parser("bundle", help=help_text)
    bundling.add_argument("--out", type=Path, metavar="DIR", required=True, help="the folder to write")
    bundling.set_defaults(act=_bundle)


def _profile(options: argparse.Namespace) -> int:
    from modelport.catalog.writer import device_yaml
    from modelport.edge import probe
    from modelport.edge.anchor import ANCHORS
    from modelport.edge.interface import present
    from modelport.edge.measure import measure_anchors
    from modelport.edge.records import renewed_profile
    from modelport.edge.trial import DISTRIBUTIONS

    if problem := probe.unwritable(options.out):
        raise InputError(problem, hint="name a file in a folder that is there")
    _check_name(options.out)
    before = _before(options.out)
    runtimes = [one for one in ANCHORS if present([DISTRIBUTIONS[one][1]])]
    if not runtimes:
        raise InputError("no runtime is installed that could be measured", hint="pip install 'modelport[edge]'")
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        networks = _networks(options.networks, runtimes, Path(folder))
        anchors = measure_anchors(runtimes, Path(folder), rounds=options.rounds, networks=networks)
    document = probe.profile(anchors, probe.tools_of([DISTRIBUTIONS[one][0] for one in runtimes]))
    if options.out is None:
        data(device_yaml(document).rstrip("\n"))
    else:
        joined = renewed_profile(before, document)
        options.out.write_text(device_yaml(joined), "utf-8")
        talk(f"wrote {options.out}{_next(options.out, probe.name_of(document))}")
        if stays := _stays(before, document):
            talk(f"of what it said before, this stays, for it was not measured: {', '.join(stays)}")
    if document["spread"] > probe.TRUSTED:
        talk(f"the rounds lie apart by {document['spread']} times: run it again when nothing else runs")
    return 0


def _check_name(file: Path | None) -> None:
    """Refuse a file that lies in a catalog under a name that no profile may have there.

    Raises:
        InputError: It does.
    """
    from modelport.catalog.rules.profiles import PROFILE_NAMES, is_profile_name
    from modelport.edge import probe

    if file is None or not _is_in_catalog(file) or is_profile_name(file.stem):
        return
    lower = file.stem.lower()
    name = lower if is_profile_name(lower) else probe.name_of({"title": lower})
    hint = f"{PROFILE_NAMES}: --out {file.with_name(name)}.yaml"
    raise InputError(f"{file}: the catalog takes no profile called {file.stem!r}", hint=hint)


def _before(file: Path | None) -> dict[str, Any]:
    """Return the profile that is in *file* already; nothing where there is none.

    Raises:
        InputError: What is there is no profile, or not one of this machine.
    """
    from modelport.catalog.reader import read_yaml
    from modelport.edge import probe

    if file is None or not file.exists():
        return {}
    try:
        known = read_yaml(file.read_bytes(), str(file)).value
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}", hint="name another file") from error
    if not isinstance(known, dict) or known.get("schema") != "modelport/device/1":
        raise InputError(f"{file} is there, and is no device's profile", hint="name another file, or remove it")
    here = probe.facts()
    other = [key for key in ("cpu", "cores") if known.get(key, here.get(key)) != here.get(key)]
    if other or known.get("source") == "published":
        what = f"of another machine ({', '.join(other)})" if other else "made of published figures"
        raise InputError(f"{file} is there, and is {what}", hint="name another file, or remove it")
    return known


def _stays(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return which parts of the profile *before* stay beside what was measured *now*."""
    own = [key for key, value in before.items() if key not in now or (key == "title" and value != now[key])]
    return [*own, *sorted(before.get("anchors", {}).keys() - now["anchors"].keys())]


def _next(file: Path, name: str) -> str:
    """Return what is to be done with a profile in *file*: nothing where a catalog has it there already."""
    if _is_in_catalog(file):
        return f": the catalog has it as {file.stem}; modelport check looks through it"
    return f"; submit it as catalog/devices/{name}.yaml"


def _is_in_catalog(file: Path) -> bool:
    return file.suffix == ".yaml" and file.resolve().parent.parts[-2:] == ("catalog", "devices")


def _networks(names: list[str] | None, runtimes: list[str], folder: Path) -> list[Path]:
    """Return the files of the networks that shall be measured: those called *names*, or all where none is."""
    from modelport.edge.named import NETWORKS, network_files

    if names is None:
        return []
    if unknown := sorted(set(names) - NETWORKS.keys()):
        raise InputError(f"there is no network {', '.join(unknown)}", hint=f"there are: {', '.join(NETWORKS)}")
    if "litert" not in runtimes:
        raise InputError("LiteRT is not installed, which runs the networks", hint="pip install 'modelport[edge]'")
    talk("making the networks")
    return network_files(list(dict.fromkeys(names)) or list(NETWORKS), folder)


def _bundle(options: argparse.Namespace) -> int:
    from modelport.edge.anchor import write_bundle

    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"{options.out} is a file, and the bundle is a folder", hint="name a folder")
    if options.out.exists() and any(options.out.iterdir()):
        raise InputError(f"{options.out} is there and is not an empty folder", hint="name another folder")
    try:
        files = write_bundle(options.out)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error.strerror}", hint="name another folder") from error
    data("\n".join(map(str, files)))
    talk(f"on the device: pip install ai-edge-litert, then python {files[0].name} --out profile.yaml")
    return 0
