"""Many transfers at once: the largest first, so that none is left to run alone at the end."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Progress
    from modelport.types import Digest

__all__ = ["AT_ONCE", "lacking", "transfer"]

AT_ONCE = 8
"""How many transfers run side by side: enough to hide a registry's answering time, few enough for its limits."""


class _StoppedError(Exception):
    """Another transfer failed: this one is given up where it stands."""


def transfer(
    nodes: Iterable[Descriptor], move: Callable[[Descriptor, Progress], object], progress: Progress | None
) -> None:
    """Call *move* with each of *nodes*, eight at a time, and return when all are done.

    After the first failure nothing new starts, and what runs is stopped at the next piece of which it tells. The same
    holds when the caller is interrupted.

    Args:
        nodes: What is to be moved, in any order.
        move: Moves one node, and calls the progress that it is given after each piece.
        progress: Told of every node first, with 0 bytes, so that it knows how much is to come; then what *move* tells;
            from one thread at a time.

    Raises:
        Exception: The first failure, as *move* raised it.
    """
    stopped, telling = threading.Event(), threading.Lock()

    def tell(node: Descriptor, done: int) -> None:
        if stopped.is_set():
            raise _StoppedError
        if progress:
            with telling:
                progress(node, done)

    ordered = sorted(nodes, key=lambda node: -node.size)
    for node in ordered:
        tell(node, 0)
    with ThreadPoolExecutor(max(1, min(AT_ONCE, len(ordered))), thread_name_prefix="transfer") as pool:
        running = [pool.submit(move, node, tell) for node in ordered]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            failures = [error for one in running if one in done and (error := one.exception())]
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise failures[0]


def lacking(nodes: Iterable[Descriptor], has: Callable[[Descriptor], bool]) -> set[Digest]:
    """Return what *has* says of to be missing; it is asked eight times at once."""
    missing: set[Digest] = set()

    def ask(node: Descriptor, _: Progress) -> None:
        if not has(node):
            missing.add(node.digest)

    transfer(nodes, ask, None)
    return missing
