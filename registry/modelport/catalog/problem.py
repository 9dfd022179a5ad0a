"""A problem: what a check found wrong, where, and the way out.

Problems in contributed data are values, collected and shown all at once; exceptions are for whoever calls us wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Problem:
    """One finding; problems sort by file, line and path.

    Attributes:
        file: The file or folder, as the reader of the report knows it.
        line: The line, counted from 1; 0 means the file as a whole.
        path: Where in the document, as ``authors[0].name``; empty for the whole document.
        rule: The rule that was broken, one of ``modelport.catalog.RULES``.
        message: What is wrong.
        hint: The way out, as an instruction; empty when the message says it all.
    """

    file: str
    line: int = 0
    path: str = ""
    rule: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {path}{self.message}{hint}"
