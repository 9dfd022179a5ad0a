"""Network namespaces of Linux: each a network of its own, and cables between them.

A namespace lives as long as the process that holds it, and that ends with whoever made it, however that ends: nothing
is named, and nothing can stay behind. Making one needs the right to (root's ``CAP_SYS_ADMIN``); `hindrance` tells.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
__all__ = ["Namespace", "cable", "has_netem", "hindrance", "namespace"]

_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network that the process *pid* holds."""

    pid: int

    def inside(self, *command: str) -> list[str]:
        """Return the command that runs *command* in this network; it becomes that command, with the same id."""
        return ["nsenter", f"--target={self.pid}", "--net", *command]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run *command* to its end in this network; raise CalledProcessError when it fails."""
        return subprocess.run(self.inside(*command), check=True, capture_output=True, text=True)

    def within(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, done by a thread in this network; the threads that it starts are there, too."""
        with ThreadPoolExecutor(1, initializer=self._enter) as thread:
            return thread.submit(work).result()

    def _enter(self) -> None:
        with Path(f"/proc/{self.pid}/ns/net").open("rb") as network:  # os.setns is of Python 3.12
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@cache
def hindrance() -> str:
    """Return why no namespaces can be made here; empty when they can."""
    missing = [tool for tool in ("ip", "unshare", "nsenter") if which(tool) is None]
    if missing:
        return f"not run: {', '.join(missing)} is not installed"
    done = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True, text=True)
    return f"not run: network namespaces need root here: {done.stderr.strip()}" if done.returncode else ""


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Give a network with nothing but its loopback until the context ends."""
    # `cat` ends when nobody can write to it any more; it says `ready` when it is in the new network.
    command = ["unshare", "--net", "cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write("ready\n")
        assert holder.stdout.readline() == "ready\n"
        made = Namespace(holder.pid)
        made.run("ip", "link", "set", "lo", "up")
        yield made


def cable(one: Namespace, address: str, other: Namespace, far_address: str, *, name: str) -> None:
    """Join two networks by a pair of interfaces, called *name* in both; they go with the namespaces.

    Args:
        one: A network.
        address: Its address on the cable, with the length of the network's part: ``10.0.0.1/24``.
        other: The other network.
        far_address: The other's address.
        name: The interfaces', at most 15 characters.
    """
    ends = ["name", name, "netns", str(one.pid), "type", "veth", "peer", "name", name, "netns", str(other.pid)]
    subprocess.run(["ip", "link", "add", *ends], check=True, capture_output=True)
    for place, local in ((one, address), (other, far_address)):
        place.run("ip", "address", "add", local, "dev", name)
        place.run("ip", "link", "set", name, "up")


def has_netem(place: Namespace) -> bool:
    """Tell whether the kernel can delay packets itself (``tc ... netem``)."""
    command = place.inside("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
    if subprocess.run(command, check=False, capture_output=True).returncode:
        return False
    place.run("tc", "qdisc", "del", "dev", "lo", "root")
    return True
