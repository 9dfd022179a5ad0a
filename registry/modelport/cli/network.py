"""``modelport network list|show``: the catalog's networks between devices and edge servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelport.cli.device import profile_lines, wrapped
from modelport.cli.list import read_index
from modelport.cli.profiles import find_profile, tell_broken
from modelport.cli.terminal import add_json, data, human_size, human_time, table, talk
from modelport.settings import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

__all__ = ["configure", "run"]

_HEADS: Final = ["id", "one way", "carries", "figures", "title"]
_LEGEND: Final = (
    "one way: what a small message takes, the mean and the standard deviation",
    "figures: measured, or published by others, whom `modelport network show ID` cites",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the networks")
    add_json(listing)
    listing.set_defaults(act=_list)
    showing = actions.add_parser("show", help="show what is known of a network, and from where")
    showing.add_argument("name", metavar="ID", help="a network, as `network list` shows it")
    add_json(showing)
    showing.set_defaults(act=_show)


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    done: int = options.act(options)
    return done


def _list(options: argparse.Namespace) -> int:
    index = read_index(load_settings())
    tell_broken(index, "networks")
    networks = index.networks
    if options.json:
        data([{"id": name, **network} for name, network in networks.items()])
    elif networks:
        rows = [[name, _delay(one), _rate(one), one["source"], one["title"]] for name, one in networks.items()]
        data(table([_HEADS, *rows]))
        data("\n" + "\n".join(_LEGEND))
    else:
        talk("no networks")
    return 0


def _show(options: argparse.Namespace) -> int:
    network = find_profile("network", options.name, read_index(load_settings()))
    if options.json:
        data({"id": options.name, **network})
        return 0
    facts = {
        "one way": _delay(network),
        "carries": _rate(network),
        "loses": "loss" in network and f"{network['loss']:.3%} of messages",
        "power": "watts" in network and f"{network['watts']:g} W of a device's radio that waits",
    }
    data(wrapped(profile_lines(options.name, network, facts)))
    return 0


def _delay(network: Mapping[str, Any]) -> str:
    way = network["one_way"]
    return f"{human_time(way['mean'])} +- {human_time(way['sd'])}"


def _rate(network: Mapping[str, Any]) -> str:
    rate = network.get("bytes_per_second")
    return "bandwidth unknown" if rate is None else f"{human_size(rate)}/s"
