"""What a model's code prints and warns of becomes lines of the service's log, each with its request's id.

It may print what a caller has sent: written as it is, that could forge lines of the log. What is not caught is what
libraries write past Python, to the file descriptor itself, and what processes write that the model starts.

The id is that of the call in whose context the code runs: in its thread, and in tasks and threads of `asyncio`. What a
`threading.Thread` of the model's own prints has none.
"""

from __future__ import annotations

import codecs
import io
import logging
import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["WARM_UP", "Log", "Printed", "begin", "end", "print_to", "request_fields"]

WARM_UP = "warm-up"
"""In place of a request's id, for the golden examples that a service calls before anybody does."""

_LONGEST = 2**16  # characters of a line, until it is cut
_ids: ContextVar[Sequence[str]] = ContextVar("request_ids", default=())


def begin(request_ids: Sequence[str]) -> None:
    """Say which requests the model's code runs for in this context, until `end`."""
    _ids.set(request_ids)


def end() -> None:
    """Say that the model's code has come back: lines that it has begun are ended."""
    if _thread.begun.lines:
        _thread.begun.finish()
    _ids.set(())


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

    __slots__ = ("_length", "_parts", "_returned", "ids")

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids
        self._parts: list[str] = []
        self._length = 0
        self._returned = False

    @property
    def is_long(self) -> bool:
        """Whether it is to be cut here."""
        return self._length > _LONGEST

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


class _Begun:
    """The lines that one thread has begun, and the bytes of their last characters; what ends with the thread."""

    def __init__(self) -> None:
        self.lines: dict[Printed, _Line] = {}
        self.decoders: dict[Printed, codecs.IncrementalDecoder] = {}

    def finish(self) -> None:
        """Log the lines."""
        while self.lines:
            printed, line = self.lines.popitem()
            printed.log(line)

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter may be on its way out
            self.finish()


class _Thread(threading.local):
    def __init__(self) -> None:
        self.begun = _Begun()


_thread = _Thread()


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
        lines, ids = _thread.begun.lines, _ids.get()
        line = lines.pop(self, None)
        if line is not None and line.ids is not ids:
            self.log(line)
            line = None
        line = line or _Line(ids)
        *ended, rest = text.split("\n")
        for part in ended:
            line.add(part)
            self.log(line)
        line.add(rest)
        if line.is_long:
            self.log(line)
        if rest or not ended:
            lines[self] = line
        return len(text)

    def log(self, line: _Line) -> None:
        """Log a line, unless it is blank."""
        text = line.take()
        for start in range(0, len(text), _LONGEST):
            if (part := text[start : start + _LONGEST]).strip():
                self._log.log(self.name, self._level, part, **request_fields(line.ids))


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
        found, decoders = bytes(data), _thread.begun.decoders
        if self._text not in decoders:
            decoders[self._text] = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._text.write(decoders[self._text].decode(found))
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
    logging.captureWarnings(capture=True)

    def undo() -> None:
        end()
        logging.captureWarnings(capture=False)
        for name, stream in before.items():
            setattr(sys, name, stream)

    return undo
