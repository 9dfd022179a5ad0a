"""Scalars: what a text without quotes means, and which characters no text may hold.

Only what JSON spells the same way is not text: ``true``, ``false``, ``null`` (or nothing at all) and numbers as in
RFC 8259. So ``no``, ``2026-11-21``, ``12:30`` and ``1.0.0`` stay the texts they look like.
"""

from __future__ import annotations

import math
import re

__all__ = ["UNREADABLE", "find_unreadable", "is_text", "plain_value"]

_MAX_DIGITS = 40
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_STARTS = frozenset("-0123456789")
_WORDS = {"true": True, "false": False, "null": None, "": None}
UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, those that change direction, and halves of surrogate pairs."""


def plain_value(text: str) -> str | float | bool | None:
    """Return the value of a text without quotes.

    Raises:
        ValueError: It is too large or too long a number.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS:
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if len(text) > _MAX_DIGITS or not math.isfinite(float(text)):
        raise ValueError
    return float(text) if match[1] or match[2] else int(text)


def is_text(text: str) -> bool:
    """Return whether a text without quotes is a text, and no number, true, false or null."""
    return text not in _WORDS and _NUMBER.fullmatch(text) is None


def find_unreadable(text: str) -> re.Match[str] | None:
    """Return the first character that may not stand in a document: control, direction, half a surrogate pair."""
    return UNREADABLE.search(text)
