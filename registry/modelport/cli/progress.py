"""How far transfers and long work have come: one line on a terminal that is drawn anew, plain lines anywhere else.

::

    pulling  3 of 8 blobs  [=========>          ]  45%  512.0 MB of 1.1 GB  83.2 MB/s  0:07 left

A line that is wider than the terminal loses its less important parts. Nothing but a carriage return moves the cursor,
so that any terminal will do.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelport.cli.terminal import draw, human_size, plural, talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.oci import Descriptor
    from modelport.oci.progress import Progress

__all__ = ["State", "Steps", "Tally", "drawn", "drawn_steps", "steps", "summary", "transfers"]

_INTERVAL = 0.1  # seconds between two drawings
_WINDOW = 5.0  # seconds over which a rate is taken: long enough to be calm, short enough to tell of a stall
_LEAP = 8 * 1024 * 1024  # more bytes than come at once: they were there already
_BAR = 20
_MINUTE, _DAY = 60, 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How transfers stand at a moment.

    Attributes:
        blobs: How many blobs are to move; *blobs_done* of them are there.
        total: Their bytes; *done* of them are there, and *moved* of these came just now.
        here: How many blobs needed no transfer.
        earlier: How many of the bytes that are there did not come just now.
        rate: Bytes per second, lately.
        seconds: Since the start.
    """

    blobs: int
    blobs_done: int
    total: int
    done: int
    moved: int
    here: int
    rate: float
    seconds: float
    earlier: int = 0


class Tally:
    """What has moved so far; told by any number of threads, read by the one that draws."""

    def __init__(self, start: float) -> None:
        self.start = start
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._here: set[str] = set()
        self._earlier: dict[str, int] = {}
        self._moved = 0
        self._samples: deque[tuple[float, int]] = deque([(start, 0)])

    def tell(self, node: Descriptor, done: int) -> None:
        """Take note that *done* bytes of a blob are there: a ``Progress``."""
        key = str(node.digest)
        with self._lock:
            if key not in self._sizes and done == node.size:
                self._here.add(key)  # never announced: it was there before anything moved
                return
            step = done - self._done.get(key, 0)
            self._sizes[key], self._done[key] = node.size, done
            # What is begun anew counts as moved each time, but is there once: what was there is kept apart.
            before = self._earlier.get(key, 0) + (step if step > _LEAP else 0)
            self._earlier[key] = min(before, done)
            if 0 < step <= _LEAP:
                self._moved += step

    def state(self, now: float) -> State:
        """Return how things stand."""
        with self._lock:
            while len(self._samples) > 1 and now - self._samples[0][0] > _WINDOW:
                self._samples.popleft()
            before, moved = self._samples[0]
            self._samples.append((now, self._moved))
            return State(
                blobs=len(self._sizes),
                blobs_done=sum(self._done[key] == size for key, size in self._sizes.items()),
                total=sum(self._sizes.values()),
                done=sum(self._done.values()),
                moved=self._moved,
                here=len(self._here),
                rate=(self._moved - moved) / (now - before) if now > before else 0.0,
                seconds=now - self.start,
                earlier=sum(self._earlier.values()),
            )


def drawn(verb: str, state: State, width: int) -> str:
    """Return the line for a terminal of *width* columns, which is never longer than that leaves room for."""
    share = min(1.0, state.done / state.total) if state.total else 0.0
    filled = int(share * _BAR)
    bar = "=" * filled + (">" if filled < _BAR else "")
    left = max(0, state.total - state.done) / state.rate if state.rate else _DAY
    # In the order of the line; what has the highest number goes first when there is no room.
    parts = [
        (1, verb),
        (4, f"{state.blobs_done} of {state.blobs} blobs"),
        (5, f"[{bar:<{_BAR}}]"),
        (0, f"{share:4.0%}"),
        (2, f"{human_size(state.done)} of {human_size(state.total)}"),
        (3, f"{human_size(state.rate)}/s"),
        (6, f"{_clock(left)} left" if left < _DAY else "waiting"),
    ]
    while True:
        line = "  ".join(text for _, text in parts)
        if len(line) < width or len(parts) == 1:
            return line[: max(0, width - 1)]
        parts.remove(max(parts))


