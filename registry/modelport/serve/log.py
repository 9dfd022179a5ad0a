"""Structured logging: one JSON object a line on stderr, so that nothing a caller sends can forge a line."""

from __future__ import annotations

import datetime as dt
import json
import logging

__all__ = ["log_to_stderr"]

_OF_EVERY_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class _JsonLines(logging.Formatter):
    """A record as JSON: when, how bad, who, what, and the fields given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD and v is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stderr() -> None:
    """Send all logging of this process to stderr, as JSON lines."""
    stderr = logging.StreamHandler()
    stderr.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [stderr]
    root.setLevel(logging.INFO)
