"""Placeholders: the word TODO where a text is still to be written, which only a draft may hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelport.catalog.document import Document, Path
    from modelport.catalog.folder import RawEntry
    from modelport.catalog.problem import Problem

__all__ = ["check_placeholder_files", "check_placeholders", "is_placeholder", "placeholders"]

_MARK = "TODO"
_WORD = re.compile(rf"\b{_MARK}\b")
_FILES = ("card.md", "recipe.lock")
_HINT = "write what belongs there, or keep 'lifecycle: draft'"


def is_placeholder(text: str) -> bool:
    """Return whether *text* holds the word TODO, in capitals."""
    return _MARK in text and _WORD.search(text) is not None


def placeholders(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield where in *value* a text is a placeholder."""
    if isinstance(value, str):
        if is_placeholder(value):
            yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from placeholders(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from placeholders(item, (*path, place))


def check_placeholders(model: Document) -> Iterator[Problem]:
    """Yield each placeholder in a ``model.yaml`` that is no draft's."""
    if _is_draft(model.value):
        return
    for path in placeholders(model.value):
        yield model.problem(path, "is still to be written: it holds the word TODO", hint=_HINT, rule="placeholder")


def check_placeholder_files(raw: RawEntry, model: Document) -> Iterator[Problem]:
    """Yield each placeholder in the other files of an entry that is no draft; *model* is the sound ``model.yaml``."""
    if _is_draft(model.value):
        return
    for name in _FILES:
        text = raw.texts.get(name, "")
        if is_placeholder(text):
            lines = text.splitlines()
            line = next(number for number, one in enumerate(lines, 1) if is_placeholder(one))
            message = "is still to be written: it holds the word TODO"
            yield raw.problem(name, message, line=line, hint=_HINT, rule="placeholder")


def _is_draft(model: Mapping[str, object]) -> bool:
    return model.get("lifecycle", "draft") == "draft"
