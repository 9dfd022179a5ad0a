"""A document as it was read: the values, and where each of them stands in the file.

A document is raw: nothing but its syntax has been looked at. What has passed every check is an
:class:`~modelport.catalog.entry.Entry`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from modelport.catalog.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Document", "Path", "path_text", "printable", "shown"]

Path: TypeAlias = tuple[str | int, ...]
"""The way from the top of a document to a value: keys and places in lists."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Document:
    """A file's values with their places.

    Attributes:
        file: The file, as reports name it.
        value: The values: mappings, lists, strings, numbers, true, false and null; None when nothing could be read.
        lines: The line of each value, counted from 1.
        sources: How each unquoted number, true, false or null is written.
        problems: What is wrong with the syntax.
    """

    file: str
    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)
    sources: Mapping[Path, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, path: Path) -> int:
        """Return the line of the value at *path*, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def problem(self, path: Path, message: str, *, rule: str, hint: str = "") -> Problem:
        """Return a problem with the value at *path*."""
        return Problem(
            file=self.file, line=self.line(path), path=path_text(path), rule=rule, message=message, hint=hint
        )


def path_text(path: Path) -> str:
    """Return *path* as ``authors[0].name``; a key that is not a plain word stands in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part[:_SHOWN])}]"
    return text


def shown(value: object) -> str:
    """Return *value* as a message shows it: on one line, quoted, without control characters, and not too long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def printable(name: str) -> str:
    """Return a file's name as a report shows it: a name may hold line ends, and bytes that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
