"""What a model's code prints and warns of becomes lines of the service's log, each with its request's id.

It may print what a caller has sent: written as it is, that could forge lines of the log. What is not caught is what
libraries write past Python, to the file descriptor itself, and what processes write that the model starts.

The id is that of the call in whose context the code runs: in its thread, in tasks of `asyncio` and in what
`asyncio.to_thread` runs. What a `threading.Thread` of the model's own prints has none.
"""

from __future__ import annotations

import atexit
import codecs
import io
import logging
import os
import sys
import threading
import warnings
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["WARM_UP", "Log", "Printed", "begin", "end", "finish", "print_to", "request_fields"]

WARM_UP = "warm-up"
"""In place of a request's id, for the golden examples that a service calls before anybody does."""

_LONGEST = 2**16  # characters of a line, until it is cut
_ids: ContextVar[Sequence[str]] = ContextVar("request_ids", default=())
_begun: dict[int, dict[Printed, _Line]] = {}
"""The lines that each thread has begun, by its identifier: those of one that has ended are not to be lost."""
# A process that was forked has these lines from its parent, which will log them.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begun.clear)


def begin(request_ids: Sequence[str]) -> None:
    """Say which requests the model's code runs for in this context, until `end`."""
    _ids.set(request_ids)


def end() -> None:
    """Say that the model's code has come back: lines that it has begun are ended."""
    if type(sys.stdout) is not Printed or type(sys.stderr) is not Printed:
        _flush_wrappers()
    if _begun:
        _finish({threading.get_ident()} | (_begun.keys() - {one.ident for one in threading.enumerate()}))
    _ids.set(())


def finish() -> None:
    """End the lines of all threads: the process ends, whatever these are doing."""
    _finish(set(_begun))


def _finish(threads: set[int]) -> None:
    for thread in threads:
        for printed, line in _begun.pop(thread, {}).items():
            printed.log(line)


def _flush_wrappers() -> None:
    """Bring here what a model has written to a stream of its own around ``sys.stdout.buffer``."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # it is the model's, and may be closed
            stream.flush()


def request_fields(request_ids: Sequence[str] | None = None) -> dict[str, object]:
    """Return the fields of the log that name the requests; by default those that the model runs for in this context."""
    ids = [one for one in (_ids.get() if request_ids is None else request_ids) if one]
    if len(ids) > 1:
        return {"request_ids": ids}
    return {"request_id": ids[0]} if ids else {}


class Log(Protocol):
    """Where lines go."""

    def log(self, name: str, level: int, message: str, **fields: object) -> None:
        """Write one line at once; never raises, and runs no code of the model's."""


class _Line:
    """A line that has been begun: what would be seen of it, and whose it is."""

    __slots__ = ("_decoder", "_length", "_parts", "_returned", "ids")

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self._parts: list[str] = []
        self._length = 0
        self._returned = False
        self._decoder: codecs.IncrementalDecoder | None = None

    @property
    def is_long(self) -> bool:
        """Whether it is to be cut here."""
        return self._length > _LONGEST

    @property
    def is_open(self) -> bool:
        """Whether the bytes of a character may be missing."""
        return self._decoder is not None

    def decode(self, data: bytes) -> str:
        """Return the text that *data* goes on with; of a character that is not whole, the rest is waited for."""
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        return self._decoder.decode(data)

    def add(self, text: str) -> None:
        """Add *text*; what stands before a carriage return is drawn over, as bars of progress do it."""
        seen = text.rstrip("\r")
        if seen:
            _, drawn_over, last = seen.rpartition("\r")
            if drawn_over or self._returned:
                self._parts.clear()
                self._length = 0
            self._parts.append(last)
            self._length += len(last)
        self._returned = text != seen or (self._returned and not seen)

    def take(self) -> str:
        """Return what it says, and begin again."""
        text = "".join(self._parts)
        self._parts.clear()
        self._length, self._returned = 0, False
        return text

    def take_all(self) -> str:
        """Return what it says, to the last byte."""
        if self._decoder is not None:
            self.add(self._decoder.decode(b"", final=True))
        return self.take()


class Printed(io.TextIOBase):
    """A text stream in place of stdout or stderr, whose lines go to a log.

    They pass none of logging's loggers: a model may give these a handler that writes to this very stream.

    Args:
        name: What the log says for the logger.
        level: Of `logging`.
        log: Where the lines go.
        descriptor: The file descriptor of what it stands for, as processes that are started want it.
    """

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True
    write_through = False
    mode = "w"

    def __init__(self, name: str, level: int, log: Log, descriptor: int) -> None:
        super().__init__()
        self.name = name
        self._level = level
        self._log = log
        self._descriptor = descriptor
        self.buffer = _Bytes(self)

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor that it stands for."""
        return self._descriptor

    def reconfigure(self, **_: Any) -> None:  # noqa: ANN401 - whatever TextIOWrapper takes
        """Stay as it is: lines are written as they end, and any character can be."""

    def close(self) -> None:
        """Stay open: others print, too."""

    def write(self, text: str) -> int:
        """Log each line that *text* ends, and keep the rest for what this thread writes next in the same call."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._add(self._line(), text)
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Log *data* as `write` does its text, wherever characters are cut."""
        line = self._line()
        self._add(line, line.decode(data))

    def log(self, line: _Line) -> None:
        """Log a line that nothing is added to any more."""
        self._say(line.take_all(), line.ids)

    def _line(self) -> _Line:
        """Return the line that this call has begun in this thread; one of another call is ended."""
        lines, ids = _begun.setdefault(threading.get_ident(), {}), _ids.get()
        line = lines.pop(self, None)
        if line is not None and line.ids is not ids:
            self.log(line)
            line = None
        return line or _Line(ids)

    def _add(self, line: _Line, text: str) -> None:
        *ended, rest = text.split("\n")
        for part in ended:
            line.add(part)
            self._say(line.take(), line.ids)
        line.add(rest)
        if line.is_long:
            self._say(line.take(), line.ids)
        if rest or not ended or line.is_open:
            _begun.setdefault(threading.get_ident(), {})[self] = line

    def _say(self, text: str, ids: Sequence[str]) -> None:
        for start in range(0, len(text), _LONGEST):
            if (part := text[start : start + _LONGEST]).strip():
                self._log.log(self.name, self._level, part, **request_fields(ids))


class _Bytes(io.RawIOBase):
    """What ``sys.stdout.buffer`` is for a `Printed`."""

    def __init__(self, text: Printed) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text.fileno()

    def close(self) -> None:
        """Stay open, as the text does: a wrapper that is collected closes what it has wrapped."""

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever holds bytes
        found = bytes(data)
        self._text.write_bytes(found)
        return len(found)


def print_to(log: Log) -> Callable[[], None]:
    """Let *log* have what Python code prints from now on, and logging what it warns of.

    Returns:
        What puts all back as it was.
    """
    names = ("stdout", "__stdout__", "stderr", "__stderr__")
    before = {name: getattr(sys, name) for name in names}
    out, err = Printed("model.stdout", logging.INFO, log, 1), Printed("model.stderr", logging.WARNING, log, 2)
    sys.stdout, sys.stderr = out, err
    sys.__stdout__, sys.__stderr__ = out, err  # type: ignore[misc, assignment] # for good, as no text is to pass by
    show = warnings.showwarning
    logging.captureWarnings(capture=True)
    atexit.register(finish)

    def undo() -> None:
        atexit.unregister(finish)
        finish()
        if warnings.showwarning is not show:  # others may have captured them before
            logging.captureWarnings(capture=False)
        for name, stream in before.items():
            setattr(sys, name, stream)

    return undo
