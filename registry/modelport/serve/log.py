"""Structured logging: one JSON object a line on stderr, so that nothing a caller sends can forge a line.

There is a line for each request, and so it is made by hand, and the lines of one turn of the event loop are written at
once. All others, errors first of all, are written at once and take the waiting ones with them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import re
import time
from contextlib import suppress
from json.encoder import encode_basestring_ascii as quoted

from modelport.serve.printed import request_fields

__all__ = ["REQUEST_ID", "Requests", "log_to_stderr"]

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
"""What callers may call their requests."""

_OF_EVERY_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_ERROR = 400  # the least status of an answer that is no success


class _JsonLines(logging.Formatter):
    """A record as JSON: when, how bad, who, what, of which request, and the fields given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **request_fields(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD and v is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg] # typeshed's class takes one, Python 3.11's does not
    """Writes records at once, and lines of requests when the event loop's turn ends."""

    def __init__(self, *, successes: bool) -> None:
        super().__init__()
        self.setFormatter(_JsonLines())
        self.successes = successes
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write what waits, and *record*."""
        self.flush()
        super().emit(record)

    def add(self, line: str) -> None:
        """Write *line* soon; only the event loop's thread does this."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what waits; the process's end does this, too."""
        lines, self._lines = self._lines, []
        with suppress(OSError):  # whoever read the log has gone: there is nobody to tell, and calls are answered on
            if lines:
                self.stream.write("".join(lines))
            super().flush()


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
        root = logging.getLogger()
        stderr = root.handlers[0] if root.handlers else None
        if not isinstance(stderr, _Stderr):
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


def log_to_stderr(*, successes: bool = True) -> logging.Handler:
    """Send all logging of this process to stderr, as JSON lines; without *successes* no request that went well.

    Returns:
        What writes these lines.
    """
    stderr = _Stderr(successes=successes)
    root = logging.getLogger()
    root.handlers[:] = [stderr]
    root.setLevel(logging.INFO)
    return stderr
