"""Many transfers at once: the largest first, so that none is left to run alone at the end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from modelport.oci.progress import log_notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from modelport.oci.descriptor import Descriptor
    from modelport.oci.progress import Notice, Progress
    from modelport.types import Digest

__all__ = ["AT_ONCE", "finishing", "lacking", "transfer"]

AT_ONCE = 8
"""How many transfers run side by side: enough to hide a registry's answering time, few enough for its limits."""

_GRACE = 10.0
"""Seconds that what is better finished is given when the others have stopped."""

_LOOK = 0.05  # seconds between two looks whether it is finished
_FAREWELL = 1.0
"""Seconds within which what is stopped ends as a rule; what stands still is not waited for when we are interrupted."""

_finishing: set[int] = set()
"""The threads that are within ``finishing``."""


class _StoppedError(Exception):
    """Another transfer failed: this one is given up where it stands."""


@contextmanager
def finishing() -> Iterator[None]:
    """Within it, this thread's transfer is not stopped at once: breaking off here would lose what has been done."""
    here = threading.get_ident()
    _finishing.add(here)
    try:
        yield
    finally:
        _finishing.discard(here)


def transfer(
    nodes: Iterable[Descriptor],
    move: Callable[[Descriptor, Progress], object],
    progress: Progress | None,
    notice: Notice = log_notice,
) -> None:
    """Call *move* with each of *nodes*, eight at a time, and return when all are done.

    After the first failure nothing new starts, and what runs is stopped at the next piece of which it tells; what is
    ``finishing`` a step is first given a few seconds for that. The same holds when the caller is interrupted; a second
    interruption stops everything at once.

    Args:
        nodes: What is to be moved, in any order.
        move: Moves one node, and calls the progress that it is given after each piece.
        progress: Told of every node first, with 0 bytes, so that it knows how much is to come; then what *move* tells;
            from one thread at a time.
        notice: Told when the end is waited for.

    Raises:
        Exception: The first failure, as *move* raised it.
    """
    _Transfers(sorted(nodes, key=lambda node: -node.size), move, progress, notice).run()


class _Transfers:
    def __init__(
        self,
        nodes: list[Descriptor],
        move: Callable[[Descriptor, Progress], object],
        progress: Progress | None,
        notice: Notice,
    ) -> None:
        self._left = iter(nodes)
        self._move = move
        self._progress = progress
        self._notice = notice
        self._lock, self._telling = threading.Lock(), threading.Lock()
        self._ending, self._stopped = threading.Event(), threading.Event()
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._failure: BaseException | None = None
        for node in nodes:
            self._tell(node, 0)
        # Daemons: whoever interrupts the process need not wait for a connection that stands still.
        count = min(AT_ONCE, len(nodes))
        self._threads = [threading.Thread(target=self._work, name=f"transfer-{n}", daemon=True) for n in range(count)]

    def run(self) -> None:
        for thread in self._threads:
            thread.start()
        try:
            left = len(self._threads)
            while left and self._failure is None:
                self._ended.get()
                left -= 1
        except KeyboardInterrupt:
            self._end()
            raise
        if self._failure is not None:
            self._end()
        for thread in self._threads:
            thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # which would keep this frame, and so all that the threads had open

    def _end(self) -> None:
        """Stop what runs; at once, but for what is better finished."""
        self._ending.set()
        try:
            if self._is_finishing():
                self._notice(
                    f"finishing what the registry would lose, {_GRACE:.0f} seconds at most; Ctrl-C stops at once"
                )
                deadline = time.monotonic() + _GRACE
                while self._is_finishing() and time.monotonic() < deadline:
                    time.sleep(_LOOK)
        finally:
            self._stopped.set()
            deadline = time.monotonic() + _FAREWELL
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _is_finishing(self) -> bool:
        return any(thread.ident in _finishing and thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        try:
            while not self._ending.is_set():
                with self._lock:
                    node = next(self._left, None)
                if node is None:
                    break
                self._move(node, self._tell)
        except BaseException as error:  # noqa: BLE001 - it is raised where the transfer was called
            with self._lock:
                if self._failure is None and not self._ending.is_set():
                    self._failure = error
        self._ended.put(None)

    def _tell(self, node: Descriptor, done: int) -> None:
        if self._stopped.is_set() or (self._ending.is_set() and threading.get_ident() not in _finishing):
            raise _StoppedError
        if self._progress:
            with self._telling:
                self._progress(node, done)


def lacking(nodes: Iterable[Descriptor], has: Callable[[Descriptor], bool]) -> set[Digest]:
    """Return what *has* says of to be missing; it is asked eight times at once."""
    missing: set[Digest] = set()

    def ask(node: Descriptor, _: Progress) -> None:
        if not has(node):
            missing.add(node.digest)

    transfer(nodes, ask, None)
    return missing
