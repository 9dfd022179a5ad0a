"""Reading JSON that strangers wrote: what two readers might understand differently is refused.

RFC 8259 leaves open what repeated keys mean, and has no NaN, no infinities and no half characters.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["loads"]


def loads(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the document in *text*.

    Raises:
        ValueError: It is not JSON, repeats a key, or holds NaN or a number beyond a double.
        RecursionError: It is nested without end.
    """
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise ValueError(f"the key {_short(key)!r} is there twice")
        document[key] = value
    return document


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{_short(text)} is more than a float holds")
    return value


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."  # noqa: PLR2004 - enough to find the place by
