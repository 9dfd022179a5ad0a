"""Structured logging: one JSON object a line on stderr, so that nothing a caller sends can forge a line.

There is a line for each request, and so it is made by hand, and the lines of one turn of the event loop are written at
once. All others, errors first of all, are written at once and take the waiting ones with them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import os
import re
import sys
import threading
import time
from contextlib import nullcontext, suppress
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from modelport import types
from modelport.package.modules import PACKED_PREFIX
from modelport.serve.printed import print_to, request_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TextIO

__all__ = ["REQUEST_ID", "Requests", "log_to_stderr"]

REQUEST_ID = re.compile(types.REQUEST_ID.encode())
"""What callers may call their requests."""

_OF_EVERY_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_ERROR = 400  # the least status of an answer that is no success


class _JsonLines(logging.Formatter):
    """A record as JSON: when, how bad, who, what, of which request, and the fields given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        fields = request_fields()
        fields |= {k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD and v is not None}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        return _line(record.created, record.levelname.lower(), _shown(record.name), record.getMessage(), fields)


def _shown(logger: str) -> str:
    """Return a logger's name; ``logging.getLogger(__name__)`` of the packed code is the model's own."""
    own, dot, inner = logger.partition(".")
    return f"model{dot}{inner}" if own.startswith(PACKED_PREFIX) else logger


def _line(seconds: float, level: str, name: str, message: str, fields: Mapping[str, object]) -> str:
    time_said = dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")
    line: dict[str, object] = {"time": time_said, "level": level, "logger": name, "message": message}
    line |= {f"{key}_" if key in line else key: one for key, one in fields.items()}
    try:
        return json.dumps(line, default=str, allow_nan=False)
    except (ValueError, TypeError):
        return json.dumps({key: _sayable(one) for key, one in line.items()}, default=str)


def _sayable(value: object) -> object:
    """Return what JSON has words for: NaN has none, nor has a key that is a tuple."""
    try:
        json.dumps(value, default=str, allow_nan=False)
    except (ValueError, TypeError):
        return repr(value)
    return value


_FORMATTER = _JsonLines()


class _Stderr(logging.Handler):
    """Writes records at once, and lines of requests when the event loop's turn ends.

    Whoever read it may have gone: there is nobody to tell then, and calls are answered on.

    Its lock is held while it writes, and not while it formats: that runs code of the model's, which may wait for a lock
    that another of its threads holds while it prints.
    """

    def __init__(self, stream: TextIO, *, successes: bool) -> None:
        super().__init__()
        self.successes = successes
        self._stream = stream
        self._lines: list[str] = []

    def handle(self, record: logging.LogRecord) -> bool:
        """Write what waits, and *record*."""
        try:
            kept: Any = self.filter(record)
            if not kept:
                return False
            text = self.format(kept if isinstance(kept, logging.LogRecord) else record)  # as from Python 3.12 on
        except Exception:  # noqa: BLE001 - as every handler does: logging says on stderr what is wrong with a record
            self.handleError(record)
        else:
            self._write(f"{text}\n")
        return True

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, whatever formatter the model has set: a line that is none could be forged."""
        return _FORMATTER.format(record)

    def log(self, name: str, level: int, message: str, **fields: object) -> None:
        """Write what waits, and one line more."""
        self._write(_line(time.time(), logging.getLevelName(level).lower(), name, message, fields) + "\n")

    def add(self, line: str) -> None:
        """Write *line* soon; only the event loop's thread does this."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what waits; the process's end does this, too."""
        self._write("")

    def forget(self) -> None:
        """Write nothing of what waits."""
        self._lines.clear()

    def _write(self, text: str) -> None:
        with self.lock or nullcontext():
            lines = self._lines[:]
            del self._lines[: len(lines)]  # the event loop may have added one meanwhile
            with suppress(OSError, ValueError):  # ValueError: it has been closed
                self._stream.write("".join(lines) + text)
                self._stream.flush()


_stderr: _Stderr | None = None


def _in_child() -> None:
    """Forget what waits: the process that this one was forked from will write it."""
    if _stderr:
        _stderr.forget()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_in_child)


class Requests:
    """The log of requests: one line for each, from the logger *name*."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._rest = f'","level":"info","logger":{quoted(name)},"message":"request","method":'
        self._second = 0
        self._prefix = ""

    def add(  # noqa: PLR0917 - the fields of a line, in their order
        self, method: str, path: str, status: int, request_id: str, problem: str | None, seconds: float
    ) -> None:
        """Log an answered request.

        Args:
            method: The HTTP method.
            path: The path.
            status: The answer's status.
            request_id: The request's id, which needs no quoting.
            problem: The kind of problem, if it is one.
            seconds: How long it took.
        """
        stderr = _stderr
        if stderr is None:
            fields = {"method": method, "path": path, "status": status, "request_id": request_id}
            self._logger.info("request", extra=fields | {"problem": problem, "ms": round(1000 * seconds, 3)})
            return
        if not (stderr.successes or status >= _ERROR):
            return
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._prefix = f'{{"time":"{dt.datetime.fromtimestamp(self._second, dt.UTC).isoformat()[:19]}'
        kind = f',"problem":"{problem}"' if problem else ""
        stderr.add(
            f"{self._prefix}.{int(now % 1 * 1000):03}+00:00{self._rest}{quoted(method)},"
            f'"path":{quoted(path)},"status":{status},"request_id":"{request_id}"{kind},"ms":{1000 * seconds:.3f}}}\n'
        )


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """Log what ended a thread of the model's, as one record."""
    if failed.exc_type is not SystemExit:
        found = failed.exc_value or failed.exc_type()
        named = failed.thread.name if failed.thread else "a thread"
        logging.getLogger("model").error("thread %s failed", named, exc_info=found)


def log_to_stderr(*, successes: bool = True) -> Callable[[], None]:
    """Send all logging of this process, and what it prints, to stderr, as JSON lines.

    Args:
        successes: Whether requests that went well are logged.

    Returns:
        What puts all back as it was.
    """
    global _stderr  # noqa: PLW0603 - a process has one stderr
    root, outer = logging.getLogger(), _stderr
    before, level = root.handlers[:], root.level
    stderr = _stderr = _Stderr(sys.stderr, successes=successes)
    root.handlers[:] = [stderr]
    root.setLevel(logging.INFO)
    print_as_before, of_threads = print_to(stderr), threading.excepthook
    threading.excepthook = _thread_failed

    def undo() -> None:
        global _stderr  # noqa: PLW0603 - as above
        print_as_before()
        threading.excepthook = of_threads
        stderr.flush()
        _stderr = outer
        root.handlers[:] = before
        root.setLevel(level)

    return undo
