"""Python's filters of warnings, in fewer words: as many as say something, not as many as were written.

Python begins with five, and NumPy, SciPy and scikit-learn add six. scikit-learn sets each of them again around every
task that may go to another thread (`sklearn.utils.parallel`), and so for every tree of a forest at every call: two
fifths of a prediction's time went there. It takes several categories in one filter, but only where that has no pattern.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

__all__ = ["fold_filters", "folded"]

Filter = tuple[str, Any, Any, Any, int]
"""The action, a pattern of the message, the category or several, a pattern of the module, and the line or 0."""

_PLAIN = int(re.compile("", re.IGNORECASE).flags)  # as `warnings.filterwarnings` makes a pattern


def fold_filters() -> None:
    """Fold this process's filters in place: each warning fares as before.

    No other thread may be in a ``with warnings.catch_warnings()``: it has put them aside, and would bring them back as
    they were.
    """
    active: list[Filter] = warnings.filters  # type: ignore[assignment]  # a list, which the stubs call a sequence
    active[:] = folded(list(active))


def folded(filters: list[Filter]) -> list[Filter]:
    """Return *filters* in as few as say the same of every warning; the first one that fits a warning decides."""
    kept: list[Filter] = []
    for one in filters:
        if one in kept:
            continue
        last = _joined(kept[-1], one) if kept else None
        if last is None:
            kept.append(one)
        else:
            kept[-1] = last
        if _takes_all(one):
            break
    return kept


def _joined(first: Filter, second: Filter) -> Filter | None:
    """Return one filter that says what two neighbours say, or None where no filter can."""
    action, message, category, module, line = first
    if (action, module, line) != (second[0], second[3], second[4]):
        return None
    if message is None and second[1] is None and module is None:
        return action, message, tuple(dict.fromkeys((*_several(category), *_several(second[2])))), module, line
    if category == second[2] and _is_plain(message) and _is_plain(second[1]):
        return action, re.compile(f"{message.pattern}|{second[1].pattern}", re.IGNORECASE), category, module, line
    return None


def _several(category: object) -> tuple[type[Warning], ...]:
    return category if isinstance(category, tuple) else (category,)


def _is_plain(message: object) -> bool:
    """Tell whether *message* may stand beside another pattern: it has no groups or flags of its own."""
    return isinstance(message, re.Pattern) and message.flags == _PLAIN and "(" not in message.pattern


def _takes_all(one: Filter) -> bool:
    _, message, category, module, line = one
    return message is None and module is None and not line and Warning in _several(category)
