"""Reports: the same problems for a person, for a program, and beside the lines of a pull request.

SARIF is the form in which code hosts and editors take what any checker found (OASIS, SARIF 2.1.0, errata 01).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import modelport
from modelport.catalog.rules import OTHER_RULES, RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from modelport.catalog.problem import Problem

__all__ = ["REPORTERS", "github_report", "json_report", "sarif_report", "text_report"]

_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"


def text_report(problems: Iterable[Problem]) -> str:
    """Return a line for each problem: ``file:line: path: message (hint)``; nothing when there is none."""
    return "".join(f"{problem}\n" for problem in problems)


def json_report(problems: Iterable[Problem], **more: object) -> str:
    """Return ``{"problems": [...]}`` and *more*; a problem with a file as a whole has null for its line."""
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
    return json.dumps({"problems": rows, **more}, indent=2, ensure_ascii=False) + "\n"


def github_report(problems: Iterable[Problem]) -> str:
    """Return workflow commands, which GitHub shows beside the lines (GitHub Actions, "Workflow commands")."""
    return "".join(_annotation(problem) for problem in problems)


def sarif_report(problems: Iterable[Problem]) -> str:
    """Return a SARIF log of one run; files are relative to the folder in which the check ran."""
    found = list(problems)
    rules = RULES | OTHER_RULES | {one.rule: one.rule for one in found if one.rule not in RULES | OTHER_RULES}
    places = {rule: place for place, rule in enumerate(rules)}
    described = [
        {"id": rule, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}
        for rule, text in rules.items()
    ]
    run = {
        "tool": {"driver": {"name": "modelport", "semanticVersion": modelport.__version__, "rules": described}},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which the check ran."}}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(problem, places[problem.rule], fingerprint)
            for problem, fingerprint in zip(found, _fingerprints(found), strict=True)
        ],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _result(problem: Problem, place: int, fingerprint: str) -> dict[str, Any]:
    path = f"{problem.path}: " if problem.path else ""
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(problem.file),
            # Code hosts want a line; a file as a whole begins at its first.
            "region": {"startLine": problem.line or 1},
        }
    }
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path, "kind": "member"}]
    return {
        "ruleId": problem.rule,
        "ruleIndex": place,
        "level": "error",
        "message": {"text": path + problem.message + (f" ({problem.hint})" if problem.hint else "")},
        "locations": [location],
        "partialFingerprints": {"problem/v1": fingerprint},
    }


def _artifact(file: str) -> dict[str, str]:
    if PurePosixPath(file).is_absolute():
        return {"uri": f"file://{quote(file)}"}
    return {"uri": quote(file), "uriBaseId": _ROOT}


def _fingerprints(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield what tells each problem from the others, and is the same when lines moved or figures in its text changed.

    That is its file, its place in it and its rule; problems that share all three are counted.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for problem in problems:
        key = (problem.file, problem.path, problem.rule)
        seen[key] += 1
        text = "\0".join([*key, str(seen[key])])
        yield hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


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
    "sarif": sarif_report,
}
"""The reports by the name that ``modelport check --format`` knows them by."""
