"""MODI's figure 4, simulated: InceptionV3 on an edge server and on a phone, on the networks that the catalog has.

Transfers are MDInference's published networks, the server's time is the one that its authors published for InceptionV3
on a server with CPUs, the phone's is MODI's own for a Pixel 2 with the model loaded. Who decides sees each request's
transfer, and takes the place that answers sooner: both run the same model.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from tests.support.mdinference import SERVER

from modelport.edge.profiles import network_of
from modelport.edge.select import Selector
from modelport.edge.simulate import simulate
from modelport.edge.types import Candidate, Request, Spread

if TYPE_CHECKING:
    from modelport.edge.types import Network

__all__ = ["DEADLINE", "PHONE", "REQUESTS", "STANDING", "networks"]

CATALOG = Path(__file__).parents[2] / "catalog" / "networks"
PHONE = 0.536
"""Seconds on a Pixel 2 with the model loaded, as MODI reports."""
DEADLINE = 0.6
"""Seconds: MODI's end-to-end time on its worst network."""
REQUESTS = 20_000
STANDING = next(one for one in SERVER if one.variant.name == "inception_v3")
"""InceptionV3 on MDInference's server with CPUs."""


def networks(here: float) -> list[dict[str, Any]]:
    """Return what becomes of a classification on each network, in seconds and shares.

    Args:
        here: Seconds of a warm inference on this machine, to take it for the server, too.
    """
    found = []
    for file in sorted(CATALOG.glob("*.yaml")):
        document = yaml.safe_load(file.read_text("utf-8"))
        network = network_of(file.stem, document)
        found.append({"id": network.id, "title": document["title"], **_network(network, here)})
    return found


def _network(network: Network, here: float) -> dict[str, Any]:
    request = Request(deadline=DEADLINE)
    phone = Candidate(variant=STANDING.variant, infer=Spread(PHONE, 0.0, 1))
    places = {"device": [phone], "server": [STANDING], "either": [phone, STANDING]}
    outcomes = {}
    for name, among in places.items():
        selector = Selector(among)
        outcomes[name] = simulate(
            lambda met, selector=selector: selector.choose(request, met),  # type: ignore[misc]
            places["either"], network, request, requests=REQUESTS,
        )  # fmt: skip
    whole = Selector([STANDING]).choose(request, network).expected
    own = Selector([replace(STANDING, infer=Spread(here, 0.0, 1))]).choose(request, network).expected
    return {
        "transfer": whole - STANDING.infer.mean,
        "server": whole, "share": 1 - STANDING.infer.mean / whole,
        "server_here": own, "share_here": 1 - here / own,
        "in_time": {name: outcome.in_time for name, outcome in outcomes.items()},
        "remote": outcomes["either"].remote,
    }  # fmt: skip
