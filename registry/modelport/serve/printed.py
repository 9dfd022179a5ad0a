"""What a model's code prints and warns of becomes lines of the service's log, each with its request's id.

It may print what a caller has sent: written as it is, that could forge lines of the log. Only what libraries write past
Python, to the file descriptor itself, is not caught.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["WARM_UP", "Printed", "begin", "end", "printed_to", "request_fields"]

WARM_UP = "warm-up"
"""In place of a request's id, for the golden examples that a service calls before anybody does."""

_LONGEST = 2**16  # characters of a line that are kept until its end comes


class _Thread(threading.local):
    """What one thread runs: the requests that it is for, and the lines that it has begun."""

    def __init__(self) -> None:
        self.request_ids: Sequence[str] = ()
        self.begun: dict[Printed, str] = {}
        self.is_logging = False


_thread = _Thread()


def begin(request_ids: Sequence[str]) -> None:
    """Say which requests the model's code runs for in this thread, until `end`."""
    _thread.request_ids = request_ids


def end() -> None:
    """Say that the model's code has come back: lines that it has begun are ended."""
    if _thread.begun:
        for printed in list(_thread.begun):
            printed.end_line()
    _thread.request_ids = ()


def request_fields() -> dict[str, object]:
    """Return the fields of the log that name the requests which this thread runs the model for."""
    ids = [one for one in _thread.request_ids if one]
    if len(ids) > 1:
        return {"request_ids": ids}
    return {"request_id": ids[0]} if ids else {}


class Printed(io.TextIOBase):
    """A text stream in place of stdout or stderr, whose lines go to a handler of logging.

    They pass no logger: a model may give the root one a handler that writes to this very stream.

    Args:
        name: What the log says for the logger.
        level: Of `logging`.
        handler: Where the lines go.
        stream: What it stands for.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str, level: int, handler: logging.Handler, stream: io.TextIOBase) -> None:
        super().__init__()
        self.name = name
        self._level = level
        self._handler = handler
        self._stream = stream
        self.buffer = _Bytes(self)

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor of what it stands for, as processes that are started want it."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Log each line that *text* ends, and keep the rest for what this thread writes next."""
        *lines, rest = (_thread.begun.pop(self, "") + text).split("\n")
        for line in lines:
            self._log(line)
        while len(rest) > _LONGEST:
            self._log(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        if rest:
            _thread.begun[self] = rest
        return len(text)

    def end_line(self) -> None:
        """Log what this thread has begun."""
        self._log(_thread.begun.pop(self, ""))

    def _log(self, line: str) -> None:
        line = line.rpartition("\r")[2] or line.strip()  # of a bar that is drawn over itself, how it ended
        if not line or _thread.is_logging:  # what logging says of a log that cannot be written would come here again
            return
        _thread.is_logging = True
        try:
            self._handler.handle(logging.LogRecord(self.name, self._level, "", 0, line, None, None))
        finally:
            _thread.is_logging = False


class _Bytes(io.RawIOBase):
    """What ``sys.stdout.buffer`` is for a `Printed`."""

    def __init__(self, text: Printed) -> None:
        super().__init__()
        self._text = text

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._text.fileno()

    def write(self, data: bytes) -> int:  # type: ignore[override] # whatever holds bytes
        found = bytes(data)
        self._text.write(found.decode("utf-8", "backslashreplace"))
        return len(found)


@contextmanager
def printed_to(handler: logging.Handler) -> Iterator[None]:
    """Let *handler* have what Python code prints within the block, and logging what it warns of."""
    before = sys.stdout, sys.stderr
    sys.stdout = Printed("model.stdout", logging.INFO, handler, before[0])  # type: ignore[arg-type] # some text stream
    sys.stderr = Printed("model.stderr", logging.WARNING, handler, before[1])  # type: ignore[arg-type] # as above
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        end()
        sys.stdout, sys.stderr = before
