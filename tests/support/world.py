"""A device and an edge server in networks of their own, and between them nothing but a relay."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.namespaces import Namespace, cable, namespace
from tests.support.relay import Relay, relay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["SERVER", "World", "world"]

SERVER = "10.77.2.2"
"""Where the server listens, in its own network."""
_DOOR = "10.77.1.2"


@dataclass(frozen=True, slots=True)
class World:
    """Both networks, and who stands between.

    Attributes:
        device: The device's network.
        server: The server's.
        relay: The only way between them.
        door: The server's address as the device sees it.
    """

    device: Namespace
    server: Namespace
    relay: Relay
    door: str = _DOOR


@contextmanager
def world(folder: Path, ports: Sequence[int]) -> Iterator[World]:
    """Make a world whose device reaches *ports* of the server, until the context ends.

    Args:
        folder: For the relay's socket; its path must be short (Linux allows 107 characters).
        ports: The server's. Its network is its own: all are free.
    """
    with namespace() as device, namespace() as between, namespace() as server:
        cable(device, "10.77.1.1/24", between, f"{_DOOR}/24", name="near")
        cable(between, "10.77.2.1/24", server, f"{SERVER}/24", name="far")
        with relay(between, folder / "relay", SERVER, ports) as told:
            yield World(device, server, told)
