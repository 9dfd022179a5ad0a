"""Reports: the same problems for a person, for a program, and beside the lines of a pull request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelport.catalog.problem import Problem

__all__ = ["REPORTERS", "github_report", "json_report", "text_report"]


def text_report(problems: Iterable[Problem]) -> str:
    """Return a line for each problem: ``file:line: path: message (hint)``; nothing when there is none."""
    return "".join(f"{problem}\n" for problem in problems)


def json_report(problems: Iterable[Problem]) -> str:
    """Return ``{"problems": [...]}``; a problem with a file as a whole has null for its line."""
    rows = [
        {
            "file": problem.file,
            "line": problem.line or None,
            "path": problem.path,
            "rule": problem.rule,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    return json.dumps({"problems": rows}, indent=2, ensure_ascii=False) + "\n"


def github_report(problems: Iterable[Problem]) -> str:
    """Return workflow commands, which GitHub shows beside the lines (GitHub Actions, "Workflow commands")."""
    return "".join(_annotation(problem) for problem in problems)


def _annotation(problem: Problem) -> str:
    place = f"file={_property(problem.file)}" + (f",line={problem.line}" if problem.line else "")
    path = f"{problem.path}: " if problem.path else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"::error {place},title={_property(problem.rule)}::{_data(path + problem.message + hint)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


REPORTERS: dict[str, Callable[[Iterable[Problem]], str]] = {
    "text": text_report,
    "json": json_report,
    "github": github_report,
}
"""The reports by the name that ``modelport check --format`` knows them by."""