def summary(done: str, state: State) -> str:
    """Return the line that tells what was *done* ("pulled") when it is over."""
    if not state.blobs:
        return f"nothing to move: all is there ({_blobs(state.here)})" if state.here else "nothing to move"
    rate = f" ({human_size(state.moved / state.seconds)}/s)" if state.seconds >= 1 and state.moved else ""
    took = f"{state.seconds:.1f} s" if state.seconds < _MINUTE else _clock(state.seconds)
    parts = [f"{done} {_blobs(state.blobs)}, {human_size(state.done)}, in {took}{rate}"]
    if state.earlier:
        parts.append(f"{human_size(state.earlier)} of that were there before")
    if state.here:
        parts.append(f"{_blobs(state.here)} needed no transfer")
    return "; ".join(parts)


@contextmanager
def transfers(verb: str, done: str) -> Iterator[Progress]:
    """Give a progress callback, and show what it is told: on stderr, as a line that is drawn anew on a terminal.

    What the registry's client logs meanwhile is said in lines of its own, which leave the drawn one whole.

    Args:
        verb: What goes on ("pulling").
        done: What has happened when it ends without an error ("pulled"), for the last line.
    """
    tally, over = Tally(time.monotonic()), threading.Event()
    on_terminal = sys.stderr.isatty()
    drawing = threading.Thread(target=_draw, args=(verb, tally, over), daemon=True)
    if on_terminal:
        drawing.start()
    try:
        with _log_said():
            yield tally.tell
    finally:
        over.set()
        if on_terminal:
            drawing.join()
    talk(summary(done, tally.state(time.monotonic())))


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        talk(record.getMessage())


@contextmanager
def _log_said() -> Iterator[None]:
    """Say what the registry's client logs, each line once, however many of these are open."""
    logger, said = logging.getLogger("modelport.oci"), _Said(logging.WARNING)
    if any(isinstance(handler, _Said) for handler in logger.handlers):
        yield
        return
    logger.addHandler(said)
    try:
        yield
    finally:
        logger.removeHandler(said)


def _draw(verb: str, tally: Tally, over: threading.Event) -> None:
    """Draw until it is *over*, then leave no line behind."""
    while not over.wait(_INTERVAL):
        state = tally.state(time.monotonic())
        if state.blobs:
            draw(drawn(verb, state, _columns()))
    draw("")


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def _blobs(count: int) -> str:
    return plural(count, "blob")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass(slots=True)
class Steps:
    """Long work of a known number of steps; one thread does it and tells, another may draw.

    Attributes:
        total: How many steps there are; 0 while nobody knows.
        done: How many of them are over.
        doing: What goes on.
        since: When that began, in seconds of `time.monotonic`.
    """

    total: int = 0
    done: int = 0
    doing: str = ""
    since: float = 0.0

    def tell(self, doing: str) -> None:
        """Take note of what goes on now; it is said in a line of its own where no terminal shows it."""
        self.doing, self.since = doing, time.monotonic()
        if not sys.stderr.isatty():
            talk(doing)


def drawn_steps(work: Steps, now: float, width: int) -> str:
    """Return the line for a terminal of *width* columns, which is never longer than that leaves room for."""
    if not work.doing:
        return ""
    filled = int(work.done / work.total * (_BAR - 1)) if work.total else 0
    step = min(work.done + 1, work.total)
    count = f"{step:>2} of {work.total}  [{'=' * filled + '>':<{_BAR}}]  " if work.total else ""
    line = f"{count}{work.doing}  {_clock(now - work.since)}"
    return line if len(line) < width else line.removeprefix(count)[: max(0, width - 1)]


@contextmanager
def steps() -> Iterator[Steps]:
    """Give what long work tells how far it is, and show that on stderr until the block ends."""
    work, over = Steps(), threading.Event()

    def show() -> None:
        while not over.wait(_INTERVAL):
            draw(drawn_steps(work, time.monotonic(), _columns()))
        draw("")

    drawing = threading.Thread(target=show, daemon=True)
    if sys.stderr.isatty():
        drawing.start()
    try:
        yield work
    finally:
        over.set()
        if drawing.ident is not None:
            drawing.join()
