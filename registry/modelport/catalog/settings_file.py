"""Reading ``modelport.toml`` for a check: values with their lines, and problems instead of exceptions."""

from __future__ import annotations

import re
import tomllib

from modelport.catalog.document import Document, Path
from modelport.catalog.problem import Problem

__all__ = ["read_settings"]

_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


def read_settings(content: bytes, file: str) -> Document:
    """Read TOML; *file* is its name in reports."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(file, line, "encoding", "is not UTF-8 text", "save the file as UTF-8")
    try:
        return Document(file, tomllib.loads(text), _lines(text))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError, as a number's excess digits are
        match = _PLACE.search(str(error))
        line = int(match[1]) if match and match[1] else text.count("\n") + 1
        said = _PLACE.sub("", str(error))
        return _unreadable(file, line, "toml-syntax", f"is not TOML: {said}", "")


def _unreadable(file: str, line: int, rule: str, message: str, hint: str) -> Document:
    problem = Problem(file=file, line=line, rule=rule, message=message, hint=hint)
    return Document(file, None, problems=(problem,))


def _lines(text: str) -> dict[Path, int]:
    """Return the lines of tables and of their keys, as far as they are written one a line."""
    lines: dict[Path, int] = {(): 1}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = (match[1],)
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            lines.setdefault((*table, match[1]), number)
    return lines
