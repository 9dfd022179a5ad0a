"""``modelport device list|show|profile|bundle``: the catalog's devices, what is known of each, and how it is found."""

from __future__ import annotations

from textwrap import TextWrapper, wrap
from typing import TYPE_CHECKING, Any, Final

from modelport.cli.device_profile import add_profile
from modelport.cli.list import read_index
from modelport.cli.profiles import find_profile, tell_broken
from modelport.cli.terminal import add_json, data, human_size, human_time, table, talk
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["configure", "profile_lines", "run", "wrapped"]

_WIDTH = 100
_HEADS: Final = ["id", "kind", "cores", "memory", "figures", "estimates", "title"]
_LEGEND: Final = (
    "figures: measured on it, or published by others, whom `modelport device show ID` cites",
    "estimates: by which runtimes' anchors times there can be estimated; that says nothing of what else runs there",
)
_UNITS = {"seconds": " s", "share": "", "times": " times"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the devices")
    add_json(listing)
    listing.set_defaults(act=_list)
    showing = actions.add_parser("show", help="show what is known of a device, and from where")
    showing.add_argument("name", metavar="ID", help="a device, as `device list` shows it")
    add_json(showing)
    showing.set_defaults(act=_show)
    add_profile(actions)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    done: int = options.act(options)
    return done


def _list(options: argparse.Namespace) -> int:
    index = read_index(load_settings())
    tell_broken(index, "devices")
    devices = index.devices
    if options.json:
        data([{"id": name, **device} for name, device in devices.items()])
    elif devices:
        data(table([_HEADS, *(_cells(name, device) for name, device in devices.items())]))
        data("\n" + "\n".join(_LEGEND))
    else:
        talk("no devices")
    return 0


def _cells(name: str, device: Mapping[str, Any]) -> list[object]:
    cores = device.get("cores", "-")
    memory = human_size(device["memory"]) if "memory" in device else "-"
    anchors = ", ".join(sorted({anchor.partition("-")[0] for anchor in device.get("anchors", ())}))
    return [name, device.get("kind", "-"), cores, memory, device["source"], anchors or "none", device["title"]]


def _show(options: argparse.Namespace) -> int:
    device = find_profile("device", options.name, read_index(load_settings()))
    if options.json:
        data({"id": options.name, **device})
    else:
        data(wrapped(_text(options.name, device)))
    return 0


def _text(name: str, device: Mapping[str, Any]) -> Iterator[str]:
    facts = {
        "kind": device.get("kind"),
        "year": device.get("year"),
        "system": device.get("system"),
        "processor": device.get("cpu"),
        "cores": device.get("cores"),
        "memory": "memory" in device and human_size(device["memory"]),
        "storage": "storage" in device and f"{human_size(device['storage'])} for models",
        "power": "watts" in device and f"{device['watts']:g} W while it computes",
    }
    yield from profile_lines(name, device, facts)
    anchors = device.get("anchors", {})
    yield from (f"{'anchor':<12} {anchor} {human_time(anchors[anchor])}" for anchor in sorted(anchors))
    if not anchors:
        yield f"{'anchor':<12} none: times of variants that were not measured there cannot be estimated"
    for one in device.get("reported", ()):
        where = f" ({one['place']})" if "place" in one else ""
        yield f"{'reported':<12} {one['what']}: {one['value']:g}{_UNITS[one['unit']]}{where}"


def wrapped(lines: Iterable[str]) -> str:
    """Return *lines* as text, the long ones on several lines."""
    fill = TextWrapper(_WIDTH, subsequent_indent=" " * 13, break_long_words=False, break_on_hyphens=False).wrap
    return "\n".join(part for line in lines for part in fill(line) or [""])


def profile_lines(name: str, profile: Mapping[str, Any], facts: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines that tell of a device or a network: its name and title, the *facts* there are, and the source."""
    yield f"{name}: {profile['title']}"
    if "notes" in profile:
        yield from wrap(" ".join(profile["notes"].split()), _WIDTH)
    yield ""
    yield from (f"{key:<12} {value}" for key, value in facts.items() if value)
    when = f" on {profile['date']}" if "date" in profile else ""
    yield f"{'figures':<12} {profile['source']}{when}"
    for one in profile.get("citations", ()):
        arxiv = f"arXiv:{one['arxiv']}" if "arxiv" in one else None
        parts = [", ".join(one["authors"]), one["title"], one.get("venue"), one["year"], arxiv, one.get("url")]
        gives = f" ({one['gives']})" if "gives" in one else ""
        yield f"{'cite':<12} {'. '.join(str(part) for part in parts if part)}{gives}"
